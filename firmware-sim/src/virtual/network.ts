/** The simulated network: one broker, and a link to it for each device, with weather of its own. */
import type { Clock, Connection, ConnectionEvents, ConnectRequest, Transport } from '@slowbeat/device-sdk';
import type { Way } from '../conditions.ts';
import type { DeviceLink } from '../device-link.ts';
import { refusedConnection } from '../fault-network.ts';
import type { LinkQuality, LinkShare } from '../link-quality.ts';
import type { Random } from '../random.ts';
import { DatagramConnection } from './datagram-connection.ts';
import { StreamConnection } from './stream-connection.ts';
import type { VirtualBroker } from './virtual-broker.ts';
import type { Weather } from './weather.ts';

export interface NetworkCounts {
  /** Connections attempted. */
  opened: number;
  /** Attempts refused because the link was down. */
  refused: number;
}

/** One device's link; it outlives the device's reboots. */
export class VirtualLink implements DeviceLink {
  readonly transport: Transport = { open: (request, events) => this.#open(request, events) };
  readonly clock: Clock;
  readonly broker: VirtualBroker;
  readonly weather: Weather;
  readonly passes = { up: true, down: true };
  readonly #counts: NetworkCounts;
  readonly #streams = new Set<StreamConnection>();
  readonly #datagrams = new Set<DatagramConnection>();
  /** There is no network to connect to, and the device knows. */
  #isGone = false;

  constructor(clock: Clock, broker: VirtualBroker, weather: Weather, counts: NetworkCounts) {
    this.clock = clock;
    this.broker = broker;
    this.weather = weather;
    this.#counts = counts;
  }

  /** @param way packets vanish so; absent, the weather decides whether connections break or packets vanish */
  down(way?: Way): void {
    const vanishes = way !== undefined || this.weather.vanishes();
    this.#isGone = !vanishes;
    this.passes.up = way === 'down';
    this.passes.down = way === 'up';
    for (const stream of [...this.#streams]) vanishes ? stream.lost() : stream.cut();
  }

  up(): void {
    this.#isGone = false;
    this.passes.up = true;
    this.passes.down = true;
    for (const stream of this.#streams) stream.found();
  }

  hang(): void {
    for (const connection of this.#connections()) connection.deafen();
  }

  powerOff(): void {
    for (const datagram of this.#datagrams) datagram.deafen();
    this.#datagrams.clear();
    for (const stream of [...this.#streams]) stream.powerOff(this.weather.vanishes());
  }

  closed(connection: StreamConnection | DatagramConnection): void {
    if (connection instanceof StreamConnection) this.#streams.delete(connection);
    else this.#datagrams.delete(connection);
  }

  #connections(): (StreamConnection | DatagramConnection)[] {
    return [...this.#streams, ...this.#datagrams];
  }

  #open(request: ConnectRequest, events: ConnectionEvents): Connection {
    this.#counts.opened++;
    if (this.weather.quality.carrier === 'datagram') {
      const connection = new DatagramConnection(this, events);
      this.#datagrams.add(connection);
      return connection;
    }
    if (this.#isGone) {
      this.#counts.refused++;
      return refusedConnection(this.clock, events);
    }
    const connection = new StreamConnection(this, request, events);
    this.#streams.add(connection);
    return connection;
  }
}

/** Draws which of its class's qualities a device's link has. */
export function drawQuality(links: readonly LinkShare[], random: Random): LinkQuality {
  const total = links.reduce((sum, { share }) => sum + share, 0);
  let left = random.between(0, total);
  const drawn = links.find(({ share }) => {
    left -= share;
    return left < 0;
  });
  return (drawn ?? (links.at(-1) as LinkShare)).quality;
}
