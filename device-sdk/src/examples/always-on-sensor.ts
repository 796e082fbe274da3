/**
 * A sensor on mains power: it stays connected, beats, answers probes, and says goodbye on Ctrl-C.
 *
 *     node always-on-sensor.js mqtt://127.0.0.1:1883 15s
 */
import { createDevice } from '@slowbeat/device-sdk';

const [url = 'mqtt://127.0.0.1:1883', interval = '15s'] = process.argv.slice(2);

const device = createDevice({
  url,
  deviceId: 'sensor-1',
  class: 'sensor',
  interval,
  site: 'workshop',
  telemetry: () => ({ rssiDbm: -61 }),
});

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
device.on('connect', ({ session }) => say(`connected, session ${session}`));
device.on('beat', ({ seq, nextMs }) => say(`beat ${seq}, next in ${nextMs} ms`));
device.on('offline', ({ error }) => say(error.message));
device.on('error', ({ error }) => say(error.message));
device.on('reconnect', ({ delayMs }) => say(`trying again in ${delayMs} ms`));
device.on('stopped', () => say('stopped'));

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => device.stop({ maintenanceFor: '1h' }));
}
device.start();
