/** Who is connected, as an operator asks for it: in pages, so that a hundred thousand do not hold up the broker. */
import { unsentBytes } from './aedes-seams.ts';
import type { Role } from './identity.ts';
import type { ListenerKind } from './listener-config.ts';
import type { Member, Roster } from './roster.ts';

export interface ClientView {
  /** As the client said it; made up by the broker where it said none. */
  readonly clientId: string;
  /** Name of its user, token or certificate. */
  readonly user: string;
  readonly role: Role;
  readonly listener: ListenerKind;
  /** Of the client, also behind a proxy that tells it. */
  readonly address: string;
  /** Epoch milliseconds, as the next one. */
  readonly connectedAt: number;
  readonly lastPacketAt: number;
  /** As granted. */
  readonly keepaliveS: number;
  /** False for a session that is kept while its client is away. */
  readonly cleanSession: boolean;
  readonly subscriptions: number;
  /** Messages of a kept session that it has not acknowledged. */
  readonly queued: number;
  readonly unsentBytes: number;
  /** What it leaves when it ends without goodbye; null when it leaves nothing. */
  readonly willTopic: string | null;
}

/** What a client has to be for its place in a page; what is left out may be anything. */
export interface ClientQuery {
  readonly clientId?: string;
  readonly user?: string;
  readonly role?: string;
  readonly listener?: string;
  readonly address?: string;
  /** Where the page before ended. */
  readonly after?: number;
  readonly limit: number;
}

export interface ClientPage {
  /** In the order in which they logged in. */
  readonly clients: readonly ClientView[];
  /** Where the next page begins; undefined on the last. */
  readonly next: number | undefined;
}

/** One pass over the roster, which looks at everybody and describes nobody but those on the page. */
export function clientPage(
  roster: Roster,
  { after = 0, limit, ...wanted }: ClientQuery,
  queued: (clientId: string) => number,
): ClientPage {
  const clients: ClientView[] = [];
  let last = after;
  for (const member of roster.members()) {
    if (member.number <= after || !isWanted(member, wanted)) continue;
    if (clients.length === limit) return { clients, next: last };
    clients.push(viewOf(member, queued));
    last = member.number;
  }
  return { clients, next: undefined };
}

function isWanted(member: Member, wanted: Omit<ClientQuery, 'after' | 'limit'>): boolean {
  const { proof, arrival } = member.connection;
  const is = (wish: string | undefined, what: string | undefined): boolean =>
    wish === undefined || wish === what;
  return (
    is(wanted.role, proof?.identity.role) &&
    is(wanted.user, proof?.identity.name) &&
    is(wanted.listener, arrival.listener) &&
    is(wanted.address, arrival.address) &&
    is(wanted.clientId, clientIdOf(member))
  );
}

function clientIdOf({ client, connection }: Member): string {
  return connection.clientId || client.id;
}

function viewOf(member: Member, queued: (clientId: string) => number): ClientView {
  const { client, connection, since } = member;
  const { proof, arrival, lastPacketAt, keepaliveS = 0, subscriptions, will } = connection;
  return {
    clientId: clientIdOf(member),
    user: proof?.identity.name ?? '',
    role: proof?.identity.role ?? 'anonymous',
    listener: arrival.listener,
    address: arrival.address,
    connectedAt: since,
    lastPacketAt,
    keepaliveS,
    cleanSession: client.clean,
    subscriptions: subscriptions.size,
    queued: queued(client.id),
    unsentBytes: unsentBytes(client),
    willTopic: will?.topic ?? null,
  };
}
