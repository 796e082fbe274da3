import assert from 'node:assert/strict';
import {
  appendFile,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '@slowbeat/test-servers';
import { pino } from 'pino';
import { seeded } from '../uptime/random-fleet.test.support.ts';
import { openJournal } from './journal.ts';
import { journalReader } from './journal-reader.ts';
import { openSegment, segmentPath } from './segment.ts';
import { extendIndex, indexPath, rebuildIndex, SegmentIndex } from './segment-index.ts';
import type { SeriesWanted } from './series-lines.ts';

const logger = pino({ level: 'silent' });
const DAYS = ['2026-11-20', '2026-11-21', '2026-11-22'];
const DEVICES = 300;

interface Stage {
  readonly directory: string;
  /** Every line of the journal, in order. */
  readonly lines: readonly string[];
}

/** Three days of more than a megabyte each, with names that begin with each other and need escapes. */
async function withJournal(body: (stage: Stage) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-reader-'));
  const random = seeded(11);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  try {
    const lines: string[] = [];
    for (const day of DAYS) {
      const start = Date.parse(`${day}T00:00:00Z`);
      const ofDay = Array.from({ length: 16_000 }, (_, number) => {
        const device = pick(['d', 'd1', 'a\\ b', 'ü']) + Math.floor(random() * DEVICES);
        const site = pick(['', ',site=n', ',site=north\\ 1']);
        const measurement = pick(['device_state', 'device_1h', 'device_1d']);
        return `${measurement},class=${pick(['m', 'meter'])},device=${device}${site} up_ms=${number}i,x="a b" ${start + number}`;
      });
      ofDay.push(`state_checkpoint devices=3i ${start}`, `fleet_1m,class=m devices=3i ${start}`);
      await writeFile(segmentPath(directory, day), `${ofDay.join('\n')}\n`);
      lines.push(...ofDay);
    }
    await body({ directory, lines });
  } finally {
    await rm(directory, { recursive: true });
  }
}

const WANTED: readonly SeriesWanted[] = [
  { deviceClass: 'm', device: 'd17', measurements: ['device_state'] },
  { deviceClass: 'meter', device: 'd1', measurements: ['device_state', 'device_1h'] },
  { deviceClass: 'm', device: 'a b3', measurements: ['device_1d'] },
  { deviceClass: 'm', device: 'ü5', measurements: ['device_state', 'device_1h', 'device_1d'] },
  { deviceClass: 'm', device: 'nobody', measurements: ['device_state'] },
  { device: 'd1', measurements: ['device_state', 'device_1h'] },
  { device: 'a b3', measurements: ['device_1d'] },
];

async function found({ directory }: Stage, wanted: (typeof WANTED)[number], fromAt?: number) {
  const lines: string[] = [];
  let damaged = 0;
  for await (const batch of journalReader(directory).readSeries(wanted, fromAt)) {
    lines.push(...batch.lines);
    damaged += batch.damaged;
  }
  return { lines, damaged };
}

async function findsAll(stage: Stage, damaged = 0): Promise<void> {
  for (const wanted of WANTED) {
    const device = wanted.device.replace(' ', '\\ ');
    const expected = stage.lines.filter((line) =>
      wanted.measurements.some((measurement) =>
        ['m', 'meter'].some((name) => {
          const series = `${measurement},class=${name},device=${device}`;
          const isOfClass = name === (wanted.deviceClass ?? name);
          return isOfClass && (line.startsWith(`${series} `) || line.startsWith(`${series},`));
        }),
      ),
    );
    assert.deepEqual(await found(stage, wanted), { lines: expected, damaged });
  }
}

test('a device has the same lines with an index as without', async () => {
  await withJournal(async (stage) => {
    await findsAll(stage);
    // Closed segments have got an index by being read; the newest one is read as it is.
    const indexes = (await readdir(stage.directory)).filter((name) => name.endsWith('.idx'));
    assert.deepEqual(indexes.sort(), ['2026-11-20.idx', '2026-11-21.idx']);
    await findsAll(stage);
  });
});

test('days before the one asked for are left out', async () => {
  await withJournal(async (stage) => {
    const wanted = { deviceClass: 'm', device: 'd17', measurements: ['device_1h'] };
    const { lines } = await found(stage, wanted, Date.parse('2026-11-21T12:00:00Z'));
    assert.ok(lines.length > 0 && lines.every((line) => Number(line.slice(-13)) >= Date.parse('2026-11-21')));
  });
});

test('an index that is damaged anywhere is not believed', async () => {
  await withJournal(async (stage) => {
    await findsAll(stage);
    const path = indexPath(stage.directory, '2026-11-20');
    const whole = await readFile(path);
    const random = seeded(3);
    for (let round = 0; round < 12; round++) {
      const broken = Buffer.from(whole);
      const at = round < 4 ? round * 13 : Math.floor(random() * whole.length);
      broken[at] = (broken[at] as number) ^ (1 + Math.floor(random() * 255));
      await writeFile(path, broken);
      await findsAll(stage);
    }
    for (const bytes of [0, 10, 64, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, bytes));
      await findsAll(stage);
    }
    await writeFile(path, Buffer.alloc(5000));
    await findsAll(stage);
  });
});

