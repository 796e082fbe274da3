/**
 * A block of lines at the end of the terminal that is drawn over itself.
 *
 * No alternate screen: what was shown last stays when the demo ends. Redrawn at most four times a second, and only
 * when something has changed.
 */
import type { Terminal } from '../terminal.ts';

const REDRAW_MS = 250;
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_LINE = '\u001b[2K';
const CLEAR_BELOW = '\u001b[0J';
const ESCAPE = '\u001b';
const COLOR = new RegExp(`(${ESCAPE}\\[[0-9;]*m)`);

export class LiveView implements Disposable {
  readonly #terminal: Terminal;
  readonly #lines: () => readonly string[];
  readonly #timer: NodeJS.Timeout;
  #height = 0;
  #shown = '';

  /** Also when the process is forced to end in the middle. */
  readonly #showCursor = (): void => void this.#terminal.stdout.write(SHOW_CURSOR);

  /** `lines` is asked for what to show, four times a second. */
  constructor(terminal: Terminal, lines: () => readonly string[]) {
    this.#terminal = terminal;
    this.#lines = lines;
    terminal.stdout.write(HIDE_CURSOR);
    process.once('exit', this.#showCursor);
    this.#timer = setInterval(() => this.draw(), REDRAW_MS);
  }

  draw(): void {
    // A terminal that does not know its size says 0.
    const { stdout } = this.#terminal;
    const [columns, rows] = [stdout.columns || 80, stdout.rows || 24];
    const lines = this.#lines()
      .slice(0, rows - 1)
      .map((line) => clipped(line, columns - 1));
    const block = lines.map((line) => `${CLEAR_LINE}${line}\n`).join('');
    if (block === this.#shown) return;
    const up = this.#height > 0 ? `\u001b[${this.#height}A` : '';
    this.#terminal.stdout.write(`${up}${block}${CLEAR_BELOW}`);
    this.#height = lines.length;
    this.#shown = block;
  }

  /** Leaves what is shown last, and the cursor as it was. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    process.removeListener('exit', this.#showCursor);
    this.#showCursor();
  }
}

/** Cuts a line to a width in which colours take no room. */
export function clipped(line: string, width: number): string {
  let seen = 0;
  let kept = '';
  for (const part of line.split(COLOR)) {
    const isColor = part.startsWith(ESCAPE);
    if (!isColor && seen + part.length > width) return `${kept}${part.slice(0, width - seen)}${ESCAPE}[0m`;
    if (!isColor) seen += part.length;
    kept += part;
  }
  return line;
}
