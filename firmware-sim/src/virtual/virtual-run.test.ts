import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { classConfig } from '@slowbeat/detector-service/detector';
import { parseScenario, ScenarioError } from '../scenario.ts';
import { builtinScenario, listScenarios } from '../scenarios/index.ts';
import { truthOf } from '../truth.ts';
import { runVirtual, VIRTUAL_START_AT, VirtualRun } from './virtual-run.ts';

const HOUR = 3_600_000;
const scenario = (name: string) => parseScenario(builtinScenario(name));

/** Everything a run says, as one hash. */
function fingerprint(name: string, seed: number, durationMs: number, eventsAtOnce = Infinity): string {
  const hash = createHash('sha256');
  const note = (item: unknown): void => void hash.update(`${JSON.stringify(item)}\n`);
  const hooks = { onTruth: note, onTrace: note, onTransition: note };
  const run = new VirtualRun(scenario(name), { seed, devices: 20, durationMs, ...hooks });
  for (let over = false; !over; ) over = run.step(eventsAtOnce);
  note(run.summary());
  return hash.digest('hex');
}

describe('a run in virtual time', () => {
  for (const { name } of listScenarios()) {
    it(`plays ${name}, and the same seed gives the same bytes, however it is stepped through`, () => {
      const lengthMs = Math.min(6 * HOUR, scenario(name).durationMs);
      const first = fingerprint(name, 7, lengthMs);
      assert.equal(fingerprint(name, 7, lengthMs, 777), first);
      assert.notEqual(fingerprint(name, 8, lengthMs), first);
    });
  }

  it('tells the truth of the story to the millisecond', () => {
    const told: unknown[] = [];
    const run = new VirtualRun(scenario('demo'), { seed: 3, onTruth: (line) => told.push(line) });
    run.step();
    assert.deepEqual(told, truthOf(run.story, VIRTUAL_START_AT));
  });

  it('calls nobody dead where nothing goes wrong, and finds who crashes where they do', () => {
    const calm = runVirtual(scenario('calm'), { seed: 1, durationMs: HOUR });
    assert.deepEqual([calm.scores.at(-1)?.deaths, calm.scores.at(-1)?.falseDeaths], [0, 0]);
    assert.equal(calm.beats.sent, calm.beats.acknowledged);
    assert.equal(calm.heard.renewed, calm.beats.acknowledged + calm.connects);
    const classes = { meter: classConfig({ intervalMs: 5000, reconnectMs: 10_000 }) };
    const outage = runVirtual(scenario('gateway-outage'), { seed: 1, classes }).scores.at(-1);
    // One crashes behind the gateway that is out, and is back before anybody could know.
    assert.deepEqual([outage?.deaths, outage?.detected, outage?.unnoticed], [9, 8, 1]);
  });

  it('judges with the classes it is given, and refuses when one is missing', () => {
    const classes = { meter: classConfig({ intervalMs: 5000, algorithm: 'fixed', timeoutMs: 5001 }) };
    const hasty = runVirtual(scenario('calm'), { seed: 1, durationMs: HOUR, classes });
    assert.ok((hasty.scores.at(-1)?.falseDeaths ?? 0) > 0);
    assert.throws(
      () => runVirtual(scenario('demo'), { seed: 1, classes }),
      (error) => error instanceof ScenarioError && /the class pump/.test(error.message),
    );
  });

  it('hands a backlog over after the blind time, and loses what nobody kept', () => {
    const blind = (backlog: boolean): string[] => {
      const lines: string[] = [];
      const input = {
        name: 'blind',
        devices: 1,
        duration: '1h',
        classes: { meter: { interval: '1m', link: 'exact' } },
        links: { exact: { spread: 0 } },
        network: [{ kind: 'monitor-blind', at: '10m', for: '30m', backlog }],
      };
      runVirtual(parseScenario(input), { seed: 1, onTrace: (line) => lines.push(line) });
      return lines;
    };
    const [kept, lost] = [blind(true), blind(false)];
    const at = (minutes: number): string => `"t":${VIRTUAL_START_AT + 60_000 * minutes},`;
    assert.ok(kept.filter((line) => line.includes(at(40))).length > 25);
    assert.deepEqual(
      lost.filter((line) => line.includes(at(40))).map((line) => JSON.parse(line).kind),
      ['monitor'],
    );
  });
});
