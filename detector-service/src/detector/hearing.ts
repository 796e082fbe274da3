/** What evidence about a device means: whose it is, whether it is news, and what it renews. */
import { COUNT, FLAG } from './device-table.ts';
import type {
  BeatEvidence,
  BirthEvidence,
  ByeEvidence,
  DeviceEvidence,
  PongEvidence,
  TrafficEvidence,
  WillEvidence,
} from './evidence.ts';
import { beatsToReturn } from './flapping.ts';
import type { Fleet } from './fleet.ts';
import { type Identified, type SessionOrder, sessionOrder } from './session-order.ts';
import type { Verdicts } from './verdicts.ts';

/** What became of a piece of evidence; stable words, used as metric labels. */
export type Outcome =
  /** Proof of life: the deadline was renewed. */
  | 'renewed'
  /** Taken note of, without being proof of life. */
  | 'recorded'
  /** Seen before, or older than what was seen. */
  | 'duplicate'
  /** Of a boot or connection that has been succeeded. */
  | 'superseded'
  /** A will of a connection that is not the current one, or that had said goodbye. */
  | 'stale-will'
  /** The class does not count such evidence as proof of life. */
  | 'not-proof'
  | 'unknown-class'
  /** Something other than a sign of life, from a device never heard of. */
  | 'unknown-device'
  | 'too-many-devices';

export class Hearing {
  readonly #fleet: Fleet;
  readonly #verdicts: Verdicts;
  readonly #devicesMax: number;

  constructor(fleet: Fleet, verdicts: Verdicts, devicesMax: number) {
    this.#fleet = fleet;
    this.#verdicts = verdicts;
    this.#devicesMax = devicesMax;
  }

  /** @param judging false while blind, when no deadline may pass */
  hear(evidence: DeviceEvidence, at: number, judging: boolean): Outcome {
    const { table } = this.#fleet;
    const classNumber = this.#fleet.classNumber(evidence.deviceClass);
    if (classNumber === undefined) return 'unknown-class';
    let device = table.indexOf(classNumber, evidence.device);
    if (device >= 0 && judging) {
      // Its own deadlines first: what passed before this arrival was true before this arrival.
      this.#verdicts.judge(device, at);
      device = table.indexOf(classNumber, evidence.device);
    }
    if (device < 0) {
      if (!introduces(evidence)) return 'unknown-device';
      if (table.size >= this.#devicesMax) return 'too-many-devices';
      device = this.#fleet.register(classNumber, evidence.device);
      table.since.set(device, at);
    }
    switch (evidence.kind) {
      case 'birth':
        return this.#birth(device, evidence, at);
      case 'beat':
        return this.#beat(device, evidence, at);
      case 'will':
        return this.#will(device, evidence, at);
      case 'bye':
        return this.#bye(device, evidence, at);
      case 'pong':
        return this.#pong(device, evidence, at);
      case 'traffic':
        return this.#signOfLife(device, evidence, at);
    }
  }

  #birth(device: number, birth: BirthEvidence, at: number): Outcome {
    const { table } = this.#fleet;
    const order = this.#order(device, birth);
    if (order === 'superseded') return 'superseded';
    this.#fleet.groups.place(device, birth);
    if (birth.intervalMs !== undefined) {
      table.intervalMs.set(device, birth.intervalMs);
      this.#fleet.flag(device, FLAG.intervalStated, true);
    }
    this.#fleet.flag(device, FLAG.answersPing, birth.answersPing === true);
    const repeated = order === 'current' && birth.session !== undefined;
    if (repeated && !this.#fleet.has(device, FLAG.willCame)) return this.#duplicate(device);
    const bootedAt = this.#bootedAt(device, order, birth.uptimeMs, at);
    this.#returns(device, order, at);
    this.#follow(device, order, birth);
    this.#countMistake(device, order, at);
    if (this.#ranOn(device, order, birth.uptimeMs, at)) this.#acquit(device, at);
    return this.#renew(device, 'birth', at, birth.nextMs, bootedAt);
  }

  #beat(device: number, beat: BeatEvidence, at: number): Outcome {
    const { table } = this.#fleet;
    const order = this.#order(device, beat, this.#bootedSince(device, beat, at));
    if (order === 'superseded') return 'superseded';
    const continues = order !== 'new-generation' && beat.seq !== undefined;
    const missing = continues ? (beat.seq as number) - table.seq.get(device) - 1 : -1;
    if (continues && missing < 0) return this.#duplicate(device);
    const lostBeats = continues && table.seq.get(device) >= 0 ? missing : -1;
    const bootedAt = this.#bootedAt(device, order, beat.uptimeMs, at);
    this.#fleet.groups.place(device, beat);
    this.#returns(device, order, at);
    this.#follow(device, order, beat);
    if (beat.seq !== undefined) table.seq.set(device, beat.seq);
    table.beats.add(device, 1);
    table.lost.add(device, Math.max(0, lostBeats));
    this.#fleet.beat(device, at, lostBeats, beat.nextMs ?? 0, order === 'new-generation');
    this.#countMistake(device, order, at);
    if (this.#ranOn(device, order, beat.uptimeMs, at)) this.#acquit(device, at);
    return this.#renew(device, 'beat', at, beat.nextMs, bootedAt);
  }

  /**
   * A will is a hint. It counts only for the session that is current, and even then the device may be
   * reconnecting: so suspect at once, and dead when the time to reconnect has run out.
   */
  #will(device: number, will: WillEvidence, at: number): Outcome {
    const { table } = this.#fleet;
    const order = this.#order(device, will);
    const identified = table.generation.get(device) >= 0;
    const ended = order === 'current' || order === 'unidentified';
    if (order === 'superseded' || (order === 'unidentified' && identified)) return 'stale-will';
    if (ended && this.#fleet.has(device, FLAG.saidBye)) return 'stale-will';
    this.#follow(device, order, will);
    const state = this.#fleet.state(device);
    if (state === 'dead' || state === 'unreachable') return 'recorded';
    this.#fleet.flag(device, FLAG.willCame, true);
    const { reconnect, config } = this.#fleet.classOf(device);
    const least = table.lastSeenAt.get(device) + config.minSilenceMs;
    const reconnectedBy = Math.ceil(Math.max(at + reconnect.deadlineMs, least || 0));
    table.suspectAt.set(device, Math.min(table.suspectAt.get(device), at));
    table.deadAt.set(device, Math.min(table.deadAt.get(device), reconnectedBy));
    this.#verdicts.outage.heardOf(device, at);
    if (state === 'suspect') this.#verdicts.arm(device);
    else this.#verdicts.move(device, 'suspect', at, at, 'will');
    return 'recorded';
  }

  #bye(device: number, bye: ByeEvidence, at: number): Outcome {
    const order = this.#order(device, bye);
    if (order === 'superseded') return 'superseded';
    const { config } = this.#fleet.classOf(device);
    this.#follow(device, order, bye);
    this.#fleet.flag(device, FLAG.saidBye, true);
    this.#fleet.flag(device, FLAG.willCame, false);
    this.#fleet.table.lastSeenAt.set(device, at);
    if (bye.sleepMs !== undefined) this.#fleet.sleeps(device, bye.sleepMs);
    if (bye.retire === true) this.#verdicts.move(device, 'retired', at, at, 'retired');
    else {
      this.#fleet.expectNext(device, at, bye.sleepMs ?? bye.maintenanceMs ?? config.byeMs);
      const planned = bye.maintenanceMs === undefined ? 'bye' : 'maintenance';
      this.#verdicts.move(device, 'asleep', at, at, bye.sleepMs === undefined ? planned : 'sleep');
    }
    return 'recorded';
  }

  #pong(device: number, pong: PongEvidence, at: number): Outcome {
    const order = this.#order(device, pong);
    if (order === 'superseded') return 'superseded';
    this.#returns(device, order, at);
    this.#follow(device, order, pong);
    return this.#signOfLife(device, pong, at);
  }

