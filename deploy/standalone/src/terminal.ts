/** Where a command speaks: data to stdout, messages to stderr, colours only where they are wanted. */
import picocolors from 'picocolors';

type Colors = ReturnType<typeof picocolors.createColors>;

export interface Terminal {
  /** Data: what a script would read. */
  readonly stdout: NodeJS.WriteStream;
  /** Messages to people. */
  readonly stderr: NodeJS.WriteStream;
  /** Colours for stdout; identity functions where there are none. */
  readonly colors: Colors;
  /** True when stdout is a terminal that can be drawn on. */
  readonly interactive: boolean;
}

/** NO_COLOR and FORCE_COLOR (no-color.org, force-color.org) decide before TERM and what stdout is. */
export function wantsColor(env: NodeJS.ProcessEnv, isTTY: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return isTTY && env.TERM !== 'dumb';
}

/** Text that a stranger chose: it shall not paint on somebody's terminal, begin lines of its own or turn them around. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

export function processTerminal(env: NodeJS.ProcessEnv): Terminal {
  const { stdout, stderr } = process;
  // Whoever reads may have seen enough: `slowbeat uptime | head` is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    stdout,
    stderr,
    colors: picocolors.createColors(wantsColor(env, stdout.isTTY === true)),
    interactive: stdout.isTTY === true && env.TERM !== 'dumb',
  };
}
