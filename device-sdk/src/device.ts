/** A device as its program sees it; `createDevice` makes one. */
import type { DeviceEventName, DeviceEvents, Listener } from './events.ts';
import type { StopOptions } from './options.ts';

export interface Device extends AsyncDisposable {
  readonly id: string;
  readonly deviceClass: string;
  readonly generation: number;
  readonly connected: boolean;
  /**
   * Connects and beats until stopped. Returns at once; events tell the rest.
   *
   * @throws DeviceError `stopped` when the device has been stopped: a stopped device stays stopped
   */
  start(): void;
  /**
   * Says goodbye and disconnects. Resolves within `timeout` even when the broker is gone; the event `stopped`
   * tells whether the goodbye arrived. Rejects only for options that cannot be meant, and then nothing is done.
   */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Beats now and plans anew from now; a sleeping device wakes up for it. False when the device is not running, or
   * is persistent and has no connection: the beat would have to wait, and beats never do.
   */
  beatNow(): boolean;
  /**
   * Changes the interval from the next beat on; the beat already announced keeps its time.
   *
   * @throws DeviceError `invalid-option`
   */
  setInterval(interval: number | string): void;
  /** Adds a listener and returns how to remove it. */
  on<Name extends DeviceEventName>(name: Name, listener: Listener<DeviceEvents[Name]>): () => void;
}
