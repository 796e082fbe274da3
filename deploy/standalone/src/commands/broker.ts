/** `slowbeat broker`: the MQTT broker alone, and lines for its file of users. */
import { BrokerError, formatUser, hashPassword, makeIdentity, startBroker } from '@slowbeat/broker';
import type { Command } from 'commander';
import { brokerFailure } from '../broker-failure.ts';
import { brokerHttp } from '../broker-http.ts';
import { CLIENTS_PATH } from '../client-list.ts';
import type { Context } from '../context.ts';
import { EXIT, UsageError } from '../exit-codes.ts';
import { createLogger, wantsJson } from '../log-format.ts';
import { readPassword } from '../password-input.ts';
import { reloadOnHangup } from '../reloading.ts';
import { addSettingsOptions, loadLoneBrokerSettings, type SettingsFlags } from '../settings/options.ts';
import { brokerDirectory, ownBroker } from '../settings/schema.ts';
import { aborted, onStopRequest } from '../stopping.ts';
import { addAclCommand } from './broker-acl.ts';
import { addClientsCommand } from './broker-clients.ts';

const ROLES = ['device', 'gateway', 'detector', 'observer'] as const;

interface PasswdFlags {
  readonly role: string;
  readonly devices?: string;
}

export function addBrokerCommand(program: Command, context: Context): void {
  const broker = addSettingsOptions(program.command('broker'))
    .description('run the MQTT broker alone')
    .action((flags: SettingsFlags) => runBroker(flags, context));
  broker
    .command('passwd')
    .description('print a line for the file of users; the password comes from the terminal or stdin')
    .argument('<name>', 'user name')
    .option('--role <role>', ROLES.join(', '), 'device')
    .option('--devices <list>', 'devices it may speak for, such as meter/line-3-*,valve/*')
    .action((name: string, flags: PasswdFlags) => printUser(name, flags, context));
  addAclCommand(broker, context);
  addClientsCommand(broker, context);
}

async function runBroker(flags: SettingsFlags, context: Context): Promise<void> {
  const settings = await loadLoneBrokerSettings(flags, context);
  const { log, dataDirectory } = settings;
  const { stdout, stderr } = context.terminal;
  const logger = createLogger({ level: log.level, json: wantsJson(log.format, stderr), stream: stderr });
  const { shutdownSpreadMsMax } = settings.broker.limits;
  using stop = onStopRequest(
    (line) => void stderr.write(`slowbeat: ${line}\n`),
    process.exit,
    shutdownSpreadMsMax,
  );
  const running = await startBroker({
    ...ownBroker(settings),
    ...(dataDirectory === undefined ? {} : { directory: brokerDirectory(dataDirectory) }),
    logger,
  }).catch((error: unknown) => {
    throw error instanceof BrokerError ? brokerFailure(error) : error;
  });
  using _reload = reloadOnHangup(running, logger);
  if (running.problem !== undefined) stdout.write(`The broker waits; ${running.problem}\n`);
  const serving = running.serving.then(
    () => void stdout.write(`The broker listens at ${running.endpoints.map(({ url }) => url).join(', ')}\n`),
    () => {}, // told by `failed`
  );
  if (running.problem === undefined) await serving;
  await using http = await brokerHttp(running, settings.broker.http, logger);
  if (http !== undefined) stdout.write(`HTTP at ${http.url}/readyz  /metrics  ${CLIENTS_PATH}\n`);
  const failure = await Promise.race([aborted(stop.signal), running.failed]);
  await running.drain();
  await running.close();
  if (failure !== undefined) throw brokerFailure(failure);
  if (stop.asked() === 'SIGINT') process.exitCode = EXIT.interrupted;
}

async function printUser(name: string, { role, devices }: PasswdFlags, context: Context): Promise<void> {
  const known = ROLES.find((one) => one === role);
  if (known === undefined) throw new UsageError(`--role ${role}: must be one of ${ROLES.join(', ')}`);
  const granted = devices?.split(',') ?? [];
  const identity = makeIdentity(name, known, granted); // before anybody types a password for it
  if (typeof identity === 'string') throw new UsageError(identity);
  const password = await readPassword(`Password of ${name}: `, context.terminal);
  try {
    const line = formatUser(name, known, await hashPassword(password), granted);
    context.terminal.stdout.write(`${line}\n`);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message, error);
    throw error;
  }
}
