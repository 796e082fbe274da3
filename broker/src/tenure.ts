/**
 * From the wait for what another broker has to the end of serving: with `redis.standby` a broker waits, listening
 * nowhere, and one that may have been succeeded serves nobody.
 */
import { Custody, type CustodyParts } from './custody.ts';
import type { Departure } from './departure.ts';
import type { Door } from './door.ts';
import { BrokerError } from './errors.ts';
import type { Endpoint } from './listener.ts';
import type { OpenWills } from './open-wills.ts';
import type { Roster } from './roster.ts';

export interface TenureParts extends Omit<CustodyParts, 'onDoubt' | 'onCertain' | 'onLost'> {
  readonly door: Door;
  readonly roster: Roster;
  readonly wills: OpenWills;
  readonly departure: Departure;
  /** What outlives brokers is here: time to listen. */
  readonly listen: () => Promise<readonly Endpoint[]>;
}

/** Whoever waits for {@link Tenure.failed} hears of mistakes, too. */
function asBrokerError(cause: unknown): BrokerError {
  return cause instanceof BrokerError ? cause : new BrokerError('listen-failed', String(cause), { cause });
}

export class Tenure {
  readonly #parts: TenureParts;
  readonly #custody: Custody;
  endpoints: readonly Endpoint[] = [];
  /** See `Broker.serving`. */
  serving: Promise<void> = Promise.resolve();
  #isServing = false;
  #closed: Promise<void> | undefined;
  #fail: (error: BrokerError) => void = () => {};
  /** See `Broker.failed`. */
  readonly failed = new Promise<BrokerError>((resolve) => {
    this.#fail = resolve;
  });

  constructor(parts: TenureParts) {
    this.#parts = parts;
    this.#custody = new Custody({
      ...parts,
      onDoubt: () => this.#suspend(),
      onCertain: () => this.#resume(),
      onLost: (error) => void this.#giveUp(error),
    });
  }

  /** Why nobody should be sent here; undefined while everybody is welcome. */
  get problem(): string | undefined {
    const { departure } = this.#parts;
    return departure.problem ?? this.#custody.problem ?? (this.#isServing ? undefined : 'not listening yet');
  }

  get isClosed(): boolean {
    return this.#parts.departure.isClosed;
  }

  /** Resolves when it serves, or waits for another broker to end. */
  async start(): Promise<void> {
    this.serving = this.#serve();
    await Promise.race([this.serving, this.#custody.waiting]);
  }

  /** See `Custody.mustAsk`. */
  get mustAsk(): boolean {
    return this.#custody.mustAsk;
  }

  /** See `Custody.confirm`. */
  confirm(): Promise<void> {
    return this.#custody.confirm();
  }

  drain(): Promise<void> {
    return this.#onceBegun(() => this.#parts.departure.drain());
  }

  close(): Promise<void> {
    this.#closed ??= this.#onceBegun(() => this.#parts.departure.close());
    return this.#closed;
  }

  /** Gives back what outlives the broker, once nobody is connected any more. */
  putAway(): Promise<void> {
    return this.#custody.close();
  }

  async #serve(): Promise<void> {
    try {
      await this.#custody.open();
      this.endpoints = await this.#parts.listen();
      this.#isServing = true;
      this.#awaitOrphans();
    } catch (error) {
      await this.#parts.departure.close();
      if (this.#closed === undefined) this.#fail(asBrokerError(error));
      throw error;
    }
  }

  /** An end in the middle of a beginning waits for it: otherwise that would go on to listen. */
  #onceBegun(end: () => Promise<void>): Promise<void> {
    this.#custody.abandon();
    return this.#isServing ? end() : this.serving.catch(() => {}).then(end);
  }

  #awaitOrphans(): void {
    const { wills, logger } = this.#parts;
    wills.awaitOrphans();
    const { orphans } = wills;
    if (orphans > 0) logger.info({ orphans }, 'awaiting the clients of before');
  }

  /** Ends all connections, and tells of nobody that it is gone. */
  #suspend(): void {
    const { roster, door } = this.#parts;
    for (const { connection } of roster.members()) connection.dismissed = true;
    door.shut();
  }

  #resume(): void {
    this.#parts.door.reopen();
    this.#parts.wills.orphanAll();
    this.#awaitOrphans();
  }

  async #giveUp(error: BrokerError): Promise<void> {
    this.#suspend();
    const wasAsked = this.#closed !== undefined;
    await this.close();
    if (!wasAsked) this.#fail(error);
  }
}
