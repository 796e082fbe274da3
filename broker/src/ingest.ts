/** A message of a device on its way into the detector. */
export interface TappedMessage {
  readonly topic: string;
  /** May be a view into a larger buffer: decode or copy it, do not keep it. */
  readonly payload: Uint8Array;
  /** Always false: a live publish is never a retained copy. */
  readonly retained: boolean;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}

/** Resolves once the message is taken in; the PUBACK waits for it. A rejection or throw means no PUBACK. */
export type Tap = (message: TappedMessage) => void | Promise<void>;
