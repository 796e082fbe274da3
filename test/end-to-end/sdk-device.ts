/** A device in a process of its own, so that a test can kill it: url, class, id and interval are its arguments. */
import { createDevice } from '@slowbeat/device-sdk';

const [url, deviceClass, deviceId, interval] = process.argv.slice(2) as [string, string, string, string];
const device = createDevice({ url, class: deviceClass, deviceId, interval, site: 'hall' });
device.on('beat', ({ seq }) => process.stdout.write(`beat ${seq}\n`));
device.start();
