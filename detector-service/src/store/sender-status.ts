/** What delivery says about itself. */

export interface SenderStatus {
  /** `idle`: everything is delivered. `waiting`: `problem` says for what, `remedy` what a person could do. */
  readonly state: 'idle' | 'delivering' | 'waiting' | 'stopped';
  readonly problem?: string | undefined;
  readonly remedy?: string | undefined;
  /** How far the server is behind the journal. */
  readonly lagLines: number;
  readonly lagBytes: number;
  readonly deliveredLines: number;
  readonly deadLetters: number;
  /** Lines too damaged to be told apart. */
  readonly damagedLines: number;
  /** Attempts that did not succeed. */
  readonly failures: number;
  /** The latest problem, over or not. */
  readonly lastError?: string | undefined;
}

export interface InfluxSender extends AsyncDisposable {
  status(): SenderStatus;
  /** Resolves when all that was in the journal at the call is delivered (or a dead letter), or on stop. */
  flushed(): Promise<void>;
  /** Ends soon, whatever the server does; what is not acknowledged is sent at the next start. */
  stop(): Promise<void>;
}
