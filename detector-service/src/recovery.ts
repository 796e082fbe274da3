/**
 * Taking up where the last run ended, whichever way it ended.
 *
 * The journal is the truth about verdicts: nothing was told that it does not hold. The snapshot is what had been
 * learned, perhaps some seconds older. The mark is the last instant at which the last run is known to have listened.
 */
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { readAliveMark } from './alive-mark.ts';
import type { DetectorConfig } from './config.ts';
import { Detector, type DetectorOptions, SnapshotError } from './detector/index.ts';
import type { DeviceKey } from './store/device-key.ts';
import { hasCode } from './store/durable-file.ts';
import {
  BeatLog,
  type FleetSeries,
  type Journal,
  type LatestVerdict,
  loadSeries,
  openJournal,
} from './store/index.ts';

export interface Paths {
  readonly journal: string;
  readonly snapshot: string;
  readonly series: string;
  readonly beats: string;
  readonly mark: string;
}

export function pathsIn(dataDirectory: string): Paths {
  return {
    journal: join(dataDirectory, 'journal'),
    snapshot: join(dataDirectory, 'detector.snapshot'),
    series: join(dataDirectory, 'series.snapshot'),
    beats: join(dataDirectory, 'beats'),
    mark: join(dataDirectory, 'alive'),
  };
}

export interface Recovered {
  readonly journal: Journal;
  readonly series: FleetSeries;
  readonly detector: Detector;
  readonly beatLog: BeatLog | undefined;
  /** Since when nobody has listened; undefined on the very first start. */
  readonly silentSinceAt: number | undefined;
  /** Verdicts about devices that the detector no longer watches, because their class is gone from the settings. */
  readonly abandoned: readonly LatestVerdict[];
  /** Who was retired lately: a crash may have come before the retained verdict was removed. */
  readonly retired: readonly DeviceKey[];
}

export interface RecoveryOptions {
  readonly config: DetectorConfig;
  readonly logger: Logger;
  /** True when a sender will say what of the journal has been delivered. */
  readonly keepUndelivered: boolean;
  /** True when somebody sends the probes that the detector asks for. */
  readonly probing: boolean;
  readonly now: () => number;
}

/**
 * Opens the data directory and restores everything in it.
 *
 * @throws StoreError `journal-locked` when another process works there
 */
export async function recover({
  config,
  logger,
  keepUndelivered,
  probing,
  now,
}: RecoveryOptions): Promise<Recovered> {
  const paths = pathsIn(config.dataDirectory);
  await mkdir(config.dataDirectory, { recursive: true });
  const journal = await openJournal({
    directory: paths.journal,
    logger,
    now,
    retentionMs: config.retention,
    keepUndelivered,
  });
  try {
    const { series, problem, damaged } = await loadSeries(journal, await readIfThere(paths.series));
    if (problem !== undefined) {
      logger.error({ path: paths.series, problem }, 'series: counts of the open hour and day begin anew');
    }
    if (damaged > 0) logger.error({ damaged }, 'journal: damaged lines were passed over');
    const detector = await restoredDetector(paths.snapshot, { ...config, probing }, logger);
    let silentSinceAt = await readAliveMark(paths.mark);
    const abandoned: LatestVerdict[] = [];
    const retired: DeviceKey[] = [];
    for (const verdict of series.latest()) {
      silentSinceAt = Math.max(silentSinceAt ?? verdict.at, verdict.at);
      const { deviceClass, device, at, state } = verdict;
      const view = detector.device(deviceClass, device, at);
      if (view !== undefined && at <= view.since) continue;
      detector.adopt(verdict);
      if (state === 'retired') retired.push({ deviceClass, device });
      else if (detector.device(deviceClass, device, at) === undefined) abandoned.push(verdict);
    }
    series.resume(silentSinceAt ?? now());
    const beatLog = config.rawBeats ? await openBeatLog(paths.beats, { config, logger, now }) : undefined;
    return { journal, series, detector, beatLog, silentSinceAt, abandoned, retired };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** Not fsynced each time: what a power failure costs is a second of raw heartbeats. */
async function openBeatLog(
  directory: string,
  { config, logger, now }: Pick<RecoveryOptions, 'config' | 'logger' | 'now'>,
): Promise<BeatLog> {
  const retentionMs = config.rawBeatsRetention;
  return new BeatLog(await openJournal({ directory, logger, now, retentionMs, sync: 'interval' }));
}

async function restoredDetector(path: string, config: DetectorOptions, logger: Logger): Promise<Detector> {
  const state = await readIfThere(path);
  if (state === undefined) return new Detector(config);
  try {
    return Detector.restore(config, state);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    const aside = `${path}.refused`;
    await rename(path, aside);
    logger.error(
      { path, aside, err: error },
      'the snapshot cannot be used and was moved aside; verdicts come from the journal, deadlines are learned anew',
    );
    return new Detector(config);
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
