/**
 * Random fleets with a known truth: late verdicts, bumps, restatements, moves, retirements, service stops over
 * several midnights, restarts. The truth is kept as plain lists of verdicts and added up one by one.
 */
import type { Reason, State, Transition } from '../detector/transition.ts';
import type { Selection } from './selection.ts';

const HOUR_MS = 3_600_000;
export const FLEET_START = Date.UTC(2026, 1, 26, 7, 31, 12, 345);

/** Mulberry32: small, seeded, good enough to draw test worlds. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface TrueVerdict {
  at: number;
  requestedAt: number;
  state: State;
  reason: Reason;
  site: string | undefined;
  /** How many restarts had happened when it was recorded. */
  epoch: number;
}

export interface TrueTimes {
  readonly upMs: number;
  readonly downMs: number;
  readonly unknownMs: number;
  readonly state: State;
}

export interface TrueDowntime {
  readonly startAt: number;
  readonly endAt: number | undefined;
  readonly cause: Reason;
  readonly endedBy: string | undefined;
  readonly downMs: number;
}

/** What to do next with the series under test. */
export type FleetEvent =
  | { readonly kind: 'verdict'; readonly now: number; readonly transition: Transition }
  | { readonly kind: 'checkpoint'; readonly now: number }
  | { readonly kind: 'restart'; readonly now: number };

const VERDICTS: readonly (readonly [State, Reason])[] = [
  ['alive', 'heard'],
  ['suspect', 'late'],
  ['dead', 'silence'],
  ['asleep', 'sleep'],
  ['asleep', 'maintenance'],
  ['unreachable', 'group-outage'],
  ['unknown', 'monitor-blind'],
];

export class RandomFleet {
  readonly #random: () => number;
  readonly #devices = new Map<string, TrueVerdict[]>();
  readonly #names: readonly string[];
  #epoch = 0;
  now = FLEET_START;

  constructor(seed: number, devices: number) {
    this.#random = seeded(seed);
    this.#names = Array.from({ length: devices }, (_, n) => `${n % 3 === 0 ? 'valve' : 'meter'}/d${n}`);
  }

