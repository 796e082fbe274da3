import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode, topicFor } from '@slowbeat/device-sdk/protocol';
import { pino } from 'pino';
import { detectorConfigSchema } from './config.ts';
import { createDetectorService } from './create-service.ts';
import { pathsIn } from './recovery.ts';
import { traceFile, tune } from './replay/index.ts';
import { RecordedTrace } from './store/index.ts';
import { ManualClock } from './test-support/manual-clock.ts';

const START_AT = Date.UTC(2026, 10, 20);
const MINUTE = 60_000;
const DEVICES = 12;
const ROUNDS = 300;

interface Message {
  readonly kind: 'birth' | 'beat' | 'will' | 'bye';
  readonly device: string;
  readonly at: number;
  readonly content: Readonly<Record<string, number | string>>;
}

/** A day of meters of which some lose beats, lose their connection, sleep, boot anew or die. */
function* story(): Generator<Message> {
  let dice = 7;
  const random = () => {
    dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
    return dice / 2 ** 32;
  };
  const generations = new Array<number>(DEVICES).fill(0);
  for (let seq = 0; seq < ROUNDS; seq += 1) {
    for (let nth = 0; nth < DEVICES; nth += 1) {
      if (isSilent(nth, seq)) continue;
      const boots = generations[nth] === 0 || random() < 0.005;
      if (boots) generations[nth] = (generations[nth] as number) + 1;
      const session = { generation: generations[nth] as number, session: 1 };
      const told = { device: `m${nth}`, at: START_AT + (seq * 5 + 1) * MINUTE + nth * 1000 };
      const places = { site: `s${nth % 2}`, gateway: `g${nth % 3}` };
      const beat = { ...session, seq, nextMs: 5 * MINUTE, uptimeS: 300 * seq };
      if (boots)
        yield {
          kind: 'birth',
          ...told,
          content: { ...session, intervalMs: 5 * MINUTE, uptimeS: 2, ...places },
        };
      else if (random() < 0.005) yield { kind: 'will', ...told, content: session };
      else if (nth === 5 && seq === 100)
        yield { kind: 'bye', ...told, content: { ...session, sleepMs: 30 * MINUTE } };
      else if (random() > 0.02 * nth) yield { kind: 'beat', ...told, content: beat };
    }
  }
}

/** One dies, one sleeps for a while. */
function isSilent(nth: number, seq: number): boolean {
  return (nth === 3 && seq > 200) || (nth === 5 && seq > 100 && seq < 106);
}

test('what a monitor recorded tunes its classes as a trace of the same days does', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'slowbeat-recorded-'));
  const config = detectorConfigSchema.parse({
    dataDirectory,
    rawBeats: true,
    classes: { meter: { interval: '5m' } },
  });
  const clock = new ManualClock(START_AT);
  const lines: string[] = [];
  try {
    const service = await createDetectorService({
      config,
      clock,
      logger: pino({ level: 'silent' }),
      publish: async () => {},
    });
    service.link(true);
    for (const { kind, device, at, content } of story()) {
      await clock.pass(at - clock.epochMs());
      const payload = encode(kind, content as never);
      await service.handle({ topic: topicFor('hb/v1', 'meter', device, kind), payload, retained: false });
      const { generation: gen, nextMs: next, intervalMs: interval, uptimeS: uptime, ...rest } = content;
      lines.push(
        JSON.stringify({ t: at, kind, device, class: 'meter', gen, next, interval, uptime, ...rest }),
      );
    }
    lines.push(JSON.stringify({ t: clock.epochMs(), kind: 'monitor', up: false }));
    await service.stop();
    const path = join(dataDirectory, 'trace.ndjson');
    await writeFile(path, lines.join('\n'));
    const { classes } = config;
    const recorded = new RecordedTrace(pathsIn(dataDirectory).beats, classes);
    const fromJournal = await tune({ trace: recorded, classes });
    const fromTrace = await tune({ trace: traceFile(path, classes), classes });
    assert.deepEqual(fromJournal.classes, fromTrace.classes);
    assert.equal(fromJournal.devices, DEVICES);
    assert.ok((fromTrace.classes.meter?.at(-1)?.score.falseAlarms ?? 0) > 0, 'there is something to compare');
    assert.equal(recorded.bad.size, 0);
  } finally {
    await rm(dataDirectory, { recursive: true });
  }
});
