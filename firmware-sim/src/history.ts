/** A value that changes at instants: what a device truly was, or what the detector said it was. */

export interface Window {
  /** Epoch milliseconds; included. */
  readonly from: number;
  /** Epoch milliseconds; excluded. */
  readonly to: number;
}

export interface Change<T> {
  readonly at: number;
  readonly value: T;
}

/** A time in which the value stood still. */
export interface Stretch<T> extends Window {
  readonly value: T;
}

/** Changes, sorted by instant, each in force until the next. */
export class History<T> {
  readonly #changes: Change<T>[] = [];
  readonly #initial: T;

  constructor(initial: T) {
    this.#initial = initial;
  }

  /** Records that from `at` on the value is this one, whatever was said about that time before. */
  record(at: number, value: T): void {
    while ((this.#changes.at(-1)?.at ?? -Infinity) >= at) this.#changes.pop();
    this.#changes.push({ at, value });
  }

  /** The value in force at an instant. */
  at(instant: number): T {
    return this.#changes.findLast((change) => change.at <= instant)?.value ?? this.#initial;
  }

  /** The stretches that tile a window. */
  within({ from, to }: Window): Stretch<T>[] {
    const stretches: Stretch<T>[] = [];
    let start = from;
    let value = this.#initial;
    for (const change of this.#changes) {
      if (change.at >= to) break;
      if (change.at > start) stretches.push({ from: start, to: change.at, value });
      start = Math.max(start, change.at);
      value = change.value;
    }
    if (to > start) stretches.push({ from: start, to, value });
    return stretches;
  }
}

/** Cuts two tilings of one window into the stretches in which neither changes. */
export function* joint<A, B>(
  left: readonly Stretch<A>[],
  right: readonly Stretch<B>[],
): Generator<Stretch<readonly [A, B]>> {
  let i = 0;
  let j = 0;
  while (true) {
    const a = left[i];
    const b = right[j];
    if (a === undefined || b === undefined) return;
    const from = Math.max(a.from, b.from);
    const to = Math.min(a.to, b.to);
    yield { from, to, value: [a.value, b.value] };
    if (a.to === to) i++;
    if (b.to === to) j++;
  }
}
