/**
 * What outlives this broker, in its hands: from the wait for it, where another broker has it, to the loss of it.
 *
 * A broker in doubt serves nobody. It cannot know whether another one does, and its clients, the detector among them,
 * would sit at a broker that nothing comes to.
 */
import type { Logger } from 'pino';
import type { BrokerConfig } from './config.ts';
import { BrokerError } from './errors.ts';
import type { Ledger } from './ledger.ts';
import { LEASE_MS } from './redis-lease.ts';
import { type Hold, type Kept, openAll, type Storage } from './storage.ts';
import { storageFailure, storageOf } from './storage-choice.ts';

export interface CustodyParts {
  readonly config: BrokerConfig;
  readonly directory: string | undefined;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly kept: Readonly<Record<string, Kept>>;
  /**
   * The detector is in this process: it has what was acknowledged, whoever else has taken over, and nobody but it would
   * suffer from a doubt.
   */
  readonly hasDetector: boolean;
  /** Another broker may serve, or does: nobody may be served here. */
  readonly onDoubt: () => void;
  /** No other broker does, after all. */
  readonly onCertain: () => void;
  /** Another broker does. */
  readonly onLost: (error: BrokerError) => void;
}

export class Custody {
  readonly #parts: CustodyParts;
  readonly #abandoned = new AbortController();
  #storage: Storage | undefined;
  #problem: string | undefined;
  #noteWait: () => void = () => {};
  /** Resolves when it begins to wait for another broker; never where there is nobody to wait for. */
  readonly waiting = new Promise<void>((resolve) => {
    this.#noteWait = resolve;
  });

  constructor(parts: CustodyParts) {
    this.#parts = parts;
  }

  /** Why nobody can be served; undefined while everybody can, as far as this goes. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Resolves when all that is there has been taken up, which may take for as long as another broker lives.
   * @throws BrokerError `directory-unusable` or `redis-unusable`, and `closed` when the wait was given up
   */
  async open(): Promise<void> {
    const { config, directory, ledger, kept } = this.#parts;
    try {
      this.#storage = await storageOf(config, directory, {
        signal: this.#abandoned.signal,
        onWait: (holder) => this.#wait(holder),
        onTrouble: (error) => this.#trouble(error),
        onHold: (hold) => this.#become(hold),
      });
      this.#problem = undefined;
      if (this.#storage === undefined) return;
      await openAll(this.#storage, kept, (detail) => ledger.refuse('store', { detail }));
    } catch (cause) {
      if (this.#abandoned.signal.aborted)
        throw new BrokerError('closed', 'closed while it waited', { cause });
      throw storageFailure(config, directory, cause);
    }
  }

  /** Whether {@link Custody.confirm} comes before the acknowledgement of what is written nowhere. */
  get mustAsk(): boolean {
    return this.#storage?.isShared === true && !this.#parts.hasDetector;
  }

  /** Rejects when another broker may have taken over, so that nothing may be acknowledged that was written nowhere. */
  async confirm(): Promise<void> {
    if (this.mustAsk) await this.#storage?.confirm();
  }

  /** Waits no longer. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /** Gives it back. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#parts.kept).map((one) => one.close()));
    await this.#storage?.release();
  }

  #wait(holder: string): void {
    this.#problem = `standby: ${holder} has the lease of "${this.#name}"`;
    this.#parts.logger.info(
      { holder, name: this.#name },
      'standby: another broker has the lease; waiting for it',
    );
    this.#noteWait();
  }

  #trouble(error: Error | undefined): void {
    if (error === undefined) this.#parts.logger.info('standby: Redis answers again');
    else this.#parts.ledger.refuse('store', { detail: `standby: Redis cannot be asked: ${error.message}` });
  }

  get #name(): string {
    return this.#parts.config.redis?.name ?? '';
  }

  #become(hold: Hold): void {
    const { config, logger, hasDetector, onDoubt, onCertain, onLost } = this.#parts;
    if (hold === 'lost') {
      this.#problem = 'another broker has taken over';
      const why = `this one was stopped, or without Redis, for longer than its lease of ${LEASE_MS / 1000} s`;
      const remedy = 'start it again, with redis.standby to have it wait for its turn';
      const where = `broker.redis: another broker has taken over "${this.#name}" at ${config.redis?.url}`;
      onLost(new BrokerError('superseded', `${where}: ${why}; ${remedy}`));
    } else if (hasDetector) {
      return;
    } else if (hold === 'doubtful') {
      this.#problem = 'Redis does not answer: another broker may have taken over';
      logger.warn('Redis does not answer for longer than the lease: nobody is served until it does');
      onDoubt();
    } else {
      this.#problem = undefined;
      logger.info('Redis answers, and nobody has taken over: clients are served again');
      onCertain();
    }
  }
}
