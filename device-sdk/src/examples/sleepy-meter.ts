/**
 * A meter on a battery: it counts its boots in a file, connects for each beat, and sleeps in between.
 *
 *     node sleepy-meter.js mqtt://127.0.0.1:1883 15m ./boots
 */
import { bootCounter, createDevice } from '@slowbeat/device-sdk';

const [url = 'mqtt://127.0.0.1:1883', interval = '15m', bootFile = './boots'] = process.argv.slice(2);

const device = createDevice({
  url,
  deviceId: 'meter-1',
  class: 'meter',
  interval,
  connection: 'per-beat',
  encoding: 'cbor',
  generation: bootCounter(bootFile),
  telemetry: () => ({ batteryPercent: 87 }),
});

device.on('beat', ({ seq, nextMs }) => process.stdout.write(`beat ${seq}, asleep for ${nextMs} ms\n`));
device.on('missed', ({ seq, reason }) => process.stdout.write(`beat ${seq} is lost: ${reason}\n`));

// The season is over: nobody shall wait for this meter until it is switched on again.
process.once('SIGTERM', () => device.stop({ retire: true }));
device.start();
