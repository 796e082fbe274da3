/** Log lines: JSON for machines, one short line for people at a terminal. */
import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import { printable } from './terminal.ts';

export interface LogOptions {
  readonly level: string;
  /** JSON lines; else text for people. */
  readonly json: boolean;
  readonly stream: NodeJS.WritableStream;
}

/** `auto` is text at a terminal and JSON elsewhere. */
export function wantsJson(format: 'auto' | 'text' | 'json', stream: NodeJS.WriteStream): boolean {
  return format === 'auto' ? stream.isTTY !== true : format === 'json';
}

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

export function createLogger({ level, json, stream }: LogOptions): Logger {
  const destination = json ? stream : forPeople(stream);
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

function forPeople(stream: NodeJS.WritableStream): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      stream.write(`${readable(String(line))}\n`);
      done();
    },
  });
}

/** `10:15:00 warn  message  key=value`, from one of pino's JSON lines. */
export function readable(line: string): string {
  const { level, time, msg, err, ...details } = JSON.parse(line) as Record<string, unknown>;
  const reason = (err as { message?: string } | undefined)?.message;
  const pairs = Object.entries({ ...details, ...(reason !== undefined && { error: reason }) });
  const text = pairs.map(
    ([key, value]) => `${key}=${printable(typeof value === 'string' ? value : JSON.stringify(value))}`,
  );
  const clock = String(time).slice(11, 19);
  return `${clock} ${(LEVELS[Number(level)] ?? '').padEnd(5)} ${[msg, ...text].filter(Boolean).join('  ')}`;
}
