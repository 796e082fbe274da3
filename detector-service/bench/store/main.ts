/**
 * `npm run bench:store -- [points] [devices] [fleet]`: what the store costs. Points a second through journal and
 * delivery; questions to a month of journal of so many devices; closing the hour of a fleet of such a size.
 */
import { benchDelivery } from './delivery.ts';
import { benchHistory } from './history.ts';
import { benchSlots } from './slots.ts';

const [points = '1000000', devices = '100000', fleet = '1000000'] = process.argv.slice(2);
if (globalThis.gc === undefined) throw new Error('run with node --expose-gc, as npm run bench:store does');
await benchDelivery(Number(points), 20_000);
await benchHistory(Number(devices));
await benchSlots(Number(fleet));