test('an index grows with its segment, and what it does not reach is read', async () => {
  await withJournal(async (stage) => {
    const { directory } = stage;
    const handle = await openSegment(directory, '2026-11-22');
    assert.ok(handle);
    const { size } = await handle.stat();
    for (const share of [0.3, 0.3, 0.7]) {
      await extendIndex(directory, '2026-11-22', handle, Math.floor(share * size));
      await findsAll(stage);
    }
    // Half a chunk, as a kill leaves it.
    const path = indexPath(directory, '2026-11-22');
    await appendFile(path, (await readFile(path)).subarray(0, 500));
    await findsAll(stage);
    await extendIndex(directory, '2026-11-22', handle, size);
    await handle.close();
    await using index = await SegmentIndex.open(directory, '2026-11-22');
    assert.equal(index?.to, size);
    assert.equal(index.chunks.length, 3);
    await findsAll(stage);
  });
});

test('damaged lines are counted and hide no other', async () => {
  await withJournal(async (stage) => {
    const { directory } = stage;
    for (const damage of ['\0\0\0\0\n', 'device_state,class=m,device=d17 up_ms=1\n', '}garbage{ 12\n']) {
      await appendFile(segmentPath(directory, '2026-11-20'), damage);
    }
    await appendFile(segmentPath(directory, '2026-11-21'), `${'x'.repeat(2_000_000)}\n`);
    const handle = await openSegment(directory, '2026-11-20');
    assert.ok(handle);
    await rebuildIndex(directory, '2026-11-20', handle, (await handle.stat()).size);
    await handle.close();
    const wanted = { deviceClass: 'm', device: 'd18', measurements: ['device_state'] };
    assert.equal((await found(stage, wanted)).damaged, 4);
  });
});

test('the journal indexes the day that is over by itself', async () => {
  await withJournal(async (stage) => {
    let now = Date.parse('2026-11-22T23:59:59Z');
    await using journal = await openJournal({ directory: stage.directory, logger, now: () => now });
    now += 2000;
    await journal.append([`device_state,class=m,device=d17 up_ms=1i,x="a" ${now}`]);
    await until(
      async () => (await stat(indexPath(stage.directory, '2026-11-22')).catch(() => undefined)) !== undefined,
      'the index of the day before is there',
    );
    const wanted = { deviceClass: 'm', device: 'd17', measurements: ['device_state'] };
    const lines: string[] = [];
    for await (const batch of journal.readSeries(wanted)) lines.push(...batch.lines);
    assert.equal(lines.at(-1), `device_state,class=m,device=d17 up_ms=1i,x="a" ${now}`);
  });
});

test('a segment that lost its end is not read beyond it', async () => {
  await withJournal(async (stage) => {
    const path = segmentPath(stage.directory, '2026-11-20');
    await findsAll(stage);
    const bytes = await readFile(path);
    const half = bytes.lastIndexOf('\n', bytes.length / 2) + 1;
    await truncate(path, half);
    const lines = bytes.toString('utf8', 0, half).split('\n').slice(0, -1);
    await findsAll({ ...stage, lines: [...lines, ...stage.lines.slice(16_002)] });
    const file = await open(path, 'r');
    assert.equal((await file.stat()).size, half);
    await file.close();
  });
});

test('the verdicts about some spans of time are read without the stretches that tell of none', async () => {
  await withJournal(async (stage) => {
    const { directory, lines } = stage;
    await findsAll(stage);
    const [first, second] = [Date.parse('2026-11-20T00:00:01Z'), Date.parse('2026-11-21T00:00:02Z')];
    // A restatement, written long after its instant.
    const late = `device_state,class=m,device=d1 up_ms=1i,rev=9i ${first}`;
    await appendFile(segmentPath(directory, '2026-11-22'), `${late}\n`);
    for (const at of [first, second]) {
      const read: string[] = [];
      for await (const batch of journalReader(directory).readStates([{ from: at - 500, to: at }])) {
        read.push(...batch.lines);
      }
      const isAsked = (line: string) => {
        const instant = Number(line.slice(line.lastIndexOf(' ') + 1));
        return line.startsWith('device_state,') && instant >= at - 500 && instant <= at;
      };
      assert.deepEqual(read.filter(isAsked), [...lines, late].filter(isAsked));
      const other = at === first ? '2026-11-21' : '2026-11-20';
      const ofOther = read.filter((line) =>
        new Date(Number(line.slice(-13))).toISOString().startsWith(other),
      );
      assert.deepEqual(ofOther, other === '2026-11-20' ? [late] : []);
    }
  });
});
