/** Many devices in bounded memory: as many as fit, in the order of their names, and the others another time. */
import type { Gathered, Gatherer } from './point-source.ts';
import { compareDevices, type DeviceName } from './selection.ts';

/**
 * The devices behind `after` that fit into memory: when there are too many, the later half by name is given up, and
 * everything behind the last one kept is ignored from then on. Who is kept has all its points, whenever it came.
 */
export class DeviceShare<P extends DeviceName, G extends Gatherer<P>> {
  /** The last device kept; undefined as long as all are. */
  end: DeviceName | undefined;
  readonly #create: () => G;
  readonly #pointsMax: number;
  readonly #after: DeviceName | undefined;
  #devices = new Map<string, Gathered<G>>();
  #weight = 0;

  constructor(create: () => G, pointsMax: number, after: DeviceName | undefined) {
    this.#create = create;
    this.#pointsMax = pointsMax;
    this.#after = after;
  }

  /** @returns who gathers the device; undefined when it has its turn another time. */
  add(point: P): G | undefined {
    const name = `${point.deviceClass}/${point.device}`;
    let device = this.#devices.get(name);
    if (device === undefined) {
      if (this.end !== undefined && compareDevices(point, this.end) > 0) return undefined;
      if (this.#after !== undefined && compareDevices(point, this.#after) <= 0) return undefined;
      device = { ...ownCopy(name), gathered: this.#create() };
      this.#devices.set(name, device);
    }
    this.#weight -= device.gathered.weight;
    device.gathered.add(point);
    this.#weight += device.gathered.weight;
    if (this.#weight > this.#pointsMax && this.#devices.size > 1) this.#giveUpHalf();
    return device.gathered;
  }

  *devices(): Generator<Gathered<G>> {
    for (const device of this.#sorted()) if (!device.gathered.isEmpty) yield device;
  }

  #sorted(): Gathered<G>[] {
    return [...this.#devices.values()].sort(compareDevices);
  }

  #giveUpHalf(): void {
    const sorted = this.#sorted();
    const kept = sorted.slice(0, Math.ceil(sorted.length / 2));
    const { deviceClass, device } = kept.at(-1) as Gathered<G>;
    this.end = { deviceClass, device };
    this.#devices = new Map(kept.map((one) => [`${one.deviceClass}/${one.device}`, one]));
    this.#weight = kept.reduce((sum, { gathered }) => sum + gathered.weight, 0);
  }
}

/** A name cut from a line would keep the whole batch of lines in memory. */
function ownCopy(name: string): DeviceName {
  const copy = Buffer.from(name).toString();
  const slash = copy.indexOf('/');
  return { deviceClass: copy.slice(0, slash), device: copy.slice(slash + 1) };
}
