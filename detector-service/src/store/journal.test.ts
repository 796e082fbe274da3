import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '@slowbeat/test-servers';
import { pino } from 'pino';
import { type Journal, type JournalOptions, openJournal } from './journal.ts';
import { type JournalReader, journalReader } from './journal-reader.ts';
import { JOURNAL_START, type Position } from './position.ts';
import { DAY_MS } from './utc-day.ts';

const logger = pino({ level: 'silent' });
const NOON = Date.UTC(2026, 10, 20, 12);

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-journal-'));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function open(directory: string, options: Partial<JournalOptions> = {}): Promise<Journal> {
  return openJournal({ directory, logger, now: () => NOON, retryMs: 5, ...options });
}

async function linesOf(reader: JournalReader, from?: Position, to?: Position): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of reader.read(from, to)) lines.push(...batch.lines);
  return lines;
}

test('lines are durable and in order when their appends resolve; one write serves many', async () => {
  await inDirectory(async (directory) => {
    await using journal = await open(directory);
    await journal.append(['first']);
    await Promise.all(Array.from({ length: 1000 }, (_, n) => journal.append([`line ${n}`, `and ${n}`])));
    const text = await readFile(join(directory, '2026-11-20.lp'), 'utf8');
    const lines = text.split('\n');
    assert.equal(lines.length, 2002);
    assert.deepEqual(lines.slice(0, 4), ['first', 'line 0', 'and 0', 'line 1']);
    assert.deepEqual(journal.end(), { segment: '2026-11-20', offset: text.length });
    const { commits, appendedLines, appendedBytes } = journal.counters();
    assert.ok(commits <= 3, `${commits} commits`);
    assert.equal(appendedLines, 2001);
    assert.equal(appendedBytes, text.length);
  });
});

test('the segment is the day of the append, and a clock set back never sets positions back', async () => {
  await inDirectory(async (directory) => {
    let now = NOON;
    await using journal = await open(directory, { now: () => now });
    await journal.append(['a']);
    now += DAY_MS;
    await journal.append(['b']);
    now -= 2 * DAY_MS;
    await journal.append(['c']);
    assert.deepEqual(await journal.segments(), ['2026-11-20', '2026-11-21']);
    assert.equal(await readFile(join(directory, '2026-11-21.lp'), 'utf8'), 'b\nc\n');
    assert.deepEqual(await linesOf(journal), ['a', 'b', 'c']);
  });
});

test('reading goes from any position to any other, in batches of whole lines', async () => {
  await inDirectory(async (directory) => {
    let now = NOON;
    await using journal = await open(directory, { now: () => now });
    const all = Array.from({ length: 500 }, (_, n) => `line ${n} of ünïcode 🐢`);
    await journal.append(all.slice(0, 300));
    now += 3 * DAY_MS;
    await journal.append(all.slice(300));
    const ends: Position[] = [JOURNAL_START];
    let seen = 0;
    for await (const { lines, end } of journal.read(undefined, undefined, { linesMax: 7, bytesMax: 100 })) {
      assert.ok(lines.length <= 7);
      seen += lines.length;
      ends.push(end);
      assert.deepEqual(await linesOf(journal, undefined, end), all.slice(0, seen));
      assert.deepEqual(await linesOf(journal, end), all.slice(seen));
    }
    assert.equal(seen, all.length);
  });
});

test('a line torn by a crash is cut off at opening and counted; a reader leaves it alone', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, '2026-11-20.lp');
    await writeFile(path, `whole\n${'x'.repeat(200_000)}`);
    assert.deepEqual(await linesOf(journalReader(directory)), ['whole']);
    await using journal = await open(directory);
    assert.equal(journal.counters().tornBytes, 200_000);
    await journal.append(['next']);
    assert.equal(await readFile(path, 'utf8'), 'whole\nnext\n');
  });
});

test('damage without any newline is skipped in bounded memory', async () => {
  await inDirectory(async (directory) => {
    await writeFile(join(directory, '2026-11-20.lp'), `whole\n${'\0'.repeat(5_000_000)}\nafter\n`);
    assert.deepEqual(await linesOf(journalReader(directory)), ['whole', 'after']);
  });
});

test('a full disk refuses nothing: it is counted, tried again, and nothing is lost', async () => {
  await inDirectory(async (directory) => {
    // /dev/full answers every write with ENOSPC, as a full disk does.
    const path = join(directory, '2026-11-20.lp');
    await using journal = await open(directory);
    await symlink('/dev/full', path);
    const appended = Promise.all([journal.append(['a']), journal.append(['b'])]);
    await until(() => journal.counters().writeErrors >= 3, 'writeErrors is 3');
    assert.ok(journal.counters().pendingBytes > 0);
    assert.equal(journal.counters().failedInARow, journal.counters().writeErrors);
    assert.deepEqual(journal.end(), JOURNAL_START);
    await unlink(path);
    await appended;
    assert.equal(await readFile(path, 'utf8'), 'a\nb\n');
    assert.equal(journal.counters().pendingBytes, 0);
    assert.equal(journal.counters().failedInARow, 0);
    assert.ok(journal.counters().writeErrors >= 3);
  });
});

