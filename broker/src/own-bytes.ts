/**
 * A copy that keeps nothing else in memory. What comes from the wire is a view of all that was read with it, and the
 * small buffers that Node makes share slabs of 8 KiB.
 */
export function ownBytes(bytes: Uint8Array): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}
