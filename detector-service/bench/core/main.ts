/**
 * `npm run bench:core -- [devices]`: the detector core alone on one core: memory per device, heartbeats a second in
 * random order, what `advance` costs, snapshot and restore.
 */
import { type BeatEvidence, classConfig, Detector } from '@slowbeat/detector-service/detector';

const DEVICES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 3;
const INTERVAL_MS = 900_000;
const STEP_MS = INTERVAL_MS / DEVICES;
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

/** A fixed shuffle (Fisher–Yates with a linear congruential generator), so that two runs do the same. */
function shuffled(count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  let dice = 12345;
  for (let index = count - 1; index > 0; index -= 1) {
    dice = (Math.imul(dice, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    const other = dice % (index + 1);
    const swapped = order[index] as number;
    order[index] = order[other] as number;
    order[other] = swapped;
  }
  return order;
}

const say = (what: string, value: string): void => void process.stdout.write(`${what.padEnd(44)} ${value}\n`);
const thousands = (value: number): string => `${Math.round(value / 1000).toLocaleString('en')} k/s`;

const order = shuffled(DEVICES);
const names = Array.from({ length: DEVICES }, (_, index) => `dev-${index}`);
const place = new Int32Array(DEVICES);
order.forEach((device, position) => {
  place[device] = position;
});
/** One object that is told again and again: what decoding a message costs is not the core's. */
const beat = { kind: 'beat', deviceClass: 'meter', device: '', generation: 1, session: 1, seq: 0, nextMs: 0 };
const told = beat as { -readonly [K in keyof BeatEvidence]: BeatEvidence[K] };

const emptyBytes = usedBytes();
const detector = new Detector({ classes });
const registered = secondsOf(() => {
  for (let device = 0; device < DEVICES; device += 1) {
    // The name as a decoder gives it: a new string that the detector keeps.
    told.device = Buffer.from(names[device] as string).toString();
    told.nextMs = INTERVAL_MS + Math.round(((place[device] as number) - device) * STEP_MS);
    detector.observe(told, Math.round(device * STEP_MS));
  }
});
const bytes = (usedBytes() - emptyBytes) / DEVICES;
say('devices', DEVICES.toLocaleString('en'));
say('bytes per device, names included', bytes.toFixed(0));
say('first heartbeats', thousands(DEVICES / registered));

told.nextMs = INTERVAL_MS;
const seconds = Array.from({ length: ROUNDS }, (_, round) =>
  secondsOf(() => {
    told.seq = round + 1;
    for (let position = 0; position < DEVICES; position += 1) {
      told.device = names[order[position] as number] as string;
      detector.observe(told, Math.round((round + 1) * INTERVAL_MS + position * STEP_MS));
    }
  }),
);
say('heartbeats, random order, by round', seconds.map((each) => thousands(DEVICES / each)).join(', '));

const now = (ROUNDS + 1) * INTERVAL_MS;
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
