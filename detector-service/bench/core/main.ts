/**
 * `npm run bench:core -- [devices]`: the detector core alone: memory per device, heartbeats in random order, what
 * `advance` costs, snapshot and restore, and what it takes when everybody falls silent at once. Times are of a
 * processor core.
 */
import { classConfig, Detector, type DetectorOptions } from '@slowbeat/detector-service/detector';
import { type Arrival, Heartbeats, INTERVAL_MS, type Places } from './heartbeats.ts';

const DEVICES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 4;
/** How often a service calls `advance`. */
const TICK_MS = 1000;
const DUE = 1000;
const IDLE_CALLS = 1000;
const PLACES: Places = { sites: 500, gateways: 20_000 };
const classes = { meter: classConfig({ intervalMs: INTERVAL_MS }) };
/** What is left is what the core costs with any algorithm. */
const plain = { meter: classConfig({ intervalMs: INTERVAL_MS, algorithm: 'fixed' }) };

if (globalThis.gc === undefined) throw new Error('run with node --expose-gc, as npm run bench:core does');

const say = (what: string, value: string): void => void process.stdout.write(`${what.padEnd(44)} ${value}\n`);
const rate = (count: number, seconds: number): string =>
  `${Math.round(count / seconds / 1000)} k/s (${Math.round((1e9 * seconds) / count)} ns)`;

function usedBytes(): number {
  // Twice: the memory of arrays is given back while the next collection begins.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Processor time, garbage collection included: what else runs on the machine does not count. */
function secondsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Tells a detector a round of heartbeats, advancing it as a service does. Returns the seconds that took. */
function hear(detector: Detector, beats: Heartbeats, round: number): number {
  let seconds = 0;
  let advancedAt = 0;
  const tell = ({ beat, at }: Arrival): void => {
    if (at >= advancedAt + TICK_MS) {
      detector.advance(at);
      advancedAt = at;
    }
    detector.observe(beat, at);
  };
  for (const batch of beats.round(round)) {
    seconds += secondsOf(() => {
      for (const arrival of batch) tell(arrival);
    });
  }
  return seconds;
}

function measure(title: string, classes: DetectorOptions['classes'], places?: Places): void {
  say(`\n${title}`, '');
  // One round more than is told: nobody has sent its last beat and fallen silent while the others are still timed.
  const beats = new Heartbeats(DEVICES, ROUNDS + 1, places);
  const emptyBytes = usedBytes();
  const detector = new Detector({ classes, devicesMax: DEVICES });
  const [first = 0, ...later] = Array.from({ length: ROUNDS }, (_, round) => hear(detector, beats, round));
  say('bytes per device, names included', ((usedBytes() - emptyBytes) / DEVICES).toFixed(0));
  say('first heartbeats', rate(DEVICES, first));
  later.forEach((seconds, round) => {
    say(`heartbeats in random order, round ${round + 1}`, rate(DEVICES, seconds));
  });
  let snapshot = new Uint8Array();
  say('snapshot', `${secondsOf(() => (snapshot = new Uint8Array(detector.snapshot()))).toFixed(2)} s`);
  say('restore', `${secondsOf(() => Detector.restore({ classes }, snapshot)).toFixed(2)} s`);
  say('snapshot bytes per device', (snapshot.length / DEVICES).toFixed(0));

  let verdicts = 0;
  const endsAt = beats.endOf(ROUNDS - 1);
  const silent = secondsOf(() => {
    // Long enough for everybody to be called something else than alive.
    for (let at = endsAt; at < endsAt + 40 * INTERVAL_MS; at += TICK_MS) {
      verdicts += detector.advance(at).length;
    }
  });
  say(
    'verdicts when everybody falls silent',
    `${verdicts.toLocaleString('en')} at ${rate(verdicts, silent)}`,
  );
}

/** What `advance` costs in a fleet of that size of which `DUE` devices fall silent. */
function measureAdvance(devices: number): void {
  const detector = new Detector({ classes, devicesMax: devices });
  const soonMs = 10_000;
  for (let device = 0; device < devices; device += 1) {
    const nextMs = device < DUE ? soonMs : INTERVAL_MS;
    detector.observe({ kind: 'beat', deviceClass: 'meter', device: `dev-${device}`, seq: 0, nextMs }, 0);
  }
  const idle = secondsOf(() => {
    for (let call = 0; call < IDLE_CALLS; call += 1) detector.advance((call * soonMs) / IDLE_CALLS);
  });
  let verdicts = 0;
  const due = secondsOf(() => {
    for (let at = soonMs; at < INTERVAL_MS; at += TICK_MS) verdicts += detector.advance(at).length;
  });
  const each = `${((1e6 * idle) / IDLE_CALLS).toFixed(2)} µs with nothing due`;
  say(
    `advance, ${devices.toLocaleString('en')} devices`,
    `${each}, ${verdicts} verdicts at ${rate(verdicts, due)}`,
  );
}

say('devices', DEVICES.toLocaleString('en'));
measure('adaptive, without places', classes);
measure(`adaptive, at ${PLACES.sites} sites and ${PLACES.gateways} gateways`, classes, PLACES);
measure('fixed timeout, without places', plain);
say('\nadvance', '');
for (const devices of [10_000, 100_000, 1_000_000]) if (devices <= DEVICES) measureAdvance(devices);
