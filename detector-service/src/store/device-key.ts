/** Who a series is about: a device's identity is its name within its class. */
export interface DeviceKey {
  readonly deviceClass: string;
  readonly device: string;
}