test('closing while the disk refuses gives up and says so', async () => {
  await inDirectory(async (directory) => {
    const journal = await open(directory, { retryMs: 60_000 });
    await symlink('/dev/full', join(directory, '2026-11-20.lp'));
    const appended = journal.append(['a']);
    await until(() => journal.counters().writeErrors >= 1, 'writeErrors is 1');
    await Promise.all([journal.close(), assert.rejects(appended, { code: 'journal-closed' })]);
    await assert.rejects(journal.append(['b']), { code: 'journal-closed' });
    assert.equal(existsSync(join(directory, 'journal.lock')), false);
  });
});

test('beyond the bound on waiting bytes appends are refused until there is room', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, '2026-11-20.lp');
    await using journal = await open(directory, { pendingBytesMax: 1000 });
    await symlink('/dev/full', path);
    const first = journal.append(['x'.repeat(800)]);
    await assert.rejects(journal.append(['y'.repeat(300)]), { code: 'journal-backlog-full' });
    assert.equal(journal.counters().refusedLines, 1);
    let hasRoom = false;
    const room = journal.room().then(() => {
      hasRoom = true;
    });
    await until(() => journal.counters().writeErrors >= 2, 'writeErrors is 2');
    assert.equal(hasRoom, false);
    await unlink(path);
    await Promise.all([first, room]);
    await journal.append(['y']);
  });
});

test('segments are deleted at the end of their retention, but never what is not delivered, nor the last two', async () => {
  await inDirectory(async (directory) => {
    let now = NOON;
    const options = { now: () => now, retentionMs: 2 * DAY_MS, keepUndelivered: true };
    await using journal = await open(directory, options);
    for (let day = 0; day < 6; day++, now += DAY_MS) await journal.append([`day ${day}`]);
    assert.equal((await journal.segments()).length, 6);
    journal.delivered({ segment: '2026-11-22', offset: 6 });
    await until(() => journal.counters().deletedSegments >= 2, 'deletedSegments is 2');
    assert.deepEqual((await journal.segments())[0], '2026-11-22');
    now += 30 * DAY_MS;
    journal.delivered({ segment: '2026-12-30', offset: 0 });
    await journal.append(['much later']);
    await until(() => journal.counters().deletedSegments >= 5, 'deletedSegments is 5');
    assert.deepEqual(await journal.segments(), ['2026-11-25', '2026-12-26']);
  });
});

test('the policy "interval" resolves after the write, and what is not yet synced is not handed on', async () => {
  await inDirectory(async (directory) => {
    await using journal = await open(directory, { sync: 'interval', syncIntervalMs: 20 });
    await journal.append(['a']);
    assert.equal(await readFile(join(directory, '2026-11-20.lp'), 'utf8'), 'a\n');
    await journal.grown(JOURNAL_START, AbortSignal.timeout(5000));
    assert.deepEqual(journal.end(), { segment: '2026-11-20', offset: 2 });
  });
});

test('there is one writer: a second is refused by name of the first, the lock of a dead one is taken over', async () => {
  await inDirectory(async (directory) => {
    const first = await open(directory);
    await assert.rejects(open(directory), { code: 'journal-locked' });
    await first.close();

    const program = `
      import { openJournal } from ${JSON.stringify(join(import.meta.dirname, 'journal.js'))};
      import { pino } from 'pino';
      await openJournal({ directory: ${JSON.stringify(directory)}, logger: pino({ level: 'silent' }) });
      console.log('open');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await assert.rejects(open(directory), {
      code: 'journal-locked',
      message: new RegExp(`process ${child.pid}`),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await open(directory)).close();
  });
});

test('a lock of a former life with our own process id is stale', async () => {
  await inDirectory(async (directory) => {
    const lock = { pid: process.pid, started: '1', boot: 'another' };
    await writeFile(join(directory, 'journal.lock'), JSON.stringify(lock));
    await (await open(directory)).close();
    await writeFile(join(directory, 'journal.lock'), 'garbage');
    await (await open(directory)).close();
  });
});

test('a reader sees lines while the writer goes on', async () => {
  await inDirectory(async (directory) => {
    await using journal = await open(directory);
    await journal.append(['a']);
    await appendFile(join(directory, '2026-11-20.lp'), 'half a li');
    assert.deepEqual(await linesOf(journalReader(directory)), ['a']);
    await journal.append(['b']);
    assert.deepEqual(await linesOf(journal), ['a', 'b']);
  });
});
