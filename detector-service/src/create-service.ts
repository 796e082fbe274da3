/** Puts the detector service together, and the last run's state into it. */
import { type Clock, systemClock } from '@slowbeat/device-sdk';
import type { Logger } from 'pino';
import { BoundedLog } from './bounded-log.ts';
import type { DetectorConfig } from './config.ts';
import { ProbeSender } from './probe-sender.ts';
import { Recorder } from './recorder.ts';
import { pathsIn, recover } from './recovery.ts';
import { DetectorService } from './service.ts';
import { StateKeeper } from './state-keeper.ts';
import { VerdictPublisher } from './verdict-publisher.ts';

export interface DetectorServiceOptions {
  readonly config: DetectorConfig;
  /** Publishes a retained verdict with QoS 1; resolves on the broker's acknowledgement. Used while the link is up. */
  readonly publish: (topic: string, payload: Uint8Array) => Promise<void>;
  /** Sends a ping to a device, with QoS 1 and not retained. Without it, no suspect is asked. */
  readonly probe?: (topic: string, payload: Uint8Array) => Promise<void>;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** True when a sender takes the journal's lines to a server, and tells the journal so. */
  readonly keepUndelivered?: boolean;
}

/**
 * Restores the last run's state and begins to watch. Blind until the first `link(true)`.
 *
 * @throws StoreError `journal-locked` when another process works in the data directory
 */
export async function createDetectorService(options: DetectorServiceOptions): Promise<DetectorService> {
  const { config, publish, probe, logger, clock = systemClock, keepUndelivered = false } = options;
  const recovered = await recover({
    config,
    logger,
    keepUndelivered,
    probing: probe !== undefined,
    now: () => clock.epochMs(),
  });
  const { journal, series, detector } = recovered;
  const complaints = new BoundedLog({ logger });
  const publisher = new VerdictPublisher({
    publish,
    clock,
    onFailure: (topic, error) =>
      complaints.warn(
        'verdict-not-published',
        clock.epochMs(),
        { topic, err: error },
        'a verdict is sent again',
      ),
  });
  const { root, monitor, ownStateTopic } = config;
  const probes = probe && new ProbeSender({ root, send: probe, clock });
  const recorder = new Recorder({ journal, series, publisher, root, monitor, ownStateTopic, logger });
  try {
    const keeper = await StateKeeper.open({
      paths: pathsIn(config.dataDirectory),
      detector,
      series,
      journal,
      intervalMs: config.snapshotInterval,
      settled: () => recorder.settled(),
      logger,
    });
    const service = new DetectorService({
      config,
      clock,
      logger,
      recovered,
      recorder,
      publisher,
      probes,
      keeper,
      complaints,
    });
    await service.settled();
    return service;
  } catch (error) {
    await journal.close();
    throw error;
  }
}
