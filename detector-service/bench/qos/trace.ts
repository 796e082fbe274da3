import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { AdaptiveModel } from '../../src/detector/adaptive/adaptive-model.ts';
import { FixedMultiples, Score, YEAR_MS } from './score.ts';

/** A recorded trace without truth: every silence that ended counts as one the device lived through. */
const [, , path, classesPath, budgetText] = process.argv;
if (path === undefined || classesPath === undefined) throw new Error('usage: trace.js TRACE CLASSES [BUDGET]');
const classes = JSON.parse(readFileSync(classesPath, 'utf8')).classes as Record<
  string,
  { intervalMs: number; falseAlarmsPerDeviceYear: number }
>;
if (budgetText) for (const c of Object.values(classes)) c.falseAlarmsPerDeviceYear = Number(budgetText);
const models = new Map<string, { model: AdaptiveModel; fixed: FixedMultiples; score: Score }>();
const all = { fixed: new FixedMultiples(), score: new Score() };
const devices = new Map<string, { at: number; seq: number; due: number; state: Float32Array; score: Score }>();
const gap = { at: 0, nextMs: 0, intervalMs: 0, gapMs: 0, missed: -1, mistake: false };
const out = { suspectMs: 0, deadMs: 0 };

/** Silences of most of a class at once are its gateway's; a detector calls them a group outage. */
const common = await outages();
const input = createReadStream(path);
const lines = createInterface({ input: path.endsWith('.gz') ? input.pipe(createGunzip()) : input });
for await (const line of lines) {
  const e = JSON.parse(line);
  const knobs = classes[e.class] as { intervalMs: number; falseAlarmsPerDeviceYear: number };
  let c = models.get(e.class);
  if (c === undefined) {
    c = { model: new AdaptiveModel({ ...knobs, maxSilenceMs: Math.max(30 * knobs.intervalMs, 86_400_000) }), fixed: new FixedMultiples(), score: new Score() };
    models.set(e.class, c);
  }
  let d = devices.get(e.device);
  const seq = e.seq ?? -1;
  if (d === undefined) {
    d = { at: e.t, seq, due: 0, state: new Float32Array(c.model.slots), score: new Score() };
    devices.set(e.device, d);
    c.model.init(d.state, 0);
  } else {
    if (seq >= 0 && seq === d.seq) continue;
    const gapMs = e.t - d.at;
    if (gapMs <= 0) continue;
    if (common.some((o) => e.class === o.class && d !== undefined && d.at < o.to && e.t > o.from && gapMs > 10 * knobs.intervalMs)) {
      d.at = e.t;
      d.seq = seq;
      continue;
    }
    d.score.gap(gapMs, d.due, knobs.intervalMs);
    c.score.gap(gapMs, d.due, knobs.intervalMs);
    all.score.gap(gapMs, d.due, knobs.intervalMs);
    c.fixed.gap(gapMs, knobs.intervalMs);
    all.fixed.gap(gapMs, knobs.intervalMs);
    gap.at = d.at;
    gap.gapMs = gapMs;
    gap.intervalMs = knobs.intervalMs;
    gap.missed = seq >= 0 && d.seq >= 0 ? (seq > d.seq ? seq - d.seq - 1 : -2) : -1;
    gap.mistake = gapMs > d.due;
    if (process.env.DEBUG4 && gap.mistake) console.log('MISTAKE', e.device, new Date(d.at).toISOString(), 'gap', (gapMs / knobs.intervalMs).toFixed(1), 'due', (d.due / knobs.intervalMs).toFixed(1), 'missed', gap.missed, [...d.state].map((x) => x.toFixed(1)).join(' '));
    if (gap.missed !== -2) c.model.learn(d.state, 0, gap);
    d.at = e.t;
    d.seq = seq;
  }
  gap.at = e.t;
  gap.intervalMs = knobs.intervalMs;
  c.model.freshness(d.state, 0, gap, out);
  d.due = out.deadMs;
}
async function outages(): Promise<{ class: string; from: number; to: number }[]> {
  const last = new Map<string, number>();
  const gaps: { class: string; device: string; from: number; to: number }[] = [];
  const input = createReadStream(path as string);
  for await (const line of createInterface({ input: (path as string).endsWith('.gz') ? input.pipe(createGunzip()) : input })) {
    const e = JSON.parse(line);
    const before = last.get(e.device);
    const interval = (classes[e.class] as { intervalMs: number }).intervalMs;
    if (before !== undefined && e.t - before > 10 * interval) gaps.push({ class: e.class, device: e.device, from: before, to: e.t });
    last.set(e.device, e.t);
  }
  return gaps.filter(
    (g) => new Set(gaps.filter((o) => o.class === g.class && o.from < g.to && g.from < o.to && Math.abs(o.from - g.from) < (g.to - g.from) / 2).map((o) => o.device)).size >= 3,
  );
}
const row = (name: string, score: Score, budget: number, fixed?: FixedMultiples): void => {
  const allowed = (budget * score.aliveMs) / YEAR_MS;
  const same = fixed?.best(score.mistakes);
  const at = fixed?.best(allowed);
  process.stdout.write(
    `${name.padEnd(30)} mistakes ${score.mistakes} allowed ${allowed.toFixed(1)} ratio ${(score.mistakes / allowed).toFixed(2)} E[TD] ${score.detection.toFixed(1)} ` +
      (same && at ? `fixed@same ${same.detection.toFixed(1)} (${(score.detection / same.detection).toFixed(2)}) @budget ${at.detection.toFixed(1)} (${(score.detection / at.detection).toFixed(2)})` : '') + '\n');
};
for (const [name, d] of devices) row(name, d.score, 12);
for (const [name, c] of models) {
  row(name, c.score, classes[name]?.falseAlarmsPerDeviceYear ?? 1, c.fixed);
}
row('all', all.score, Object.values(classes)[0]?.falseAlarmsPerDeviceYear ?? 12, all.fixed);
