/**
 * What a kept session may still hold. A session outlives connections, restarts and changes of the file of users; the
 * right to hear what it collects need not.
 */
import { type AccessRules, decide } from './access.ts';
import type { Identification } from './identification.ts';
import type { Identity } from './identity.ts';
import type { StoredSubscription } from './session-records.ts';
import type { SessionStore } from './session-store.ts';

export class SessionRights {
  readonly #rules: AccessRules;
  readonly #identification: Identification;
  readonly #store: SessionStore;

  constructor(rules: AccessRules, identification: Identification, store: SessionStore) {
    this.#rules = rules;
    this.#identification = identification;
    this.#store = store;
  }

  /** Judges all sessions by what is known of their owners: at the start, and after every reload. */
  review(): void {
    for (const clientId of this.#store.clientIds()) {
      const owner = this.#identification.ownerOf(clientId);
      if (owner !== 'to-be-proved') this.#judge(clientId, owner);
    }
  }

  /** Judges the session of a client by who it has just proved to be; returns the subscriptions left to it. */
  claim(clientId: string, owner: Identity): readonly StoredSubscription[] {
    this.#judge(clientId, owner);
    return this.#store.subscriptionsOf(clientId);
  }

  /** Who has this client id, by the file of users; undefined for nobody, and for whoever is in no file. */
  ownerOf(clientId: string): Identity | undefined {
    const owner = this.#identification.ownerOf(clientId);
    return owner === 'to-be-proved' ? undefined : owner;
  }

  #judge(clientId: string, owner: Identity | undefined): void {
    const keepsSessions = owner !== undefined && owner.role !== 'device' && owner.role !== 'gateway';
    this.#store.keepOnly(
      clientId,
      (filter) => keepsSessions && decide(owner, 'subscribe', filter, this.#rules).allowed,
    );
  }
}
