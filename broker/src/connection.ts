/** What the broker knows about one connection beyond what Aedes knows. */
import type { Client } from 'aedes';
import type { Verdict } from './access.ts';
import type { MutableConnect, Will } from './aedes-seams.ts';
import type { Proof } from './identity.ts';
import { createLane, type Lane } from './ingest.ts';
import type { Circumstances } from './ledger.ts';
import type { Arrival } from './listener.ts';
import type { TokenBucket } from './token-bucket.ts';

export interface Connection {
  /** How it came: socket, address, certificate. */
  readonly arrival: Arrival;
  /** Paces device messages, subscriptions and pings. */
  readonly rate: TokenBucket;
  readonly lane: Lane;
  /** Messages on their way to subscribers that are to be acknowledged then. */
  handing: number;
  /** Filters granted and not given back. */
  readonly subscriptions: Set<string>;
  /** It has subscribed to something at some time. */
  isListening: boolean;
  /** Who it is, once logged in. */
  proof?: Proof;
  /** The CONNECT while the log-in lasts; it holds the password, so it is let go afterwards. */
  connect?: MutableConnect;
  /** The client id as the client said it. */
  clientId?: string;
  /** Seconds, as granted. */
  keepaliveS?: number;
  /** The last topic it published on, and what was decided about that. */
  spoken?: { readonly topic: string; readonly verdict: Verdict };
  /** How many reviews of rights there had been when it came. */
  readonly reviews: number;
  /** What it leaves when it ends without DISCONNECT. */
  will?: Will;
  /** Epoch milliseconds. */
  lastPacketAt: number;
  /** Since when (monotonic) more waits to be sent than may; absent while less does. */
  fullSince?: number;
  /** Why it ends was counted already. */
  accounted: boolean;
  /** The broker ends it as planned: its client is not dead. */
  dismissed: boolean;
}

export function createConnection(
  arrival: Arrival,
  rate: TokenBucket,
  at: number,
  reviews: number,
): Connection {
  return {
    arrival,
    rate,
    reviews,
    lane: createLane(),
    handing: 0,
    subscriptions: new Set(),
    isListening: false,
    lastPacketAt: at,
    accounted: false,
    dismissed: false,
  };
}

/** Connections by their Aedes client. */
export class Connections {
  readonly #known = new WeakMap<Client, Connection>();

  add(client: Client, connection: Connection): void {
    this.#known.set(client, connection);
  }

  /** Undefined inside the constructor of a client, and for one that did not come through a listener. */
  of(client: Client): Connection | undefined {
    return this.#known.get(client);
  }

  /** Who and where, for the log. */
  circumstances(client: Client, more: Circumstances = {}): Circumstances {
    const connection = this.of(client);
    return {
      client: connection?.clientId,
      user: connection?.proof?.identity.name,
      address: connection?.arrival.address,
      ...more,
    };
  }
}
