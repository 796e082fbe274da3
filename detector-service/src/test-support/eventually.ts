/** Waits until `holds` does, checked after every turn of the event loop; fails with what was missing. */
export async function eventually(holds: () => boolean, missing: string, deadlineMs = 10_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${missing}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
