/** `slowbeat broker acl`: our access rules and limits in the words of another broker. */
import {
  BrokerError,
  brokerConfigSchema,
  type Identity,
  makeIdentity,
  mosquittoAcl,
  mosquittoConfiguration,
  readUsers,
} from '@slowbeat/broker';
import type { Command } from 'commander';
import { brokerFailure } from '../broker-failure.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { loadBrokerSettings, type SettingsFlags } from '../settings/options.ts';
import { ownBroker } from '../settings/schema.ts';

interface AclFlags extends SettingsFlags {
  readonly for: string;
  readonly conf?: boolean;
  readonly detector: string;
  readonly aclFile: string;
  readonly passwordFile: string;
}

export function addAclCommand(broker: Command, context: Context): void {
  broker
    .command('acl')
    .description(
      'print an access control list, or a configuration, for another broker by the settings of `slowbeat broker`',
    )
    .requiredOption('--for <broker>', 'mosquitto')
    .option('--conf', 'the configuration instead of the list')
    .option('--detector <name>', 'user name of the detector where no file of users names one', 'detector')
    .option('--acl-file <path>', 'where the configuration finds the list', '/etc/mosquitto/slowbeat.acl')
    .option(
      '--password-file <path>',
      'where it finds what mosquitto_passwd made',
      '/etc/mosquitto/slowbeat.passwd',
    )
    // The settings belong to the command above, which has taken them, wherever they stood.
    .action((_flags: unknown, command: Command) => printRules(command.optsWithGlobals<AclFlags>(), context));
}

async function printRules(flags: AclFlags, context: Context): Promise<void> {
  if (flags.for !== 'mosquitto') throw new UsageError(`--for ${flags.for}: must be mosquitto`);
  const config = brokerConfigSchema.parse(ownBroker(await loadBrokerSettings(flags, context)));
  const { stdout, stderr } = context.terminal;
  const users = await usersOf(config.access).catch((error: unknown) => {
    throw error instanceof BrokerError ? brokerFailure(error) : error;
  });
  if (flags.conf === true) {
    const onlyCertificates = config.access.mode === 'users' && config.access.credentialsFile === undefined;
    const passwordFile = onlyCertificates && !config.tcp.enabled ? undefined : flags.passwordFile;
    const { text, leftOut } = mosquittoConfiguration(config, { aclFile: flags.aclFile, passwordFile });
    stdout.write(text);
    for (const line of leftOut) stderr.write(`slowbeat: left out: ${line}\n`);
    return;
  }
  if (!users.some(({ role }) => role === 'detector')) users.push(detector(flags.detector));
  const { text, leftOut, alsoDevices } = mosquittoAcl(config, users, letsUnlistedIn(config.access));
  stdout.write(text);
  for (const line of leftOut) stderr.write(`slowbeat: left out, and so refused: ${line}\n`);
  if (alsoDevices.length > 0)
    stderr.write(`slowbeat: may be the device of their own name as well: ${alsoDevices.join(', ')}\n`);
}

type Access = ReturnType<typeof brokerConfigSchema.parse>['access'];

async function usersOf(access: Access): Promise<Identity[]> {
  if (access.mode === 'open' || access.credentialsFile === undefined) return [];
  return [...(await readUsers(access.credentialsFile)).values()].map(({ identity }) => identity);
}

/** Whoever has a password, token or certificate there, and is in no file of ours. */
function letsUnlistedIn(access: Access): boolean {
  if (access.mode === 'open') return true;
  return access.tokens !== undefined || access.certificates?.unlisted === 'device';
}

function detector(name: string): Identity {
  const identity = makeIdentity(name, 'detector', []);
  if (typeof identity === 'string') throw new UsageError(`--detector ${name}: ${identity}`);
  return identity;
}
