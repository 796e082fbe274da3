import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { ask, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { pino } from 'pino';
import { openJournal } from './journal.ts';
import { journalReader } from './journal-reader.ts';
import { startInfluxSender } from './sender.ts';

const CHILD = join(import.meta.dirname, 'crash-child.test.support.js');
const LIVES = 20;

/** Runs one life until it has acknowledged `acknowledgements` appends, then kills it in the middle of the next. */
async function liveAndDie(directory: string, url: string, life: number, acknowledgements: number) {
  const child = spawn(process.execPath, [CHILD, directory, url, String(life)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: number[] = [];
  let left = acknowledgements;
  for await (const line of createInterface({ input: child.stdout })) {
    const [first, last] = line.split(' ').map(Number) as [number, number];
    for (let number = first; number <= last; number++) acknowledged.push(number);
    if (--left === 0) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  return acknowledged;
}

test(
  `of a service killed ${LIVES} times every acknowledged point is there once, with its first content`,
  needsInfluxd,
  async () => {
    await using server = await startInfluxd();
    await ask(server.url, 'CREATE DATABASE fleet');
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-crash-'));
    try {
      const lifeOf = new Map<number, number>();
      for (let life = 1; life <= LIVES; life++) {
        // The server is away during some of the lives.
        if (life % 7 === 3) await server.stop();
        if (life % 7 === 5) await server.start();
        for (const number of await liveAndDie(
          directory,
          server.url,
          life,
          1 + Math.floor(Math.random() * 40),
        )) {
          assert.ok(!lifeOf.has(number), `${number} was acknowledged twice`);
          lifeOf.set(number, life);
        }
      }
      const logger = pino({ level: 'silent' });
      await using journal = await openJournal({ directory, logger });
      const target = { url: server.url, database: 'fleet' };
      await using sender = await startInfluxSender({ journal, target, logger });
      await sender.flushed();
      assert.equal(sender.status().deadLetters, 0);

      const rows = await ask(server.url, 'SELECT number, life FROM crash', { db: 'fleet' });
      const stored = new Map(rows.map(([, number, life]) => [number as number, life as number]));
      assert.equal(stored.size, rows.length);
      for (const [number, life] of lifeOf) assert.equal(stored.get(number), life, `point ${number}`);

      const contents = new Map<string, string>();
      for await (const { lines } of journalReader(directory).read()) {
        for (const line of lines) {
          const instant = line.slice(line.lastIndexOf(' '));
          assert.equal(contents.get(instant) ?? line, line, 'one instant, one content');
          contents.set(instant, line);
        }
      }
      assert.equal(contents.size, rows.length);
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);
