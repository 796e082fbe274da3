import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { UsageError } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** One line from stdin; at a terminal it is asked for and not shown. */
export async function readPassword(question: string, { stderr }: Terminal): Promise<string> {
  const isTerminal = process.stdin.isTTY === true;
  if (isTerminal) stderr.write(question);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: isTerminal });
  try {
    for await (const line of lines) return line;
    throw new UsageError('no password came from stdin; write one line, or run it at a terminal');
  } finally {
    lines.close();
    if (isTerminal) stderr.write('\n');
  }
}
