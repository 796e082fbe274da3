/** `slowbeat broker clients`: who is connected to a broker that runs, asked over its HTTP interface. */
import type { ClientView } from '@slowbeat/broker';
import { type Command, Option } from 'commander';
import { CLIENT_FILTERS, CLIENTS_PATH, type ClientList } from '../client-list.ts';
import type { Context } from '../context.ts';
import { CommandError, UnreachableError, UsageError } from '../exit-codes.ts';
import { httpUrl } from '../http-url.ts';
import { loadBrokerSettings, type SettingsFlags } from '../settings/options.ts';
import { span } from '../span.ts';
import { printable } from '../terminal.ts';
import { textTable } from '../text-table.ts';

interface ClientsFlags extends SettingsFlags {
  readonly url?: string;
  readonly clientId?: string;
  readonly user?: string;
  readonly role?: string;
  readonly listener?: string;
  readonly address?: string;
  readonly sort: keyof typeof ORDERS;
  readonly reverse?: boolean;
  readonly json?: boolean;
}

/** By names forwards, by numbers the largest first: the longest silence, the fullest queue. */
const ORDERS = {
  id: (a: ClientView, b: ClientView) => compare(a.clientId, b.clientId),
  user: (a: ClientView, b: ClientView) => compare(a.user, b.user),
  role: (a: ClientView, b: ClientView) => compare(a.role, b.role),
  address: (a: ClientView, b: ClientView) => compare(a.address, b.address),
  connected: (a: ClientView, b: ClientView) => a.connectedAt - b.connectedAt,
  silence: (a: ClientView, b: ClientView) => a.lastPacketAt - b.lastPacketAt,
  queued: (a: ClientView, b: ClientView) => b.queued - a.queued || b.unsentBytes - a.unsentBytes,
} as const;

const PAGE_CLIENTS = 1000;
const ANSWER_MS_MAX = 10_000;

export function addClientsCommand(broker: Command, context: Context): void {
  broker
    .command('clients')
    .description('list who is connected to a running broker')
    .option('--url <url>', 'its HTTP interface (default: broker.http of the settings, or http)')
    .option('--client-id <id>', 'only this client')
    .option('--user <name>', 'only clients of this user')
    .option('--role <role>', 'only clients of this role')
    .option('--listener <kind>', 'only clients that came by tcp, tls, ws or wss')
    .option('--address <address>', 'only clients from this address')
    .addOption(new Option('--sort <by>', 'in which order').choices(Object.keys(ORDERS)).default('id'))
    .option('--reverse', 'in the opposite order')
    .option('--json', 'as NDJSON, one client a line')
    .action((_flags: unknown, command: Command) => list(command.optsWithGlobals<ClientsFlags>(), context));
}

async function list(flags: ClientsFlags, context: Context): Promise<void> {
  const base = await interfaceOf(flags, context);
  const { stdout, stderr } = context.terminal;
  const clients: ClientView[] = [];
  for await (const page of pagesOf(base, flags)) clients.push(...page);
  clients.sort(ORDERS[flags.sort]);
  if (flags.reverse) clients.reverse();
  if (flags.json) for (const client of clients) stdout.write(`${JSON.stringify(client)}\n`);
  else if (clients.length === 0) stderr.write('slowbeat: nobody like that is connected\n');
  else stdout.write(tableOf(clients, Date.now()));
}

async function interfaceOf({ url, ...flags }: ClientsFlags, context: Context): Promise<URL> {
  if (url !== undefined) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new UsageError(
        `--url ${url}: must be the address of an HTTP interface, such as http://127.0.0.1:8080`,
      );
    }
    return new URL(url);
  }
  const { broker, http } = await loadBrokerSettings(flags, context);
  return new URL(httpUrl(flags.httpPort === undefined ? (broker.http ?? http) : http));
}

async function* pagesOf(base: URL, flags: ClientsFlags): AsyncGenerator<readonly ClientView[]> {
  for (let cursor: string | null = '0'; cursor !== null; ) {
    const address = new URL(CLIENTS_PATH, base);
    address.searchParams.set('limit', String(PAGE_CLIENTS));
    address.searchParams.set('cursor', cursor);
    for (const name of CLIENT_FILTERS) {
      const value = flags[name];
      if (value !== undefined) address.searchParams.set(name, value);
    }
    const page: ClientList = await pageAt(address);
    yield page.clients;
    cursor = page.next;
  }
}

async function pageAt(address: URL): Promise<ClientList> {
  let response: Response;
  try {
    response = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  } catch (error) {
    throw new UnreachableError(
      `no broker answers at ${address.origin}; start it with --http-port, or say where with --url`,
      error,
    );
  }
  if (response.ok) return (await response.json()) as ClientList;
  const why = response.status === 404 ? 'it is no broker, only a detector at one' : await response.text();
  throw new CommandError(`${address.origin} does not tell its clients: ${why.trim()}`);
}

function tableOf(clients: readonly ClientView[], now: number): string {
  const columns = [
    { title: 'client' },
    { title: 'user' },
    { title: 'role' },
    { title: 'via' },
    { title: 'address' },
    { title: 'connected', align: 'right' as const },
    { title: 'silent', align: 'right' as const },
    { title: 'keepalive', align: 'right' as const },
    { title: 'session' },
    { title: 'queued', align: 'right' as const },
    { title: 'will' },
  ];
  const rows = clients.map((client) => [
    printable(client.clientId),
    client.user,
    client.role,
    client.listener,
    client.address,
    span(Math.max(0, now - client.connectedAt)),
    span(Math.max(0, now - client.lastPacketAt)),
    span(client.keepaliveS * 1000),
    client.cleanSession ? 'clean' : 'kept',
    String(client.queued),
    printable(client.willTopic ?? '-'),
  ]);
  return `${textTable(columns, rows).join('\n')}\n`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
