/**
 * `npm run bench:core -- [devices]`: the detector core alone on one core: memory per device, heartbeats a second in
 * random order, what `advance` costs, snapshot and restore.
 */
import { type BeatEvidence, classConfig, Detector } from '@slowbeat/detector-service/detector';

const DEVICES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 3;
const INTERVAL_MS = 900_000;
/** Beats come this much sooner or later than the interval, as announced: neighbours in time lie far apart in memory. */
const JITTER = 0.1;
const classes = { meter: classConfig({ intervalMs: INTERVAL_MS }) };

if (globalThis.gc === undefined) throw new Error('run with node --expose-gc, as npm run bench:core does');

function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function secondsOf(work: () => void): number {
  const before = performance.now();
  work();
  return (performance.now() - before) / 1000;
}

/** All beats of the fleet in the order of time, the first of each device left out. */
function beatsInOrder(): { device: Uint32Array; at: Float64Array; nextMs: Float64Array; order: Uint32Array } {
  const count = DEVICES * ROUNDS;
  const device = new Uint32Array(count);
  const at = new Float64Array(count);
  const nextMs = new Float64Array(count);
  for (let beat = 0; beat < count; beat += 1) {
    const who = beat % DEVICES;
    const before = beat < DEVICES ? firstAt(who) : (at[beat - DEVICES] as number);
    const gapMs = beat < DEVICES ? firstGapMs(who) : (nextMs[beat - DEVICES] as number);
    device[beat] = who;
    at[beat] = before + gapMs;
    nextMs[beat] = drawnMs();
  }
  const order = Uint32Array.from({ length: count }, (_, beat) => beat);
  order.sort((one, other) => (at[one] as number) - (at[other] as number));
  return { device, at, nextMs, order };
}

let dice = 12345;
/** A linear congruential generator, so that two runs do the same. */
function drawnMs(): number {
  dice = (Math.imul(dice, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return Math.round(INTERVAL_MS * (1 + JITTER * (dice / 0x4000_0000 - 1)));
}

const say = (what: string, value: string): void => void process.stdout.write(`${what.padEnd(44)} ${value}\n`);
const thousands = (value: number): string => `${Math.round(value / 1000).toLocaleString('en')} k/s`;

const names = Array.from({ length: DEVICES }, (_, index) => `dev-${index}`);
const firstGaps = Float64Array.from({ length: DEVICES }, drawnMs);
const firstAt = (device: number): number => Math.round((device * INTERVAL_MS) / DEVICES);
const firstGapMs = (device: number): number => firstGaps[device] as number;
const beats = beatsInOrder();
/** One object that is told again and again: what decoding a message costs is not the core's. */
const beat = { kind: 'beat', deviceClass: 'meter', device: '', generation: 1, session: 1, seq: 0, nextMs: 0 };
const told = beat as { -readonly [K in keyof BeatEvidence]: BeatEvidence[K] };

const emptyBytes = usedBytes();
const detector = new Detector({ classes });
const registered = secondsOf(() => {
  for (let device = 0; device < DEVICES; device += 1) {
    // The name as a decoder gives it: a new string that the detector keeps.
    told.device = Buffer.from(names[device] as string).toString();
    told.nextMs = firstGapMs(device);
    detector.observe(told, firstAt(device));
  }
});
const bytes = (usedBytes() - emptyBytes) / DEVICES;
say('devices', DEVICES.toLocaleString('en'));
say('bytes per device, names included', bytes.toFixed(0));
say('first heartbeats', thousands(DEVICES / registered));

const seqs = new Uint32Array(DEVICES);
const seconds = Array.from({ length: ROUNDS }, (_, round) =>
  secondsOf(() => {
    for (let nth = round * DEVICES; nth < (round + 1) * DEVICES; nth += 1) {
      const which = beats.order[nth] as number;
      const device = beats.device[which] as number;
      seqs[device] = (seqs[device] as number) + 1;
      told.device = names[device] as string;
      told.seq = seqs[device];
      told.nextMs = beats.nextMs[which];
      detector.observe(told, beats.at[which] as number);
    }
  }),
);
say('heartbeats, random order, by round', seconds.map((each) => thousands(DEVICES / each)).join(', '));

const now = beats.at[beats.order.at(-1) as number] as number;
const idle = 1000;
const idleSeconds = secondsOf(() => {
  for (let call = 0; call < idle; call += 1) detector.advance(now + call / idle);
});
say('advance with nothing due', `${((1e6 * idleSeconds) / idle).toFixed(1)} µs`);

let snapshot = new Uint8Array();
say('snapshot', `${secondsOf(() => (snapshot = new Uint8Array(detector.snapshot()))).toFixed(2)} s`);
say('restore', `${secondsOf(() => Detector.restore({ classes }, snapshot)).toFixed(2)} s`);
say('snapshot bytes per device', (snapshot.length / DEVICES).toFixed(0));

let due = 0;
const advanced = secondsOf(() => {
  for (let at = now; due === 0 || at < now + INTERVAL_MS; at += 60_000) due += detector.advance(at).length;
});
say('verdicts when everybody falls silent', `${due.toLocaleString('en')} at ${thousands(due / advanced)}`);
