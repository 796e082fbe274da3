/** Which row of the columns is which device's. A row is free again when its device is forgotten. */
import type { DeviceKey } from './device-key.ts';

export class DeviceRows {
  readonly #rows = new Map<string, Map<string, number>>();
  readonly #names: (string | undefined)[] = [];
  readonly #classes: string[] = [];
  readonly #free: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** One past the highest row in use; some below may be free. */
  get end(): number {
    return this.#names.length;
  }

  /** −1 for a device that has no row. */
  find(deviceClass: string, device: string): number {
    return this.#rows.get(deviceClass)?.get(device) ?? -1;
  }

  /** A row for a device that has none. */
  add(deviceClass: string, device: string): number {
    const row = this.#free.pop() ?? this.#names.length;
    this.place(row, deviceClass, device);
    return row;
  }

  /** Gives a device a certain row, as a snapshot had it; rows passed over stay free. */
  place(row: number, deviceClass: string, device: string): void {
    while (this.#names.length < row) this.#free.push(this.#names.push(undefined) - 1);
    let devices = this.#rows.get(deviceClass);
    if (devices === undefined) {
      devices = new Map();
      this.#rows.set(deviceClass, devices);
    }
    devices.set(device, row);
    this.#names[row] = device;
    this.#classes[row] = deviceClass;
    this.#size++;
  }

  remove(row: number): void {
    const device = this.#names[row];
    if (device === undefined) return;
    this.#rows.get(this.#classes[row] as string)?.delete(device);
    this.#names[row] = undefined;
    this.#free.push(row);
    this.#size--;
  }

  has(row: number): boolean {
    return this.#names[row] !== undefined;
  }

  keyOf(row: number): DeviceKey {
    return { deviceClass: this.#classes[row] as string, device: this.#names[row] as string };
  }

  /** Rows in use. Some may be added or removed meanwhile: those not yet passed are seen as they are then. */
  *all(): Generator<number> {
    for (let row = 0; row < this.#names.length; row++) if (this.#names[row] !== undefined) yield row;
  }
}
