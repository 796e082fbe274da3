/**
 * Finds client ids that several clients share.
 *
 * Each connection throws out the one before it, so the two take turns for ever and both look flaky. One device
 * on a bad link also takes over from its own lost connection, but far less often.
 */
const WINDOW_MS = 120_000;
const TAKEOVERS_SUSPICIOUS = 4;
const IDS_MAX = 1_000;

interface Takeovers {
  count: number;
  since: number;
  readonly addresses: Set<string>;
  told: boolean;
}

export interface DuplicateId {
  readonly takeovers: number;
  readonly withinMs: number;
  readonly addresses: readonly string[];
}

export class Duplicates {
  readonly #ids = new Map<string, Takeovers>();

  /** Notes a takeover; tells once per window when the id looks shared. */
  note(clientId: string, addresses: readonly string[], at: number): DuplicateId | undefined {
    let takeovers = this.#ids.get(clientId);
    if (takeovers === undefined || at - takeovers.since > WINDOW_MS) {
      takeovers = { count: 0, since: at, addresses: new Set(), told: false };
    }
    this.#ids.delete(clientId); // the id seen last is forgotten last
    this.#ids.set(clientId, takeovers);
    if (this.#ids.size > IDS_MAX) {
      const [oldest] = this.#ids.keys();
      if (oldest !== undefined) this.#ids.delete(oldest);
    }
    takeovers.count += 1;
    for (const address of addresses) if (takeovers.addresses.size < 8) takeovers.addresses.add(address);
    if (takeovers.told || takeovers.count < TAKEOVERS_SUSPICIOUS) return undefined;
    takeovers.told = true;
    return {
      takeovers: takeovers.count,
      withinMs: at - takeovers.since,
      addresses: [...takeovers.addresses],
    };
  }
}
