/** One device among failing surroundings: what reaches the monitor of it, and when. */
import type { DeviceEvidence } from '@slowbeat/detector-service/detector';
import type { TraceEvent } from '@slowbeat/detector-service/replay';
import type { CoreFamily } from './core-families.ts';
import { type CoreDevice, type Disturbance, isBlind } from './disturbance.ts';
import { wan } from './links.ts';
import { markov } from './loss.ts';
import { exponential, logUniform, type Random, uniform } from './random.ts';

export const INTERVAL_MS = 300_000;
export const DEVICE_CLASS = 'sensor';
const JITTER = 0.1;
/** A broken connection shows after up to one and a half keepalives; reconnection takes up to a minute. */
const WILL_MS = 90_000;
const RECONNECT_MS = 60_000;
/** Stored beats come this close together. */
const FLUSH_STEP_MS = 20;
/** A second copy comes so much later on average: another gateway's, or a repetition. */
const COPY_MS = 60_000;

/** @param mine the disturbances that affect the device */
export function heardOf(
  device: CoreDevice,
  family: CoreFamily,
  mine: readonly Disturbance[],
  dice: Random,
  endsAt: number,
): TraceEvent[] {
  const life = new Life(device, family, mine, dice);
  life.play(endsAt);
  return life.heard;
}

interface Happening {
  readonly at: number;
  readonly what: 'die' | 'boot' | 'break' | 'reconnect';
  readonly cause?: Disturbance;
}

class Life {
  readonly heard: TraceEvent[] = [];
  readonly #device: CoreDevice;
  readonly #family: CoreFamily;
  readonly #mine: readonly Disturbance[];
  readonly #dice: Random;
  readonly #loss;
  readonly #delay;
  #alive = true;
  #linked = true;
  #generation = 1;
  #session = 1;
  #seq = 0;
  #bootedAt = 0;
  /** Beats that the link will lose before it lets one through. */
  #losesMore = 0;
  #flushed = 0;

  constructor(device: CoreDevice, family: CoreFamily, mine: readonly Disturbance[], dice: Random) {
    this.#device = device;
    this.#family = family;
    this.#mine = mine;
    this.#dice = dice;
    // Poorer links need longer than outages last to tell a death from bad luck.
    this.#loss = markov(logUniform(dice, 0.002, 0.1), uniform(dice, 0.1, 0.6));
    this.#delay = wan(dice);
  }

  play(endsAt: number): void {
    const happenings = this.#happenings();
    let next = 0;
    let beatAt = Math.round(this.#dice.next() * INTERVAL_MS);
    while (beatAt < endsAt) {
      const happening = happenings[next];
      if (happening !== undefined && happening.at <= beatAt) {
        next += 1;
        this.#happen(happening, beatAt - happening.at);
        continue;
      }
      const nextMs = Math.round(INTERVAL_MS * (1 + JITTER * (2 * this.#dice.next() - 1)));
      if (this.#alive) this.#beat(beatAt, nextMs);
      beatAt += nextMs;
    }
  }

  #happenings(): Happening[] {
    const all = this.#device.deaths.flatMap(({ from, until }): Happening[] => [
      { at: from, what: 'die' },
      { at: until, what: 'boot' },
    ]);
    if (this.#family.connected) {
      for (const cause of connectionLosses(this.#mine)) {
        const backAt = cause.until + Math.round(uniform(this.#dice, 100, RECONNECT_MS));
        all.push({ at: cause.from, what: 'break', cause }, { at: backAt, what: 'reconnect' });
      }
    }
    return all.sort((a, b) => a.at - b.at);
  }

  #happen({ at, what, cause }: Happening, untilBeatMs: number): void {
    const dice = this.#dice;
    switch (what) {
      case 'die':
        this.#alive = false;
        if (this.#family.connected && this.#linked) this.#will(at + uniform(dice, 0, WILL_MS));
        return;
      case 'boot':
        this.#alive = true;
        this.#generation += 1;
        this.#session = 1;
        this.#seq = 0;
        this.#bootedAt = at - 2000;
        if (this.#linked) this.#birth(at, untilBeatMs);
        return;
      case 'break':
        this.#linked = false;
        if (!this.#alive) return;
        // A broker that is gone publishes nothing, unless it did so as it went.
        if (cause?.of !== 'broker') this.#will(at + uniform(dice, 0, WILL_MS));
        else if (cause.wills === true) this.#will(at - uniform(dice, 1, 1000));
        return;
      case 'reconnect':
        this.#linked = true;
        if (!this.#alive) return;
        this.#session += 1;
        this.#birth(at, untilBeatMs);
    }
  }

  #beat(sentAt: number, nextMs: number): void {
    const seq = this.#seq++;
    if (this.#losesMore > 0) {
      this.#losesMore -= 1;
      return;
    }
    this.#losesMore = this.#loss.draw(this.#dice);
    // Spelled out: spreading takes more time than all the rest of a beat.
    const { device, site, gateway } = this.#device;
    const beat: DeviceEvidence = {
      kind: 'beat',
      device,
      deviceClass: DEVICE_CLASS,
      generation: this.#generation,
      session: this.#session,
      seq,
      nextMs,
      uptimeMs: sentAt - this.#bootedAt,
      site,
      gateway,
    };
    this.#send(beat, sentAt);
    if (this.#dice.next() < this.#family.duplicates) {
      this.#send(beat, sentAt + exponential(this.#dice, COPY_MS));
    }
  }

  #birth(sentAt: number, nextMs: number): void {
    const { device, site, gateway } = this.#device;
    const uptimeMs = sentAt - this.#bootedAt;
    const said = { device, site, gateway, uptimeMs, intervalMs: INTERVAL_MS, nextMs };
    this.#send({ ...this.#identity(), kind: 'birth', ...said }, sentAt);
  }

  #identity() {
    return { deviceClass: DEVICE_CLASS, generation: this.#generation, session: this.#session };
  }

  /** The broker says it in the device's place, so that no site or gateway is in the way. */
  #will(at: number): void {
    this.#arrive({ ...this.#identity(), kind: 'will', device: this.#device.device }, at);
  }

  /** On the way through gateway and site, or not. */
  #send(evidence: DeviceEvidence, sentAt: number): void {
    if (this.#family.connected && !this.#linked) return;
    const at = sentAt + this.#delay.draw(this.#dice);
    const out = this.#mine.find((one) => !isBlind(one) && one.from <= sentAt && sentAt < one.until);
    if (out === undefined) this.#arrive(evidence, at);
    else if (out.stored === true) this.#arrive(evidence, out.until + FLUSH_STEP_MS * ++this.#flushed);
  }

  /** At the monitor, which may be deaf. */
  #arrive(evidence: DeviceEvidence, at: number): void {
    const deaf = this.#mine.find((one) => isBlind(one) && one.from <= at && at < one.until);
    if (deaf === undefined) this.heard.push({ at: Math.ceil(at), evidence });
    else if (deaf.stored === true) {
      this.heard.push({ at: deaf.until + FLUSH_STEP_MS * ++this.#flushed, evidence });
    }
  }
}

/** What breaks the connection, each from its beginning to the end of what overlaps it. */
function connectionLosses(mine: readonly Disturbance[]): Disturbance[] {
  const losses: Disturbance[] = [];
  for (const one of [...mine].sort((a, b) => a.from - b.from)) {
    const latest = losses.at(-1);
    if (one.of === 'monitor') continue;
    if (latest !== undefined && one.from <= latest.until + RECONNECT_MS) {
      losses[losses.length - 1] = { ...latest, until: Math.max(latest.until, one.until) };
    } else losses.push(one);
  }
  return losses;
}
