/** What all parts of this benchmark share. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function say(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(58)} ${value}\n`);
}

export function perSecond(count: number, seconds: number): string {
  return `${Math.round(count / seconds / 1000).toLocaleString('en')} k/s`;
}

export async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-bench-'));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
