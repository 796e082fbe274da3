/** Takes its configuration as JSON, prints its port, and closes on SIGTERM. */
import { pino } from 'pino';
import { startBroker } from '../broker.ts';

const broker = await startBroker({
  ...JSON.parse(process.argv[2] ?? '{}'),
  logger: pino({ level: 'silent' }),
});
process.once('SIGTERM', () => void broker.close());
process.stdout.write(`${broker.endpoints[0]?.port}\n`);
