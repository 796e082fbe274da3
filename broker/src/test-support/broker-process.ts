/** Takes its configuration as JSON, prints its port, and closes on SIGTERM; fails when the broker has to end by itself. */
import { pino } from 'pino';
import { startBroker } from '../broker.ts';

const broker = await startBroker({
  ...JSON.parse(process.argv[2] ?? '{}'),
  logger: pino({ level: 'silent' }),
});
process.once('SIGTERM', () => void broker.close());
void broker.failed.then(({ code }) => {
  process.stdout.write(`${code}\n`);
  process.exitCode = 1;
});
process.stdout.write(`${broker.endpoints[0]?.port}\n`);
