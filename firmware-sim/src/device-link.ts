/** One device's link as its faults need it; it outlives the device's reboots. */
import type { Transport } from '@slowbeat/device-sdk';
import type { Way } from './conditions.ts';

export interface DeviceLink {
  /** What the device connects through. */
  readonly transport: Transport;
  /**
   * The network goes.
   *
   * @param way told when packets vanish and no connection breaks, if the network can do that
   */
  down(way?: Way): void;
  up(): void;
  /** The firmware hangs: sockets stay open and answer the network, and nothing reaches the program. */
  hang(): void;
  /** Power goes, and there is nobody left to see what becomes of the connections. */
  powerOff(): void;
}
