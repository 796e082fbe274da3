/** The demo's settings: real devices whose days are seconds long. */
import { Socket } from 'node:net';
import { type Settings, settingsSchema } from '../settings/schema.ts';

/**
 * A year of these devices passes in hours, so the budget of false alarms of those that learn is as much larger: one
 * per year for a meter that beats every quarter of an hour is as many per beat as thousands for one that beats every
 * two seconds. The demo allows some more than that: nobody wants to watch a terminal for a hundred intervals.
 */
const CLASSES = {
  meter: { interval: '2s', falseAlarmsPerDeviceYear: 20_000, reconnect: '3s' },
  pump: { interval: '1s', falseAlarmsPerDeviceYear: 40_000, reconnect: '2s' },
  // The plain rule beside the learning ones: its sleepers beat too seldom for a minute of learning.
  tracker: { interval: '4s', algorithm: 'missed', missedBeats: 2, reconnect: '4s' },
};

const HOST = '127.0.0.1';

/** The usual ports where they are free, any others where they are not. */
export async function demoSettings(dataDirectory: string): Promise<Settings> {
  const [mqttPort, httpPort] = await Promise.all([freeOrAny(1883), freeOrAny(8080)]);
  return settingsSchema.parse({
    dataDirectory,
    monitor: 'demo',
    classes: CLASSES,
    broker: { tcp: { host: HOST, port: mqttPort } },
    http: { host: HOST, port: httpPort },
    log: { level: 'error' },
  });
}

/** The port, or 0 when somebody answers there. */
function freeOrAny(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = new Socket();
    const settle = (result: number): void => {
      probe.destroy();
      resolve(result);
    };
    probe.setTimeout(500, () => settle(0));
    probe.on('connect', () => settle(0));
    probe.on('error', () => settle(port));
    probe.connect(port, HOST);
  });
}
