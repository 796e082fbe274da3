import { AdaptiveModel } from '../../src/detector/adaptive/adaptive-model.ts';
import type { Deadlines, FreshnessModel, Gap } from '../../src/detector/adaptive/freshness-model.ts';
import { families } from './families.ts';
import { Oracle } from './oracle.ts';
import { FixedMultiples, Score, YEAR_MS } from './score.ts';
import { type Device, type Family, play } from './world.ts';

const wanted = (process.argv[2] ?? '').split(',').filter((s) => s !== '');
const seeds = Number(process.argv[3] ?? 1);
const scale = Number(process.argv[4] ?? 1);
const firstSeed = Number(process.argv[5] ?? 1);

function run(family: Family, seed: number, model: FreshnessModel) {
  const count = family.devices.length;
  const state = new Float32Array(count * model.slots);
  const lastAt = new Float64Array(count).fill(-1);
  const lastNext = new Float64Array(count);
  const deadMs = new Float64Array(count);
  const beats = new Int32Array(count);
  const score = new Score();
  const fresh = new Score();
  const phases: Score[] = [];
  const each: Score[] = [];
  const oracle = new Oracle(family);
  const fixed = new FixedMultiples();
  const gap: Gap = { at: 0, nextMs: 0, intervalMs: family.intervalMs, gapMs: 0, missed: 0, mistake: false };
  const deadlines: Deadlines = { suspectMs: 0, deadMs: 0 };
  play(family, seed, (beat) => {
    const i = beat.device;
    const device = family.devices[i] as Device;
    const base = i * model.slots;
    const before = lastAt[i] as number;
    oracle.arrival(beat);
    if (before < 0) model.init(state, base);
    else {
      const gapMs = beat.at - before;
      const due = deadMs[i] as number;
      const intervalMs = device.intervalAt(before);
      score.gap(gapMs, due, intervalMs);
      if (process.env.DEBUG2) (each[i] ??= new Score()).gap(gapMs, due, intervalMs);
      if ((beats[i] as number) <= 30) fresh.gap(gapMs, due, intervalMs);
      if (process.env.DEBUG3) { const b = Math.min(9, Math.floor(Math.log2(Math.max(1, (beat.at - (family.devices[i] as Device).joinsAt) / 86400000 * 2)))); (phases[b] ??= new Score()).gap(gapMs, due, intervalMs); }
      if (process.env.DEBUG4 && gapMs > due) console.log('MISTAKE dev', i, 'day', (before/864e5).toFixed(2), 'h', ((before % 864e5)/36e5).toFixed(2), 'interval', intervalMs/6e4, 'gap', (gapMs/6e4).toFixed(0), 'due', (due/6e4).toFixed(0), 'missed', beat.missed, 'state', [...state.slice(i*model.slots+9, i*model.slots+22)].map(x=>x.toFixed(1)).join(' '));
      fixed.gap(gapMs, device.announces ? intervalMs : family.intervalMs);
      gap.at = before;
      gap.nextMs = device.announces ? (lastNext[i] as number) : 0;
      gap.gapMs = gapMs;
      gap.missed = device.numbersBeats ? beat.missed : -1;
      gap.mistake = gapMs > due;
      model.learn(state, base, gap);
    }
    beats[i] = (beats[i] as number) + 1;
    lastAt[i] = beat.at;
    lastNext[i] = beat.nextMs;
    gap.at = beat.at;
    gap.nextMs = device.announces ? beat.nextMs : 0;
    model.freshness(state, base, gap, deadlines);
    deadMs[i] = deadlines.deadMs;
  });
  if (process.env.DEBUG2) for (let i = 0; i < Math.min(count, 30); i++) {
    const d = family.devices[i] as Device; const l = d.losses[0]!;
    console.log(i, 'entry', l.survival(1).toFixed(4), 'stay', (l.survival(2)/l.survival(1)).toFixed(3), 'beats', beats[i], 'dead', (deadMs[i]!/family.intervalMs).toFixed(1), 'oracle', oracle.deadline(i, 1), 'mist', each[i]?.mistakes, 'TD', each[i]?.detection.toFixed(2), 'state', [...state.slice(i*model.slots, i*model.slots+22)].map(x=>x.toFixed(1)).join(' '));
  }
  if (process.env.DEBUG3) console.log(phases.map((p, b) => `${(2 ** b) / 2}d ${p.detection.toFixed(1)}/${p.mistakesPerYear.toFixed(2)}`).join('  '));
  return { score, fresh, oracle, fixed };
}

for (const [name, make] of Object.entries(families)) {
  if (wanted.length > 0 && !wanted.includes(name.replaceAll(/[ ,]+/g, '-'))) continue;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const family = make(seed, scale);
    const startedAt = process.hrtime.bigint();
    const budget = family.falseAlarmsPerDeviceYear;
    const model = new AdaptiveModel(family);
    if (process.env.WARM) run(make(seed + 1000, scale), seed + 1000, model);
    const { score, fresh, oracle, fixed } = run(family, seed, model);
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
    const allowed = (budget * score.aliveMs) / YEAR_MS;
    const atSame = oracle.detectionAt(score.mistakesPerYear);
    const atBudget = oracle.detectionAt(budget);
    const best = fixed.best(Math.max(score.mistakes, 0));
    const bestBudget = fixed.best(allowed);
    process.stdout.write(
      `${name.padEnd(27)} seed ${seed} n=${(score.gaps / 1e6).toFixed(2)}M mist ${score.mistakes}/${allowed.toFixed(0)} ` +
        `ratio ${(score.mistakes / allowed).toFixed(2)} first30 ${fresh.mistakes}/${((budget * fresh.aliveMs) / YEAR_MS).toFixed(1)} ` +
        `E[TD] ${score.detection.toFixed(2)} orc@same ${atSame.toFixed(2)} (${(score.detection / atSame).toFixed(2)}) ` +
        `orc@budget ${atBudget.toFixed(2)} (${(score.detection / atBudget).toFixed(2)}) ` +
        `fixed@same ${best.detection.toFixed(2)} (${(score.detection / best.detection).toFixed(2)}) ` +
        `@budget ${bestBudget.detection.toFixed(2)} (${(score.detection / bestBudget.detection).toFixed(2)}) ${seconds.toFixed(0)}s\n`,
    );
  }
}
