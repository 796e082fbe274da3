/**
 * `npm run bench:store -- [points] [devices]`: what the store costs: points a second, questions to a month of journal,
 * closing the slots of a fleet.
 */
import { benchDelivery } from './delivery.ts';

const [points = '600000', devices = '20000'] = process.argv.slice(2);
await benchDelivery(Number(points), Number(devices));
