import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode, topicFor } from '@slowbeat/device-sdk/protocol';
import { pino } from 'pino';
import { detectorConfigSchema } from './config.ts';
import { createDetectorService } from './create-service.ts';
import type { DetectorService } from './service.ts';
import { journalReader } from './store/index.ts';
import { type Point, parsePoint } from './store/line-protocol.ts';
import { ManualClock } from './test-support/manual-clock.ts';

const START_AT = Date.UTC(2026, 10, 20, 10);
const MINUTE = 60_000;

async function points(directory: string, measurement: string): Promise<Point[]> {
  const found: Point[] = [];
  for await (const { lines } of journalReader(directory).read()) {
    found.push(...lines.map((line) => parsePoint(line) as Point));
  }
  return found.filter((point) => point.measurement === measurement);
}

test('heartbeats of an hour are counted in its rollup, across a restart, and kept raw where asked', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'slowbeat-books-'));
  const clock = new ManualClock(START_AT);
  const start = (): Promise<DetectorService> =>
    createDetectorService({
      config: detectorConfigSchema.parse({
        dataDirectory,
        rawBeats: true,
        classes: { meter: { interval: '1m' } },
      }),
      clock,
      logger: pino({ level: 'silent' }),
      publish: async () => {},
    });
  let service = await start();
  service.link(true);
  try {
    for (let minute = 0; minute <= 61; minute++) {
      if (minute === 30) {
        await service.stop();
        service = await start();
        service.link(true);
      }
      const at = START_AT + minute * MINUTE;
      const beat = { generation: 1, session: 1, seq: minute, nextMs: MINUTE, roundTripMs: 30 + minute };
      const payload = encode('beat', { ...beat, deviceTimeMs: at - 1e6, batteryPercent: 50, rssiDbm: -80 });
      await service.handle({ topic: topicFor('hb/v1', 'meter', 'm1', 'beat'), payload, retained: false });
      await clock.pass(MINUTE);
    }
    await service.stop();
    const journal = join(dataDirectory, 'journal');
    const [hour] = await points(journal, 'device_1h');
    const { beats, expected_beats, lat_count, lat_min_ms, lat_max_ms, battery } = hour?.fields ?? {};
    assert.deepEqual(
      { beats, expected_beats, lat_count, lat_min_ms, lat_max_ms, battery },
      { beats: 60n, expected_beats: 60n, lat_count: 60n, lat_min_ms: 30, lat_max_ms: 89, battery: 50 },
    );
    const minutes = await points(journal, 'fleet_1m');
    assert.deepEqual(
      minutes.map(({ at }) => (at - START_AT) / MINUTE),
      Array.from({ length: 62 }, (_, minute) => minute),
    );
    assert.ok(minutes.every(({ fields }) => fields.devices === 1n));
    const raw = await points(join(dataDirectory, 'beats'), 'device_beat');
    assert.deepEqual(
      raw.map(({ fields }) => fields.seq),
      Array.from({ length: 62 }, (_, seq) => BigInt(seq)),
    );
    assert.equal(raw[5]?.fields.rtt_ms, 35);
  } finally {
    await service.stop();
    await rm(dataDirectory, { recursive: true });
  }
});
