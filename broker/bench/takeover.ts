/**
 * `node takeover.js [--rounds N] [--verdicts N]`: from the end of a broker on Redis until the one that waits listens. The
 * server is a real one on this machine that syncs every write. Prints Markdown.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBroker } from '@slowbeat/broker';
import { RedisServer } from '@slowbeat/test-servers';
import { pino } from 'pino';
import { median } from './quantile.ts';

/** Verdicts published at a time. */
const BATCH = 1000;

/** A broker in a process of its own: says `waiting` and `serving`, and fills itself with verdicts when asked to. */
async function serve(url: string): Promise<void> {
  const tell = (word: string): void => void process.send?.(word);
  const broker = await startBroker({
    tcp: { port: 0 },
    redis: { url, standby: true },
    logger: pino({ level: 'silent' }),
  });
  process.once(
    'SIGTERM',
    () =>
      void broker
        .drain()
        .then(() => broker.close())
        .then(() => process.exit()),
  );
  process.on('message', async (verdicts: number) => {
    const payload = Buffer.from('{"state":"alive","at":1795000000000,"reason":"heard"}');
    for (let from = 0; from < verdicts; from += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, verdicts - from) }, (_, index) =>
        broker.publish({ topic: `hb/v1/meter/d${from + index}/state`, payload, qos: 1, retain: true }),
      );
      await Promise.all(batch);
    }
    tell('filled');
  });
  if (broker.problem !== undefined) tell('waiting');
  await broker.serving;
  tell('serving');
}

async function says(child: ChildProcess, word: string): Promise<void> {
  for (;;) {
    const [said] = await once(child, 'message');
    if (said === word) return;
  }
}

/** Milliseconds from each end to the next beginning. */
async function takeovers(signal: NodeJS.Signals, verdicts: number, rounds: number): Promise<number[]> {
  await using redis = await RedisServer.start();
  const start = (): ChildProcess => fork(fileURLToPath(import.meta.url), ['serve', redis.url]);
  let serving = start();
  await says(serving, 'serving');
  if (verdicts > 0) {
    serving.send(verdicts);
    await says(serving, 'filled');
  }
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const waiting = start();
    await says(waiting, 'waiting');
    // Anywhere between two renewals of the lease.
    await new Promise((resolve) => setTimeout(resolve, 2_500 + Math.random() * 2_000));
    const startedMs = performance.now();
    serving.kill(signal);
    await says(waiting, 'serving');
    tookMs.push(performance.now() - startedMs);
    serving = waiting;
  }
  serving.kill('SIGKILL');
  await once(serving, 'exit');
  return tookMs;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '10' }, verdicts: { type: 'string', default: '100000' } },
  });
  const cell = (ms: number): string => (ms / 1000).toFixed(1);
  process.stdout.write(
    '| The broker before | retained verdicts | seconds until the other one listens: least | median | most |\n|---|---|---|---|---|\n',
  );
  for (const verdicts of [0, Number(values.verdicts)]) {
    for (const [how, signal] of [
      ['killed', 'SIGKILL'],
      ['ended as planned', 'SIGTERM'],
    ] as const) {
      const tookMs = await takeovers(signal, verdicts, Number(values.rounds));
      const columns = [Math.min(...tookMs), median(tookMs), Math.max(...tookMs)].map(cell);
      process.stdout.write(`| ${how} | ${verdicts.toLocaleString('en')} | ${columns.join(' | ')} |\n`);
    }
  }
}

const [word, url] = process.argv.slice(2);
await (word === 'serve' && url !== undefined ? serve(url) : main());
