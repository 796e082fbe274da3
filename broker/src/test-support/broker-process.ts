/** A broker in a process of its own, so that a test can kill it: prints its port and takes its configuration as JSON. */
import { pino } from 'pino';
import { startBroker } from '../broker.ts';

const broker = await startBroker({
  ...JSON.parse(process.argv[2] ?? '{}'),
  logger: pino({ level: 'silent' }),
});
process.stdout.write(`${broker.endpoints[0]?.port}\n`);
