/** A directory for one test, gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function scratch(): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-broker-'));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}
