import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { STATES } from '../detector/transition.ts';
import { parsePoint } from './line-protocol.ts';
import { formatStateLine, parseStateLine, type StatePoint, stateKey } from './state-line.ts';

const count = fc.nat({ max: 2 ** 50 });
const tag = fc
  .string({
    minLength: 1,
    maxLength: 10,
    unit: fc.constantFrom('a', 'B', '9', '-', '_', ' ', ',', '=', '\\', '%'),
  })
  .filter((text) => !text.endsWith('\\'));
const statePoint: fc.Arbitrary<StatePoint> = fc
  .record({
    deviceClass: tag,
    device: tag,
    site: fc.option(tag, { nil: undefined }),
    at: fc.maxSafeInteger(),
    availability: fc.constantFrom(1 as const, 0 as const, -1 as const),
    status: fc.constantFrom(...STATES),
    previous: fc.constantFrom(...STATES),
    previousMs: count,
    upTotalMs: count,
    downTotalMs: count,
    unknownTotalMs: count,
    seq: count,
    phi: fc.double({ min: 0, max: 308, noNaN: true }).map((phi) => Math.round(phi * 1000) / 1000),
    reason: fc.constantFrom('heard' as const, 'monitor-blind' as const, 'moved' as const),
    heldMs: fc.option(count, { nil: undefined }),
    bumpedMs: fc.option(count, { nil: undefined }),
    rev: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  })
  // A restated line says how far it was bumped even when that is nothing; a first one only when it was.
  .map((point) => ({
    ...point,
    bumpedMs: point.rev !== undefined ? (point.bumpedMs ?? 0) : point.bumpedMs || undefined,
  }));

test('a state point reads back as it was written, and as line protocol too', () => {
  fc.assert(
    fc.property(statePoint, (point) => {
      const line = formatStateLine(stateKey(point.deviceClass, point.device, point.site), point);
      assert.deepEqual(parseStateLine(line), point);
      const general = parsePoint(line);
      assert.equal(general?.measurement, 'device_state');
      assert.equal(general.tags.device, point.device);
      assert.equal(general.fields.up_total_ms, BigInt(point.upTotalMs));
      assert.equal(general.fields.phi, point.phi);
      assert.equal(general.fields.status, point.status);
      assert.equal(general.at, point.at);
    }),
  );
});

test('any other line reads as nothing, and never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => parseStateLine(text) === undefined));
  const key = 'device_state,class=m,device=d';
  const rest =
    'prev="alive",prev_ms=1i,up_total_ms=1i,down_total_ms=0i,unknown_total_ms=0i,seq=1i,phi=0,reason="heard"';
  assert.ok(parseStateLine(`${key} state=1i,status="alive",${rest} 5`));
  assert.equal(parseStateLine(`${key} state=2i,status="alive",${rest} 5`), undefined);
  assert.equal(parseStateLine(`${key} state=1i,status="happy",${rest} 5`), undefined);
  assert.equal(parseStateLine(`${key} state=1i,status="alive",${rest}`), undefined);
});
