import type { Terminal } from './terminal.ts';

/** The outside world of a command: handed down from `main`, so that nothing below reaches for globals. */
export interface Context {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
}
