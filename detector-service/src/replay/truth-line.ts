/**
 * One line of the truth beside a trace: when a device really died or lived again, or what silenced a whole group.
 *
 *     {"t":1700000000000,"device":"d1","alive":false}
 *     {"t":1700000000000,"gateway":"gw-3","up":false}
 *
 * A device is alive until a line says otherwise. `class` is needed only where two classes have devices of one name.
 * `planned` marks an absence by intent: it counts neither as a death nor as time alive.
 */
import { type FieldRule, FLAG, INSTANT, missing, NAME, parseRecord } from './json-line.ts';
import { LineProblem } from './trace-error.ts';

export interface DeviceTruth {
  readonly at: number;
  readonly device: string;
  readonly deviceClass?: string | undefined;
  readonly alive: boolean;
  readonly planned: boolean;
}

/** Kinds of group that a common cause can silence. */
export const TRUTH_GROUPS = ['gateway', 'site', 'broker'] as const;
export type TruthGroup = (typeof TRUTH_GROUPS)[number];

export interface GroupTruth {
  readonly at: number;
  readonly group: TruthGroup;
  readonly name: string;
  readonly up: boolean;
}

export type TruthLine = DeviceTruth | GroupTruth;

const RULES: ReadonlyMap<string, FieldRule> = new Map([
  ['t', INSTANT],
  ['device', NAME],
  ['class', NAME],
  ['alive', FLAG],
  ['planned', FLAG],
  ['gateway', NAME],
  ['site', NAME],
  ['broker', NAME],
  ['up', FLAG],
]);

export function parseTruthLine(text: string): TruthLine | LineProblem {
  const record = parseRecord(text, RULES);
  if (record instanceof LineProblem) return record;
  const at = (record.t ?? undefined) as number | undefined;
  const device = (record.device ?? undefined) as string | undefined;
  if (at === undefined) return missing('t', INSTANT);
  if (device === undefined) {
    const group = TRUTH_GROUPS.find((kind) => typeof record[kind] === 'string');
    if (group === undefined) return missing('device', NAME);
    if (typeof record.up !== 'boolean') return missing('up', FLAG);
    return { at, group, name: record[group] as string, up: record.up };
  }
  if (typeof record.alive !== 'boolean') return missing('alive', FLAG);
  return {
    at,
    device,
    deviceClass: (record.class ?? undefined) as string | undefined,
    alive: record.alive,
    planned: record.planned === true,
  };
}