  /** Life now, while the plan for the next beat stays as it is. */
  #signOfLife(device: number, { kind }: PongEvidence | TrafficEvidence, at: number): Outcome {
    const { table } = this.#fleet;
    const intervalMs = table.intervalMs.get(device);
    const overdueMs = at - table.expectedBy.get(device);
    const untilNextMs = overdueMs < 0 ? -overdueMs : intervalMs - (overdueMs % intervalMs);
    return this.#renew(device, kind, at, Number.isNaN(overdueMs) ? undefined : untilNextMs);
  }

  #renew(
    device: number,
    kind: 'birth' | 'beat' | 'pong' | 'traffic',
    at: number,
    nextMs: number | undefined,
    bootedAt?: number,
  ): Outcome {
    const { table } = this.#fleet;
    if (!this.#fleet.proves(device, kind)) return 'not-proof';
    const first = Number.isNaN(table.lastSeenAt.get(device)) && this.#fleet.reason(device) === 'first-seen';
    // A birth ends a silence that teaches nothing; the beat after it must not bring it up again.
    if (kind !== 'beat' && !this.#fleet.counts(device)) this.#fleet.beginAnew(device);
    const proving = bootedAt === undefined && this.#mustProveItself(device, kind, at);
    table.lastSeenAt.set(device, at);
    this.#fleet.flag(device, FLAG.willCame | FLAG.saidBye | FLAG.aliveBeforeBlind, false);
    this.#fleet.expectNext(device, at, nextMs);
    if (proving || this.#fleet.state(device) === 'alive') this.#verdicts.arm(device);
    else {
      const reason = first ? 'first-seen' : bootedAt === undefined ? 'heard' : 'new-generation';
      // A dead device that speaks again has been alive since its boot; of a doubted one no more is known than this.
      const aliveAt = bootedAt !== undefined && this.#fleet.state(device) === 'dead' ? bootedAt : at;
      const silenced = this.#fleet.reason(device) === 'group-outage' && reason === 'heard';
      this.#verdicts.move(device, 'alive', aliveAt, at, silenced ? 'group-back' : reason);
    }
    this.#verdicts.outage.heard(device, at);
    return 'renewed';
  }

  /** Its class learns how long after its will a live device is heard again; a boot takes longer, and is none. */
  #returns(device: number, order: SessionOrder, at: number): void {
    if (!this.#fleet.has(device, FLAG.willCame) || order === 'new-generation') return;
    const state = this.#fleet.state(device);
    if (state !== 'suspect' && !(state === 'dead' && this.#fleet.reason(device) === 'reconnect-timeout'))
      return;
    this.#fleet.classOf(device).reconnect.learn(at - this.#fleet.table.suspectAt.get(device));
  }

  /**
   * True while a device that was dead, and has been so by mistake again and again, must beat once more in time.
   * Meanwhile it stays what it is: dead, or unreachable where it has proved that it ran. A boot is no mistake.
   */
  #mustProveItself(device: number, kind: 'birth' | 'beat' | 'pong' | 'traffic', at: number): boolean {
    const state = this.#fleet.state(device);
    const acquitted = state === 'unreachable' && this.#fleet.reason(device) === 'network-was-down';
    if (state !== 'dead' && !acquitted) return false;
    const needed = beatsToReturn(this.#fleet.flapLevel(device, at));
    if (needed === 1) return false;
    const { table } = this.#fleet;
    const isFirst = table.lastSeenAt.get(device) <= table.since.get(device) || at > table.deadAt.get(device);
    const beats = (isFirst ? 0 : table.count(device, COUNT.beatsBack)) + Number(kind === 'beat');
    table.setCount(device, COUNT.beatsBack, Math.min(beats, needed));
    return beats < needed;
  }

  /** When a new generation booted, as far as it tells; undefined for a boot that we know already. */
  #bootedAt(
    device: number,
    order: SessionOrder,
    uptimeMs: number | undefined,
    at: number,
  ): number | undefined {
    const known = this.#fleet.table.generation.get(device) >= 0;
    return order === 'new-generation' && known ? at - (uptimeMs ?? 0) : undefined;
  }

  /** A dead device that was not rebooted lived: its death was a mistake, to be remembered once. */
  #countMistake(device: number, order: SessionOrder, at: number): void {
    const { lastSeenAt, since } = this.#fleet.table;
    const isFirst = !(lastSeenAt.get(device) > since.get(device));
    if (this.#fleet.state(device) === 'dead' && order !== 'new-generation' && isFirst)
      this.#fleet.mistaken(device, at);
  }

  /** True when the device was called dead and its boot proves that it ran all through its silence. */
  #ranOn(device: number, order: SessionOrder, uptimeMs: number | undefined, at: number): boolean {
    const { lastSeenAt, since } = this.#fleet.table;
    if (lastSeenAt.get(device) > since.get(device)) return false;
    const silenceMs = at - lastSeenAt.get(device);
    const sameBoot = order === 'current' || order === 'new-session';
    return this.#fleet.state(device) === 'dead' && sameBoot && (uptimeMs ?? Infinity) > silenceMs;
  }

  /** It was the network that was down: the death is restated, and does not count as its downtime. */
  #acquit(device: number, at: number): void {
    this.#verdicts.restate(device, 'unreachable', at, 'network-was-down');
  }

  #duplicate(device: number): Outcome {
    this.#fleet.table.duplicates.add(device, 1);
    return 'duplicate';
  }

  #order(device: number, message: Identified, bootedSince = false): SessionOrder {
    const { generation, session } = this.#fleet.table;
    return sessionOrder(generation.get(device), session.get(device), message, bootedSince);
  }

  /**
   * True when the beat's uptime proves a boot after the last sign of life. Only once it has been up for an
   * interval: the first messages of an old boot, delivered late, would seem to tell of a boot just now.
   */
  #bootedSince(device: number, { uptimeMs }: BeatEvidence, at: number): boolean {
    const { intervalMs, lastSeenAt } = this.#fleet.table;
    if (uptimeMs === undefined || uptimeMs < intervalMs.get(device)) return false;
    return at - uptimeMs > lastSeenAt.get(device);
  }

  /** Makes the sender's boot and connection the current ones. */
  #follow(device: number, order: SessionOrder, message: Identified): void {
    const { table } = this.#fleet;
    if (order !== 'new-generation' && order !== 'new-session') return;
    if (order === 'new-generation') {
      table.generation.set(device, message.generation as number);
      this.#fleet.beginAnew(device);
      table.seq.set(device, -1);
    }
    table.session.set(device, message.session ?? -1);
    this.#fleet.flag(device, FLAG.willCame, false);
  }
}

/** Evidence by which a device may become known. */
function introduces({ kind }: DeviceEvidence): boolean {
  return kind === 'birth' || kind === 'beat' || kind === 'traffic';
}
