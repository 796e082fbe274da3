/**
 * A service in small, to be killed: appends numbered points without end, sends them, and says on stdout which are
 * durable. Arguments: directory, InfluxDB's URL, number of this life.
 */
import { pino } from 'pino';
import { openJournal } from './journal.ts';
import { parsePoint } from './line-protocol.ts';
import { startInfluxSender } from './sender.ts';

const [directory, url, life] = process.argv.slice(2) as [string, string, string];
const logger = pino({ level: 'silent' });
const journal = await openJournal({ directory, logger, keepUndelivered: true });
let next = 0;
for await (const { lines } of journal.read()) {
  for (const line of lines) next = Math.max(next, 1 + Number(parsePoint(line)?.fields.number));
}
await startInfluxSender({
  journal,
  target: { url, database: 'fleet' },
  logger,
  batchLinesMax: 50,
  backoff: { initialMs: 10, maxMs: 50 },
});
for (;;) {
  const first = next;
  const lines: string[] = [];
  for (; next < first + 20; next++)
    lines.push(`crash number=${next}i,life=${life}i ${1_700_000_000_000 + next}`);
  await journal.append(lines);
  process.stdout.write(`${first} ${next - 1} ${life}\n`);
}
