/** The flags that every command with settings shares, and what they add up to with environment and file. */
import type { Command } from 'commander';
import type * as z from 'zod';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import {
  type Checked,
  checkSettings,
  type Override,
  overrideFromFlag,
  overridesFromEnvironment,
} from './layers.ts';
import {
  type BrokerSettings,
  brokerSettingsSchema,
  type LoneBrokerSettings,
  loneBrokerSettingsSchema,
  type Settings,
  settingsSchema,
} from './schema.ts';
import { readYamlFile, type YamlFile } from './yaml-file.ts';

export const DEFAULT_FILE = 'slowbeat.yaml';

export interface SettingsFlags {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly data?: string;
  readonly port?: string;
  readonly access?: string;
  readonly topics?: string;
  readonly httpPort?: string;
  readonly logLevel?: string;
}

/** Flags with a name of their own, and the setting each stands for. */
const SHORTCUTS = {
  data: { flag: '--data', path: ['dataDirectory'] },
  port: { flag: '--port', path: ['broker', 'tcp', 'port'] },
  access: { flag: '--access', path: ['broker', 'access', 'mode'] },
  topics: { flag: '--topics', path: ['broker', 'topics'] },
  httpPort: { flag: '--http-port', path: ['http', 'port'] },
  logLevel: { flag: '--log-level', path: ['log', 'level'] },
} as const;

export function addSettingsOptions(command: Command): Command {
  return command
    .option('--config <file>', `settings (default: ${DEFAULT_FILE} in this directory, if there is one)`)
    .option('--set <key=value>', 'one setting, such as http.port=9090; may be repeated', collect)
    .option('--data <directory>', 'where journal, snapshot and the sessions of the broker are kept')
    .option('-p, --port <port>', 'port of the MQTT broker; 0 takes any free one')
    .option('--access <mode>', 'who may use the broker: open (this machine only) or users')
    .option('--topics <which>', 'what the broker carries: scheme (heartbeats only) or any')
    .option('--http-port <port>', 'port of the HTTP interface; 0 takes any free one')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent');
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** Everything that was said about the settings, and whether it is right. */
export async function readSettings<T>(
  schema: z.ZodType<T>,
  flags: SettingsFlags,
  { env }: Pick<Context, 'env'>,
): Promise<Checked<T>> {
  const file = await settingsFile(flags.config, env);
  const fromFlags = [
    ...Object.entries(SHORTCUTS).flatMap(shortcut(flags)),
    ...(flags.set ?? []).map(overrideFromFlag),
  ];
  return checkSettings(schema, file, [...overridesFromEnvironment(schema, env), ...fromFlags]);
}

/** The settings, or a {@link UsageError} about the first thing that is wrong with them. */
export function loadSettings(flags: SettingsFlags, context: Pick<Context, 'env'>): Promise<Settings> {
  return load(settingsSchema, flags, context);
}

/** The same file for what knows no device classes. */
export function loadBrokerSettings(
  flags: SettingsFlags,
  context: Pick<Context, 'env'>,
): Promise<BrokerSettings> {
  return load(brokerSettingsSchema, flags, context);
}

export function loadLoneBrokerSettings(
  flags: SettingsFlags,
  context: Pick<Context, 'env'>,
): Promise<LoneBrokerSettings> {
  return load(loneBrokerSettingsSchema, ofBrokerAlone(flags), context);
}

/** Its HTTP interface is not the monitor's: both may run on one machine by the same file. */
function ofBrokerAlone({ httpPort, ...flags }: SettingsFlags): SettingsFlags {
  if (httpPort === undefined) return flags;
  return { ...flags, set: [...(flags.set ?? []), `broker.http.port=${httpPort}`] };
}

async function load<T>(
  schema: z.ZodType<T>,
  flags: SettingsFlags,
  context: Pick<Context, 'env'>,
): Promise<T> {
  const checked = await readSettings(schema, flags, context);
  if (checked.ok) return checked.settings;
  const [first, ...others] = checked.problems;
  const more = others.length > 0 ? ` (and ${others.length} more; slowbeat config check lists them)` : '';
  throw new UsageError(`${first}${more}`);
}

function shortcut(flags: SettingsFlags) {
  return ([name, { flag, path }]: [string, (typeof SHORTCUTS)[keyof typeof SHORTCUTS]]): Override[] => {
    const text = flags[name as keyof typeof SHORTCUTS];
    return text === undefined ? [] : [{ path, text, origin: `${flag} ${text}` }];
  };
}

async function settingsFile(
  named: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<YamlFile | undefined> {
  const [name, origin] = named !== undefined ? [named, '--config'] : [env.SLOWBEAT_CONFIG, 'SLOWBEAT_CONFIG'];
  if (name === undefined) return readYamlFile(DEFAULT_FILE);
  const file = await readYamlFile(name);
  if (file === undefined) throw new UsageError(`${origin} ${name}: there is no such file`);
  return file;
}
