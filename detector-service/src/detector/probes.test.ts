import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClassConfig, classConfig } from './class-config.ts';
import { Detector } from './detector.ts';

const ABOUT = { device: 'd', deviceClass: 'meter', generation: 1, session: 1 } as const;

function suspectAfter(knobs: Partial<ClassConfig>, answersPing: boolean, probing = true): Detector {
  const classes = {
    meter: classConfig({ intervalMs: 60_000, algorithm: 'missed', missedBeats: 4, ...knobs }),
  };
  const detector = new Detector({ classes, probing });
  detector.observe({ kind: 'birth', ...ABOUT, answersPing }, 0);
  detector.observe({ kind: 'beat', ...ABOUT, seq: 0 }, 1000);
  return detector;
}

test('a connected suspect that answers is asked when it becomes suspect, three times more, and then no more', () => {
  const detector = suspectAfter({}, true);
  const asked: number[] = [];
  for (let at = 0; at <= 3_600_000; at += 1000) {
    detector.advance(at);
    asked.push(...detector.takeProbes().map(() => at));
  }
  const dead = detector.device('meter', 'd', 3_600_000);
  assert.equal(dead?.state, 'dead');
  assert.equal(asked.length, 4);
  assert.ok((asked.at(-1) as number) < (dead?.since as number));
});

test('an answer refutes the suspicion', () => {
  const detector = suspectAfter({}, true);
  detector.advance(80_000);
  assert.deepEqual(detector.takeProbes(), [{ device: 'd', deviceClass: 'meter' }]);
  const { transitions } = detector.observe({ kind: 'pong', ...ABOUT }, 81_000);
  assert.deepEqual(
    transitions.map(({ from, to }) => [from, to]),
    [['suspect', 'alive']],
  );
});

test('nobody is asked who cannot answer: no ability, no connection, no wish, no belief, nobody to take it', () => {
  const silent: [string, Detector][] = [
    ['does not say that it answers', suspectAfter({}, false)],
    ['class that does not probe', suspectAfter({ probe: false }, true)],
    ['class that does not believe a pong', suspectAfter({ proofOfLife: ['beat'] }, true)],
    ['probes that nobody takes', suspectAfter({}, true, false)],
  ];
  const lost = suspectAfter({}, true);
  lost.observe({ kind: 'will', ...ABOUT }, 2000);
  silent.push(['whose will came', lost]);
  const blind = suspectAfter({}, true);
  blind.observe({ kind: 'monitor', up: false }, 2000);
  silent.push(['while blind', blind]);
  for (const [why, detector] of silent) {
    detector.advance(3_600_000);
    assert.deepEqual(detector.takeProbes(), [], why);
  }
});
