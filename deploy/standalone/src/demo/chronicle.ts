/** What the demo has seen so far: the detector's verdicts, and the truth beside them. */
import type { Transition } from '@slowbeat/detector-service/detector';
import { deviceKey, type TruthLine } from '@slowbeat/firmware-sim';

export class Chronicle {
  readonly truth: TruthLine[] = [];
  readonly transitions: Transition[] = [];
  readonly #latestTruth = new Map<string, TruthLine>();

  /** What was true before this round still is: only the last word about each device is kept. */
  beginRound(): void {
    const last = new Map(this.transitions.map((one) => [deviceKey(one.deviceClass, one.device), one]));
    this.transitions.splice(0, this.transitions.length, ...last.values());
    this.truth.length = 0;
    this.#latestTruth.clear();
  }

  addTruth(line: TruthLine): void {
    this.truth.push(line);
    this.#latestTruth.set(deviceKey(line.class, line.device), line);
  }

  addTransition(transition: Transition): void {
    this.transitions.push(transition);
  }

  /** What had really happened to the device by then; undefined for one that the truth does not know. */
  truthBehind({ deviceClass, device }: Transition): TruthLine | undefined {
    return this.#latestTruth.get(deviceKey(deviceClass, device));
  }
}
