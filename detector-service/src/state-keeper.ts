/** Keeps what the next run needs: the learned state, every so often, and a sign of life each second. */
import type { Logger } from 'pino';
import { AliveMark } from './alive-mark.ts';
import type { Detector } from './detector/index.ts';
import type { Paths } from './recovery.ts';
import { replaceFile, replaceFileInPieces } from './store/durable-file.ts';
import { encodeSeries, type FleetSeries, type Journal } from './store/index.ts';

export interface StateKeeperOptions {
  readonly paths: Paths;
  readonly detector: Detector;
  readonly series: FleetSeries;
  readonly journal: Pick<Journal, 'end'>;
  /** How often the learned state is saved while it changes. */
  readonly intervalMs: number;
  /** Resolves when the journal holds everything that was decided so far. */
  readonly settled: () => Promise<void>;
  readonly logger: Logger;
}

/** A large fleet's series are saved less often: at most a hundredth of the time goes into it. */
const SERIES_PAUSE = 100;

export class StateKeeper {
  readonly #options: StateKeeperOptions;
  readonly #mark: AliveMark;
  #isChanged = true;
  #savedAt = Number.NEGATIVE_INFINITY;
  #seriesDueAt = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> | undefined;
  #isMarkFailing = false;

  private constructor(options: StateKeeperOptions, mark: AliveMark) {
    this.#options = options;
    this.#mark = mark;
  }

  /** Leaves the mark of the run before as it is, until the first `tick`. */
  static async open(options: StateKeeperOptions): Promise<StateKeeper> {
    return new StateKeeper(options, await AliveMark.open(options.paths.mark));
  }

  /** There is something new to save. */
  changed(): void {
    this.#isChanged = true;
  }

  /** To be called about once a second with own time. */
  tick(at: number): void {
    this.#mark.set(at).then(
      () => {
        this.#isMarkFailing = false;
      },
      (error: unknown) => this.#markFailed(error),
    );
    const isDue = this.#isChanged && at - this.#savedAt >= this.#options.intervalMs;
    if (!isDue || this.#saving !== undefined) return;
    this.#saving = this.#save(at).finally(() => {
      this.#saving = undefined;
    });
  }

  /** Saves for the last time. */
  async close(at: number): Promise<void> {
    await this.#saving;
    this.#seriesDueAt = Number.NEGATIVE_INFINITY;
    await this.#save(at);
    await this.#mark.set(at).catch((error: unknown) => this.#markFailed(error));
    await this.#mark[Symbol.asyncDispose]();
  }

  /** A snapshot holds no verdict that the journal lacks: otherwise a crash would lose it from the series. */
  async #save(at: number): Promise<void> {
    const { detector, series, journal, settled, paths } = this.#options;
    this.#savedAt = at;
    this.#isChanged = false;
    // As of now, like `at`. What is not durable yet lies behind it, and is read back over what the snapshot knows of it.
    const position = journal.end();
    const learned = detector.snapshot();
    await settled();
    await this.#replaced(paths.snapshot, replaceFile(paths.snapshot, learned));
    if (at < this.#seriesDueAt) return;
    const blocks = new TimedPieces(encodeSeries(series, at, position));
    await this.#replaced(paths.series, replaceFileInPieces(paths.series, blocks, settled));
    this.#seriesDueAt = at + SERIES_PAUSE * blocks.tookMs;
  }

  #replaced(path: string, replacing: Promise<void>): Promise<void> {
    return replacing.catch((error: unknown) => {
      this.#isChanged = true;
      const consequence = 'the snapshot cannot be written; a restart would have to learn some of it anew';
      this.#options.logger.error({ err: error, path }, consequence);
    });
  }

  #markFailed(error: unknown): void {
    if (this.#isMarkFailing) return;
    this.#isMarkFailing = true;
    const { logger, paths } = this.#options;
    logger.error(
      { err: error, path: paths.mark },
      'the sign of life cannot be written; blind time would seem longer',
    );
  }
}

/** Hands pieces on, and knows how long making them took. */
class TimedPieces implements Iterable<Uint8Array> {
  tookMs = 0;
  readonly #pieces: Iterable<Uint8Array>;

  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    let startedMs = performance.now();
    for (const piece of this.#pieces) {
      this.tookMs += performance.now() - startedMs;
      yield piece;
      startedMs = performance.now();
    }
  }
}
