/** Waiting for something that happens, never for time to pass: with a deadline that says what was missing. */
import type { Device } from '../device.ts';
import type { DeviceEventName, DeviceEvents } from '../events.ts';

const DEADLINE_MS = 15_000;

export function within<T>(promise: Promise<T>, what: string, deadlineMs = DEADLINE_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: not within ${deadlineMs} ms`)), deadlineMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Things that arrive one by one, and waiting for the one that fits. */
export class Arrivals<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  add(item: T): void {
    this.all.push(item);
    for (const look of [...this.#waiting]) look();
  }

  /** The first that fits, of those that have come and those that will. */
  first(fits: (item: T) => boolean, what: string): Promise<T> {
    const found = new Promise<T>((resolve) => {
      const look = (): void => {
        const item = this.all.find(fits);
        if (item === undefined) return;
        this.#waiting.delete(look);
        resolve(item);
      };
      this.#waiting.add(look);
      look();
    });
    return within(found, what);
  }
}

export type Told = {
  [Name in DeviceEventName]: { readonly name: Name } & DeviceEvents[Name];
}[DeviceEventName];

const EVENTS: Record<DeviceEventName, true> = {
  connect: true,
  beat: true,
  missed: true,
  offline: true,
  reconnect: true,
  ping: true,
  error: true,
  stopped: true,
};

export const EVENT_NAMES = Object.keys(EVENTS) as readonly DeviceEventName[];

/** Everything a device tells. */
export function told(device: Device): Arrivals<Told> {
  const events = new Arrivals<Told>();
  for (const name of EVENT_NAMES) {
    device.on(name, (event) => events.add({ name, ...event } as Told));
  }
  return events;
}
