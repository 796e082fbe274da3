/**
 * The composition root of a running monitor: detector, the broker it listens through, HTTP, and InfluxDB.
 *
 * With `broker.url` heartbeats come from any broker by subscription; without, this process is the broker itself and
 * hands every message over before it acknowledges it. Whatever was started is stopped in reverse.
 */
import { readFileSync } from 'node:fs';
import { type Broker, BrokerError, startBroker } from '@slowbeat/broker';
import {
  createDetectorService,
  createMetrics,
  type DetectorService,
  HttpListenError,
  type HttpServer,
  MqttIngest,
  type Page,
  serviceMetrics,
  startHttp,
} from '@slowbeat/detector-service';
import {
  describeTarget,
  type InfluxSender,
  type InfluxTarget,
  StoreError,
  startInfluxSender,
} from '@slowbeat/detector-service/store';
import type { Logger } from 'pino';
import { brokerFailure } from './broker-failure.ts';
import { CLIENTS_PATH, clientListPage } from './client-list.ts';
import { CommandError } from './exit-codes.ts';
import { journalCheck } from './journal-check.ts';
import { brokerMetrics, senderMetrics } from './monitor-metrics.ts';
import { brokerDirectory, ownBroker, type Settings } from './settings/schema.ts';

export interface MonitorOptions {
  readonly settings: Settings;
  readonly influx: InfluxTarget | undefined;
  /** Where raw heartbeats go, when they are kept. */
  readonly influxBeats?: InfluxTarget | undefined;
  readonly logger: Logger;
}

export interface Monitor extends AsyncDisposable {
  readonly service: DetectorService;
  /** The built-in broker, unless `broker.url` names another. */
  readonly broker: Broker | undefined;
  readonly http: HttpServer;
  readonly sender: InfluxSender | undefined;
  /** Where devices publish. */
  readonly url: string;
  /** Resolves when it cannot go on, with what to tell. */
  readonly failed: Promise<CommandError>;
  stop(): Promise<void>;
}

/** How long a stop lets the sender take the last lines to InfluxDB. */
const FLUSH_MS_MAX = 2000;

/** Starts everything. Rejects with a {@link CommandError} that says what is in the way. */
export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    return await started(options, stops, stop);
  } catch (error) {
    await stop();
    throw asCommandError(error, options.settings);
  }
}

async function started(
  { settings, influx, influxBeats, logger }: MonitorOptions,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<Monitor> {
  // The service publishes through what can only be started once there is a service to hand messages to.
  let publish: (topic: string, payload: Uint8Array, retain: boolean) => Promise<void> = () =>
    Promise.reject(new Error('no broker yet'));
  const service = await createDetectorService({
    config: settings,
    publish: (topic, payload) => publish(topic, payload, true),
    probe: (topic, payload) => publish(topic, payload, false),
    logger,
    keepUndelivered: influx !== undefined,
  });
  let sender: InfluxSender | undefined;
  let beatSender: InfluxSender | undefined;
  let ingest: MqttIngest | undefined;
  // The last verdicts still go out through the ingest, and the lines about them to InfluxDB.
  stops.push(() =>
    service.stop(async () => {
      await ingest?.stop();
      await Promise.all([flushed(sender), flushed(beatSender)]);
    }),
  );
  if (influx !== undefined) {
    sender = await startInfluxSender({
      journal: service.journal,
      target: influx,
      logger,
      createDatabaseIfMissing: true,
    });
    logger.info({ target: describeTarget(influx) }, 'writing to InfluxDB');
  }
  if (influxBeats !== undefined && service.beatLog !== undefined) {
    beatSender = await startInfluxSender({
      journal: service.beatLog.journal,
      target: influxBeats,
      logger,
      createDatabaseIfMissing: true,
      databaseRetentionMs: settings.rawBeatsRetention,
    });
    logger.info({ target: describeTarget(influxBeats) }, 'writing raw heartbeats');
  }

  const metrics = createMetrics();
  metrics.add(serviceMetrics(service, Object.keys(settings.classes)));
  if (sender !== undefined) metrics.add(senderMetrics(sender));
  const pages: Record<string, Page> = {};
  let missingLink: () => string | undefined = () => 'not started';
  const http = await startHttp({
    ...settings.http,
    metrics,
    devices: service,
    pages,
    checks: {
      journal: journalCheck(service.journal),
      'broker-link': () => missingLink(),
    },
    logger,
  });
  stops.push(() => http.close());

  const { broker: link } = settings;
  if (link.url !== undefined) {
    const listening = remoteIngest(link.url, settings, service, logger);
    ingest = listening;
    publish = (topic, payload, retain) => listening.publish(topic, payload, { retain });
    missingLink = () => listening.problem;
    listening.start();
    return {
      service,
      broker: undefined,
      http,
      sender,
      url: link.url,
      failed: new Promise(() => {}),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  }
  const broker = await startBroker({
    ...ownBroker(settings),
    directory: brokerDirectory(settings.dataDirectory),
    logger,
    tap: (message) => service.handle(message),
  });
  stops.push(async () => {
    await broker.drain();
    await broker.close();
    service.link(false);
  });
  publish = (topic, payload, retain) => broker.publish({ topic, payload, qos: 1, retain });
  missingLink = () => broker.problem;
  metrics.add(brokerMetrics(broker));
  pages[CLIENTS_PATH] = clientListPage(broker);
  service.link(true);
  const url = broker.endpoints[0]?.url ?? '';
  const failed = broker.failed.then(brokerFailure);
  return { service, broker, http, sender, url, failed, stop, [Symbol.asyncDispose]: stop };
}

function remoteIngest(url: string, settings: Settings, service: DetectorService, logger: Logger): MqttIngest {
  const { username, passwordFile, clientId, caFile, certFile, keyFile } = settings.broker;
  const content = (path: string | undefined): Buffer | undefined =>
    path === undefined ? undefined : readFileSync(path);
  return new MqttIngest({
    url,
    root: settings.root,
    clientId: clientId ?? `slowbeat-${settings.monitor}`,
    username,
    password: content(passwordFile)?.toString('utf8').trimEnd(),
    ca: content(caFile),
    cert: content(certFile),
    key: content(keyFile),
    handle: (message) => service.handle(message),
    onLink: (up, knowsVerdicts) => service.link(up, { knowsVerdicts }),
    logger,
  });
}

/** A last chance for the lines that the stop itself has written; InfluxDB being away must not hold it up. */
async function flushed(sender: InfluxSender | undefined): Promise<void> {
  if (sender === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, FLUSH_MS_MAX);
  });
  await Promise.race([sender.flushed(), late]);
  clearTimeout(timer);
  await sender.stop();
}

function asCommandError(error: unknown, settings: Settings): unknown {
  if (error instanceof HttpListenError) {
    return new CommandError(
      `${error.message}; choose another with --http-port, 0 takes any`,
      undefined,
      error,
    );
  }
  if (error instanceof BrokerError) return brokerFailure(error);
  if (error instanceof StoreError) return new CommandError(error.message, undefined, error);
  // A write to an open file names no path, so it is the system call that tells a refusal of the disk.
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code !== undefined && syscall !== undefined) {
    return new CommandError(
      `the data directory ${settings.dataDirectory} cannot be used: ${message}`,
      undefined,
      error,
    );
  }
  return error;
}
