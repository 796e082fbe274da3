/** Publishes the wills of clients that were connected to an earlier broker and have not come back. */
import { type AccessRules, decide } from './access.ts';
import type { Distribute, Will } from './aedes-seams.ts';
import { Refusal } from './errors.ts';
import { ANONYMOUS } from './identity.ts';
import { createLane, type Ingest } from './ingest.ts';
import type { Ledger } from './ledger.ts';

export interface OrphanedWillsParts {
  readonly rules: AccessRules;
  readonly ingest: Ingest;
  readonly ledger: Ledger;
  readonly distribute: Distribute;
  readonly now: () => number;
  /** The detector has taken one in. */
  readonly taken: () => void;
}

export class OrphanedWills {
  readonly #parts: OrphanedWillsParts;
  readonly #lane = createLane();

  constructor(parts: OrphanedWillsParts) {
    this.#parts = parts;
  }

  /** `done` is told when the will was taken in and handed over, or refused; with an error when it could not be. */
  publish(clientId: string, will: Will, done: (error?: Error | null) => void): void {
    const { rules, ingest, ledger, distribute, now, taken } = this.#parts;
    const { topic } = will;
    const refuse = ({ reason, message }: Refusal): void => {
      ledger.refuse(reason, { client: clientId, topic, detail: message });
      done();
    };
    const handOver = (): void => distribute(will, done);
    // It was its client's own topic when it came; but what is carried at all may be less since the restart.
    const verdict = decide(ANONYMOUS, 'will', topic, rules);
    if (!verdict.allowed) refuse(new Refusal('will-refused', verdict.reason));
    else if (verdict.kind === undefined) handOver();
    else {
      const message = { topic, payload: will.payload as Buffer, retained: false, receivedAt: now() };
      ingest.take(this.#lane, message, false, (outcome) => {
        if (outcome instanceof Refusal) {
          refuse(outcome);
          return;
        }
        taken();
        handOver();
      });
    }
  }
}
