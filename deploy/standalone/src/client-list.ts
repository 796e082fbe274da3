/** `/api/v1/clients`: who is connected to the broker of this process, in pages. */
import type { Broker, ClientView } from '@slowbeat/broker';
import { json, type Page, problem } from '@slowbeat/detector-service';

export const CLIENTS_PATH = '/api/v1/clients';

/** What the list can be narrowed to, each exactly. */
export const CLIENT_FILTERS = ['clientId', 'user', 'role', 'listener', 'address'] as const;

/** `next` is the cursor of the following page; null on the last. */
export interface ClientList {
  readonly clients: readonly ClientView[];
  readonly next: string | null;
}

const PARAMETERS: readonly string[] = [...CLIENT_FILTERS, 'limit', 'cursor'];
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

export function clientListPage(broker: Pick<Broker, 'clients'>): Page {
  return (query) => {
    const unknown = [...query.keys()].find((name) => !PARAMETERS.includes(name));
    if (unknown !== undefined) {
      return problem(400, `unknown parameter "${unknown}"; known are ${PARAMETERS.join(', ')}`);
    }
    const limit = Number(query.get('limit') ?? LIMIT_DEFAULT);
    if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
      return problem(400, `limit must be a whole number from 1 to ${LIMIT_MAX}`);
    }
    const after = Number(query.get('cursor') ?? 0);
    if (!Number.isSafeInteger(after) || after < 0) {
      return problem(400, 'cursor must be the "next" of the page before');
    }
    const wanted = Object.fromEntries(
      CLIENT_FILTERS.map((name) => [name, query.get(name)] as const).filter(([, value]) => value !== null),
    ) as Record<string, string>;
    const { clients, next } = broker.clients({ ...wanted, after, limit });
    return json({ clients, next: next === undefined ? null : String(next) } satisfies ClientList);
  };
}
