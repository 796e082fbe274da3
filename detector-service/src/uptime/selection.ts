/** What is asked about: which devices, and when. */

/** What devices are meant; every part given has to fit. Nothing given means all. */
export interface Selection {
  readonly device?: string | undefined;
  readonly deviceClass?: string | undefined;
  /** Only the time that devices spent at this site counts. */
  readonly site?: string | undefined;
}

export interface DeviceName {
  readonly deviceClass: string;
  readonly device: string;
}

export interface Window {
  /** Epoch milliseconds; `from` belongs to the window and `to` does not. */
  readonly from: number;
  readonly to: number;
}

/** @throws RangeError when the window is no pair of whole, increasing milliseconds. */
export function checkWindow({ from, to }: Window): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from >= to) {
    throw new RangeError(`a window needs whole milliseconds with from < to, not ${from} and ${to}`);
  }
}

export function isSelected(
  point: DeviceName & { readonly site?: string | undefined },
  { device, deviceClass, site }: Selection,
): boolean {
  return (
    (device === undefined || point.device === device) &&
    (deviceClass === undefined || point.deviceClass === deviceClass) &&
    (site === undefined || point.site === site)
  );
}

/** By class, then device, by code units: the same order on every machine, whatever its language. */
export function compareDevices(a: DeviceName, b: DeviceName): number {
  return compare(a.deviceClass, b.deviceClass) || compare(a.device, b.device);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
