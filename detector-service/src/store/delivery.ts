/**
 * Getting one batch of lines settled: every line is with the server, or in the dead letters with the server's
 * reason. Halving finds the lines a server objects to; those around them are sent again, byte for byte, which
 * changes nothing on a server that has them.
 */
import type { DeadLetter } from './dead-letters.ts';
import type { WriteOutcome } from './influx-writer.ts';

export interface DeliveryResult {
  readonly written: number;
  readonly deadLetters: readonly DeadLetter[];
  /** Set when nothing in the batch was taken, and not for what its lines hold: the request itself is at fault. */
  readonly refusedAll?: string | undefined;
  /** Lines of the largest request that was not too large, if any was. */
  readonly linesMax?: number | undefined;
}

/** So many lines refused one by one for no reason of theirs, and none accepted, are proof enough. */
const DOUBTFUL_MAX = 3;

/**
 * Line protocol of ours holds no control characters; a line that does was damaged on the disk. It must not be sent:
 * InfluxDB 1.x repeats it in a header of its refusal, which then is no valid HTTP any more and no answer at all.
 */
const DAMAGED = /[^\P{Cc}\n]/u;

type Judged = WriteOutcome & { kind: 'written' | 'rejected' | 'too-large' };
type Write = (lines: string) => Promise<Judged>;

/** @param write sends a part of the batch, again and again until the server has judged it. */
export async function settle(batch: string, write: Write): Promise<DeliveryResult> {
  if (DAMAGED.test(batch)) return settleLines(batch.split('\n'), write);
  // Nearly always the server takes it all, and nobody has to look at the lines.
  const outcome = await write(batch);
  const lines = batch.split('\n');
  if (outcome.kind === 'written') return { written: lines.length, deadLetters: [] };
  return settleLines(lines, write, outcome);
}

/** @param said what the server said about all lines, when it was asked already */
async function settleLines(lines: readonly string[], write: Write, said?: Judged): Promise<DeliveryResult> {
  const sound = lines.filter((line) => !DAMAGED.test(line));
  const parts: (readonly string[])[] = sound.length > 0 ? [sound] : [];
  const deadLetters: DeadLetter[] = lines
    .filter((line) => DAMAGED.test(line))
    .map((line) => ({ reason: 'damaged in the journal: control characters', line }));
  const doubtful: DeadLetter[] = [];
  let written = 0;
  let linesMax: number | undefined;
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const outcome = part === sound && said !== undefined ? said : await write(part.join('\n'));
    if (outcome.kind === 'written') {
      written += part.length;
      continue;
    }
    const isTooLarge = outcome.kind === 'too-large';
    if (part.length > 1 && (isTooLarge || !outcome.all)) {
      const half = part.length >> 1;
      if (isTooLarge) linesMax = half;
      parts.push(part.slice(half), part.slice(0, half));
      continue;
    }
    const reason = isTooLarge ? '413: too large even alone' : outcome.reason;
    const isProven = isTooLarge || outcome.isAboutContent;
    for (const line of part) (isProven ? deadLetters : doubtful).push({ reason, line });
    if (written === 0 && doubtful.length >= DOUBTFUL_MAX) break;
  }
  const [first] = doubtful;
  if (written === 0 && first !== undefined)
    return { written, deadLetters, refusedAll: first.reason, linesMax };
  return { written, deadLetters: [...deadLetters, ...doubtful], linesMax };
}