  /** Events in the order of their `now`, ending with a checkpoint. */
  *events(count: number, meanGapMs: number): Generator<FleetEvent> {
    for (let n = 0; n < count; n++) {
      const before = this.now;
      const isStopped = this.#chance(0.002);
      const gapMs = isStopped ? this.#below(4 * 24 * HOUR_MS) : this.#below(2 * meanGapMs);
      this.now += gapMs;
      const crossedMidnight = Math.floor(this.now / 86_400_000) !== Math.floor(before / 86_400_000);
      if (isStopped || this.#chance(0.004)) {
        this.#epoch++;
        yield { kind: 'restart', now: this.now };
        if (this.#chance(0.5)) yield { kind: 'checkpoint', now: this.now };
      } else if (crossedMidnight && this.#chance(0.9)) {
        yield { kind: 'checkpoint', now: this.now };
      }
      yield { kind: 'verdict', now: this.now, transition: this.#verdict() };
    }
    yield { kind: 'checkpoint', now: this.now };
  }

  /** Times of one device, added up verdict by verdict; undefined when it has no verdict up to `to`. */
  truth(name: string, from: number, to: number, site?: string): TrueTimes | undefined {
    const verdicts = this.#devices.get(name)?.filter(({ at }) => at <= to);
    if (verdicts === undefined || verdicts.length === 0) return undefined;
    let upMs = 0;
    let downMs = 0;
    for (const [index, verdict] of verdicts.entries()) {
      if (site !== undefined && verdict.site !== site) continue;
      const start = Math.max(from, verdict.at);
      const lastsMs = Math.max(0, Math.min(to, verdicts[index + 1]?.at ?? to) - start);
      if (isUp(verdict)) upMs += lastsMs;
      if (verdict.state === 'dead') downMs += lastsMs;
    }
    const state = (verdicts.at(-1) as TrueVerdict).state;
    return { upMs, downMs, unknownMs: to - from - upMs - downMs, state };
  }

  /** Times down of one device that overlap a window, as its verdicts tell them one after the other. */
  downtimes(name: string, from: number, to: number): TrueDowntime[] {
    const verdicts = this.#devices.get(name)?.filter(({ at }) => at <= to) ?? [];
    const downs: TrueDowntime[] = [];
    for (const [index, verdict] of verdicts.entries()) {
      if (verdict.state !== 'dead') continue;
      const next = verdicts[index + 1];
      const downMs = (next?.at ?? to) - Math.max(from, verdict.at);
      const endedBy = next !== undefined && next.site !== verdict.site ? 'moved' : next?.reason;
      const { at: startAt, reason: cause } = verdict;
      if (downMs > 0) downs.push({ startAt, endAt: next?.at, cause, endedBy, downMs });
    }
    return downs;
  }

  transitions(name: string, from: number, to: number): number {
    return this.#devices.get(name)?.filter(({ at }) => at > from && at <= to).length ?? 0;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Random windows, of which many touch a verdict or a midnight exactly. */
  window(): { from: number; to: number } {
    for (;;) {
      const [a, b] = [this.#instant(), this.#instant()].sort((x, y) => x - y) as [number, number];
      if (a < b && b <= this.now) return { from: a, to: b };
    }
  }

  selection(): Selection {
    const [deviceClass, device] = this.#pick(this.#names).split('/') as [string, string];
    const kind = this.#below(4);
    if (kind === 0) return { device };
    if (kind === 1) return { deviceClass };
    return kind === 2 ? { site: this.#pick(['north', 'south']) } : {};
  }

  #instant(): number {
    const anywhere = FLEET_START - 12 * HOUR_MS + this.#below(this.now - FLEET_START + 12 * HOUR_MS);
    if (this.#chance(0.3)) return Math.round(anywhere / 86_400_000) * 86_400_000;
    const verdicts = this.#devices.get(this.#pick(this.#names));
    if (verdicts === undefined || this.#chance(0.5)) return anywhere;
    return this.#pick(verdicts).at + this.#below(3) - 1;
  }

  #verdict(): Transition {
    const name = this.#pick(this.#names);
    const verdicts = this.#devices.get(name) ?? [];
    this.#devices.set(name, verdicts);
    const newest = verdicts.at(-1);
    if (newest !== undefined && newest.state !== 'retired' && this.#chance(0.12)) {
      return this.#restatement(name, verdicts, newest);
    }
    const from = newest?.state ?? 'unknown';
    const isRetirement = newest !== undefined && newest.state !== 'retired' && this.#chance(0.04);
    const isFirst = newest === undefined || newest.state === 'retired';
    const [state, reason]: readonly [State, Reason] = isRetirement
      ? ['retired', 'retired']
      : isFirst
        ? ['alive', 'first-seen']
        : this.#pick(VERDICTS);
    const requestedAt = isFirst ? this.now : this.#when();
    const site = this.#chance(0.08) ? this.#pick(['north', 'south']) : undefined;
    const isRepeated =
      newest?.requestedAt === requestedAt && newest.state === state && newest.reason === reason;
    if (!isRepeated) {
      const at = Math.max(requestedAt, (newest?.at ?? Number.NEGATIVE_INFINITY) + 1);
      verdicts.push({
        at,
        requestedAt,
        state,
        reason,
        site: site ?? (isFirst ? undefined : newest.site),
        epoch: this.#epoch,
      });
    }
    return this.#transition(name, from, state, reason, requestedAt, { site });
  }

  /**
   * Later evidence disproves the newest verdict, or one of the three before it that no restart has forgotten and
   * that ended recently enough to be restated at all.
   */
  #restatement(name: string, verdicts: TrueVerdict[], newest: TrueVerdict): Transition {
    const life = verdicts.slice(verdicts.findLastIndex(({ state }) => state === 'retired') + 1);
    const recent = life
      .filter((_, index) => (life[index + 1] ?? newest).at > newest.at - 24 * HOUR_MS)
      .slice(-4)
      .filter(({ epoch }) => epoch === this.#epoch);
    const chosen = this.#chance(0.5) || recent.length === 0 ? newest : this.#pick(recent);
    const { requestedAt, state: from } = chosen;
    const target = life.findLast((verdict) => verdict.requestedAt === requestedAt) as TrueVerdict;
    const [state, reason] = this.#pick(VERDICTS);
    target.state = state;
    target.reason = reason;
    return this.#transition(name, from, state, reason, requestedAt, { restated: true });
  }

  #transition(
    name: string,
    from: State,
    to: State,
    reason: Reason,
    at: number,
    rest: Partial<Transition>,
  ): Transition {
    const [deviceClass, device] = name.split('/') as [string, string];
    return {
      deviceClass,
      device,
      from,
      to,
      reason,
      at,
      noticedAt: this.now,
      phi: this.#random() * 9,
      ...rest,
    };
  }

  /** Mostly now; sometimes hours or days late, sometimes exactly at a midnight, sometimes as before. */
  #when(): number {
    const kind = this.#random();
    if (kind < 0.7) return this.now;
    if (kind < 0.85) return this.now - this.#below(30 * HOUR_MS);
    if (kind < 0.9) return Math.floor(this.now / 86_400_000) * 86_400_000;
    return this.now - this.#below(4);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T;
  }
}

function isUp({ state, reason }: TrueVerdict): boolean {
  return state === 'alive' || state === 'suspect' || (state === 'asleep' && reason === 'sleep');
}
