import type { DeviceEventName, DeviceEvents, Listener } from './events.ts';
import type { DeviceOptions } from './options.ts';

export interface StopOptions {
  /** It sleeps for so long and beats again at its wake-up; milliseconds or text such as `8h`. */
  readonly sleepFor?: number | string;
  /** It is under maintenance for at most so long. */
  readonly maintenanceFor?: number | string;
  /** It leaves for good and is removed from the registry. */
  readonly retire?: boolean;
  /** `stop()` resolves within this time whatever the network does; default 5 s. */
  readonly timeout?: number | string;
}

export interface Device extends AsyncDisposable {
  readonly id: string;
  readonly deviceClass: string;
  readonly generation: number;
  readonly connected: boolean;
  /** Connects and beats until stopped. Returns at once; events tell the rest. */
  start(): void;
  /** Says goodbye and disconnects. Always resolves within `timeout`, even when the broker is gone. */
  stop(options?: StopOptions): Promise<void>;
  /** Beats now and plans anew from now. False when there is no connection to beat on. */
  beatNow(): boolean;
  /** Changes the interval from the next beat on; the beat already announced keeps its time. */
  setInterval(interval: number | string): void;
  /** Adds a listener and returns how to remove it. */
  on<Name extends DeviceEventName>(name: Name, listener: Listener<DeviceEvents[Name]>): () => void;
}

export declare function createDevice(options: DeviceOptions): Device;
