/** `slowbeat start` and `slowbeat detector`: a monitor until it is told to stop. */
import { BoundedLog } from '@slowbeat/detector-service';
import {
  beatsTarget,
  type InfluxTarget,
  StoreError,
  targetFromEnvironment,
} from '@slowbeat/detector-service/store';
import { brokerUrls } from '@slowbeat/device-sdk';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import type { Context } from '../context.ts';
import { EXIT, UsageError } from '../exit-codes.ts';
import { httpUrl } from '../http-url.ts';
import { createLogger, wantsJson } from '../log-format.ts';
import { type Monitor, startMonitor } from '../monitor.ts';
import { reloadOnHangup } from '../reloading.ts';
import { addSettingsOptions, loadSettings, type SettingsFlags } from '../settings/options.ts';
import { areBrokerUrls, BROKER_URL_RULE, type Settings } from '../settings/schema.ts';
import { aborted, onStopRequest } from '../stopping.ts';

const DEATHS_LOGGED_PER_MINUTE = 20;

interface StartFlags extends SettingsFlags {
  readonly url?: string;
}

export function addStartCommands(program: Command, context: Context): void {
  addSettingsOptions(program.command('start'))
    .description('watch a fleet: broker, detector, journal and HTTP in one process')
    .action((flags: StartFlags) => watch(flags, context));
  addSettingsOptions(program.command('detector'))
    .description('watch a fleet at a broker that runs elsewhere')
    .requiredOption(
      '--url <url>',
      'the broker, such as mqtt://broker.example:1883; several with commas between',
    )
    .action((flags: StartFlags) => {
      if (!areBrokerUrls(flags.url ?? '')) throw new UsageError(`--url ${flags.url}: ${BROKER_URL_RULE}`);
      return watch({ ...flags, set: [...(flags.set ?? []), `broker.url=${flags.url}`] }, context);
    });
}

async function watch(flags: SettingsFlags, context: Context): Promise<void> {
  const settings = await loadSettings(flags, context);
  refuseStandby(settings);
  const influx = influxTarget(context.env);
  const { stdout, stderr } = context.terminal;
  const { level, format } = settings.log;
  const logger = createLogger({ level, json: wantsJson(format, stderr), stream: stderr });
  const { shutdownSpreadMsMax } = settings.broker.limits;
  using stop = onStopRequest(
    (line) => void stderr.write(`slowbeat: ${line}\n`),
    process.exit,
    shutdownSpreadMsMax,
  );
  const influxBeats = beatsTarget(influx, context.env);
  const monitor = await startMonitor({ settings, influx, influxBeats, logger });
  using _reload = monitor.broker && reloadOnHangup(monitor.broker, logger);
  logDeaths(monitor, logger);
  stdout.write(welcome(monitor, settings, influx, commandName(context.env)));
  const failure = await Promise.race([aborted(stop.signal), monitor.failed]);
  stderr.write('slowbeat: stopping (once more to force it)\n');
  await monitor.stop();
  if (failure !== undefined) throw failure;
  if (stop.asked() === 'SIGINT') process.exitCode = EXIT.interrupted;
}

/** A standby takes over what lies in Redis. Verdicts and what was learned do not: they lie in the data directory. */
function refuseStandby({ broker: { url, redis } }: Settings): void {
  if (url !== undefined || redis?.standby !== true) return;
  throw new UsageError(
    'broker.redis.standby: slowbeat start has its detector in a directory, which no other one can take over; run slowbeat broker twice, and slowbeat detector --url with the addresses of both',
  );
}

/** Whoever has nothing but the log still learns who died. */
function logDeaths({ service }: Monitor, logger: Logger): void {
  const log = new BoundedLog({ logger, linesPerMinute: DEATHS_LOGGED_PER_MINUTE });
  service.onTransition(({ to, deviceClass, device, at, reason, noticedAt }) => {
    if (to !== 'dead') return;
    const details = { class: deviceClass, device, why: reason, since: new Date(at).toISOString() };
    log.warn('dead', noticedAt, details, 'a device is dead');
  });
}

/** Where InfluxDB is, from `INFLUX_*`; undefined when the journal alone is the store. */
export function influxTarget(env: NodeJS.ProcessEnv): InfluxTarget | undefined {
  try {
    return targetFromEnvironment(env);
  } catch (error) {
    if (error instanceof StoreError) throw new UsageError(error.message, error);
    throw error;
  }
}

/** How whoever started this runs the next command. */
function commandName(env: NodeJS.ProcessEnv): string {
  return env.npm_lifecycle_event === undefined ? 'slowbeat' : 'npm run --silent slowbeat --';
}

function welcome(
  { url, http, broker }: Monitor,
  settings: Settings,
  influx: InfluxTarget | undefined,
  command: string,
): string {
  const [firstClass = 'meter'] = Object.keys(settings.classes);
  const { hostname, port } = new URL(brokerUrls(url)[0]);
  const mode =
    broker === undefined ? ' (not ours)' : settings.broker.access.mode === 'open' ? ' (open: no log-in)' : '';
  const login =
    broker !== undefined && settings.broker.access.mode === 'users' ? ' -u my-device -P PASSWORD' : '';
  const store =
    influx === undefined
      ? 'journal; set INFLUX_URL to write to InfluxDB as well'
      : `journal, and InfluxDB at ${influx.url}`;
  return [
    'Slowbeat is watching.',
    `  broker   ${url}${mode}`,
    `  http     ${httpUrl(http.address)}/api/v1/devices  /readyz  /metrics`,
    `  data     ${settings.dataDirectory} (${store})`,
    `  classes  ${Object.keys(settings.classes).join(', ')}`,
    `Try:  mosquitto_pub -h ${hostname} -p ${port || 1883}${login} -t ${settings.root}/${firstClass}/my-device/beat -n`,
    `      ${command} uptime --data ${settings.dataDirectory} --from -1h --to now`,
    '',
  ].join('\n');
}
