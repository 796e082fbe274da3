/**
 * A scenario: which devices there are, where they hang, and what goes wrong with them.
 *
 * What people write (names as in the README, durations as text, YAML or JSON) is checked here once and becomes a
 * plain value in milliseconds; nothing behind this file checks again.
 */
import type { ClassConfig } from '@slowbeat/detector-service/detector';
import * as z from 'zod';
import { type ClockError, clockSchema, PERFECT_CLOCK } from './clock-error.ts';
import { checkConditions, type NetworkCondition, networkSchema } from './conditions.ts';
import { knobsSchema } from './detector-knobs.ts';
import { type LinkShare, linkSchema, linksSchema, resolveLinks } from './link-quality.ts';
import {
  durationMs,
  nameText,
  positiveMs,
  refuse,
  type Span,
  spanMs,
  unknownName,
} from './scenario-fields.ts';

/**
 * What can happen to one device.
 *
 * - `crash`: power is lost; the socket breaks without goodbye. Back after `for` as a new generation, or never.
 * - `reboot`: the same, and over within a second unless `for` says otherwise.
 * - `hang`: the firmware stops, the network stack keeps the socket open. The watchdog reboots it after `for`.
 * - `sleep`: it announces `for`, leaves and wakes as announced; with the probability `oversleep` it never wakes,
 *   or only `deadFor` later.
 * - `maintenance`: it announces at most `for` and is back by then.
 * - `stop`: it says goodbye without a return, and starts again after `for`, or never.
 * - `retire`: it leaves for good.
 * - `link-loss`: the device runs on, its network is gone for `for`.
 * - `flapping`: `times` link losses of `for` with `pause` between them.
 */
export type FaultKind = keyof typeof FAULT_FIELDS;

export interface Fault {
  readonly kind: FaultKind;
  /** How long it lasts; absent: for good. */
  readonly forMs?: Span | undefined;
  readonly oversleep?: number | undefined;
  readonly deadForMs?: Span | undefined;
  readonly times?: number | undefined;
  readonly pauseMs?: Span | undefined;
}

/** A fault that comes by chance: per device, on average once per `everyMs`. */
export interface RandomFault extends Fault {
  readonly everyMs: number;
}

/** A fault at a set time, of `count` devices of a class, and of a site if named, drawn by the seed. */
export interface ScriptedFault extends Fault {
  readonly atMs: number;
  readonly deviceClass: string;
  readonly site?: string | undefined;
  readonly count: number;
}

/** Every device of a gateway loses its link at the same instant. */
export interface GatewayDrop {
  readonly gateway: string;
  readonly atMs: number;
  readonly forMs: Span;
}

export interface DeviceClass {
  /** Weight with which the class takes part in the fleet. */
  readonly share: number;
  readonly intervalMs: number;
  /** Half width of the uniform jitter as a fraction of the interval. */
  readonly jitter: number;
  /** `persistent` keeps its connection; `per-beat` connects, beats, leaves and sleeps until the next beat. */
  readonly connection: 'persistent' | 'per-beat';
  readonly qos: 0 | 1;
  readonly encoding: 'json' | 'cbor';
  /** Sites the class is spread over, in turn. */
  readonly sites: readonly string[];
  readonly faults: readonly RandomFault[];
  /** What its devices' links are like; each device draws one. Virtual time only. */
  readonly links: readonly LinkShare[];
  /** How wrong its devices' clocks go. Virtual time only. */
  readonly clock: ClockError;
  /** What the detector is told of the class beside its interval. Virtual time only. */
  readonly detector: Partial<ClassConfig>;
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly devices: number;
  readonly durationMs: number;
  /** At the end, a time in which nothing more goes wrong by chance. */
  readonly quietMs: number;
  /** Site → its gateways. */
  readonly sites: Readonly<Record<string, readonly string[]>>;
  readonly classes: Readonly<Record<string, DeviceClass>>;
  /** Chance drops: each gateway, on average once per `everyMs`. */
  readonly gatewayFaults?: { readonly everyMs: number; readonly forMs: Span } | undefined;
  readonly timeline: readonly ScriptedFault[];
  readonly gatewayDrops: readonly GatewayDrop[];
  readonly network: readonly NetworkCondition[];
}

/** What a person writes: durations as text, everything else as in {@link Scenario}. */
export type ScenarioInput = z.input<typeof scenarioSchema>;

/** A scenario file that cannot be used; the message has one line per mistake, each with its path. */
export class ScenarioError extends Error {
  readonly code = 'invalid-scenario';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(['the scenario cannot be used:', ...mistakes.map((mistake) => `  ${mistake}`)].join('\n'));
    this.name = 'ScenarioError';
    this.mistakes = mistakes;
  }
}

export const DEVICES_MAX = 100_000;

/** What each kind needs and may have besides. */
const FAULT_FIELDS = {
  crash: { needs: [], takes: ['for'] },
  reboot: { needs: [], takes: ['for'] },
  hang: { needs: [], takes: ['for'] },
  sleep: { needs: ['for'], takes: ['oversleep', 'deadFor'] },
  maintenance: { needs: ['for'], takes: [] },
  stop: { needs: [], takes: ['for'] },
  retire: { needs: [], takes: [] },
  'link-loss': { needs: ['for'], takes: [] },
  flapping: { needs: ['for', 'times', 'pause'], takes: [] },
} as const satisfies Record<string, { needs: readonly FaultField[]; takes: readonly FaultField[] }>;

type FaultField = 'for' | 'oversleep' | 'deadFor' | 'times' | 'pause';

export const FAULT_KINDS = Object.keys(FAULT_FIELDS) as FaultKind[];

/** A device's quick reboot takes about this long unless the scenario says otherwise. */
const REBOOT_MS: Span = [300, 1000];

const faultFields = {
  kind: z.enum(FAULT_KINDS, { error: `must be one of ${FAULT_KINDS.join(', ')}` }),
  for: spanMs.optional(),
  oversleep: z.number().min(0).max(1).optional(),
  deadFor: spanMs.optional(),
  times: z.int().min(1).max(1000).optional(),
  pause: spanMs.optional(),
};

type FaultInput = z.output<z.ZodObject<typeof faultFields>>;

function checkFields(fault: FaultInput, context: z.RefinementCtx): void {
  const { needs, takes } = FAULT_FIELDS[fault.kind];
  const allowed: readonly FaultField[] = [...needs, ...takes];
  for (const field of needs) {
    if (fault[field] === undefined) refuse(context, [field], `a ${fault.kind} needs it`);
  }
  for (const field of ['for', 'oversleep', 'deadFor', 'times', 'pause'] as const) {
    if (fault[field] !== undefined && !allowed.includes(field)) {
      refuse(context, [field], `a ${fault.kind} does not take it`);
    }
  }
}

function faultOf(fault: FaultInput): Fault {
  const { kind, oversleep, times } = fault;
  const forMs = fault.for ?? (kind === 'reboot' ? REBOOT_MS : undefined);
  return { kind, forMs, oversleep, deadForMs: fault.deadFor, times, pauseMs: fault.pause };
}

const randomFaultSchema = z
  .strictObject({ ...faultFields, every: positiveMs })
  .superRefine(checkFields)
  .transform((fault): RandomFault => ({ ...faultOf(fault), everyMs: fault.every }));

const scriptedFaultSchema = z
  .strictObject({
    ...faultFields,
    at: durationMs,
    class: nameText,
    site: nameText.optional(),
    count: z.int().min(1).default(1),
  })
  .superRefine(checkFields)
  .transform(
    (fault): ScriptedFault => ({
      ...faultOf(fault),
      atMs: fault.at,
      deviceClass: fault.class,
      site: fault.site,
      count: fault.count,
    }),
  );

const gatewayDropSchema = z
  .strictObject({ gateway: nameText, at: durationMs, for: spanMs })
  .transform((drop): GatewayDrop => ({ gateway: drop.gateway, atMs: drop.at, forMs: drop.for }));

const deviceClassSchema = z
  .strictObject({
    share: z.number().positive().default(1),
    interval: positiveMs,
    jitter: z.number().min(0).max(0.5).default(0.1),
    connection: z.enum(['persistent', 'per-beat']).default('persistent'),
    qos: z.union([z.literal(0), z.literal(1)]).default(1),
    encoding: z.enum(['json', 'cbor']).default('json'),
    sites: z.array(nameText).min(1).optional(),
    faults: z.array(randomFaultSchema).default([]),
    link: linkSchema,
    clock: clockSchema.default(PERFECT_CLOCK),
    detector: knobsSchema.default({}),
  })
  .transform(({ interval, ...rest }) => ({ ...rest, intervalMs: interval }));

export const scenarioSchema = z
  .strictObject({
    name: nameText,
    description: z.string().default(''),
    devices: z.int().min(1).max(DEVICES_MAX).default(20),
    duration: positiveMs.default(60_000),
    quiet: durationMs.default(0),
    sites: z.record(nameText, z.array(nameText)).default({}),
    classes: z
      .record(nameText, deviceClassSchema)
      .refine((classes) => Object.keys(classes).length > 0, 'needs a class'),
    gatewayFaults: z
      .strictObject({ every: positiveMs, for: spanMs })
      .transform((faults) => ({ everyMs: faults.every, forMs: faults.for }))
      .optional(),
    timeline: z.array(scriptedFaultSchema).default([]),
    gatewayDrops: z.array(gatewayDropSchema).default([]),
    links: linksSchema,
    network: networkSchema,
  })
  .superRefine((scenario, context) => {
    const gateways = Object.values(scenario.sites).flat();
    scenario.timeline.forEach(({ deviceClass, site }, i) => {
      if (!Object.hasOwn(scenario.classes, deviceClass)) {
        refuse(context, ['timeline', i, 'class'], unknownName('class', deviceClass, scenario.classes));
      }
      if (site !== undefined && !Object.hasOwn(scenario.sites, site)) {
        refuse(context, ['timeline', i, 'site'], unknownName('site', site, scenario.sites));
      }
    });
    scenario.gatewayDrops.forEach((drop, i) => {
      if (gateways.includes(drop.gateway)) return;
      const known = gateways.join(', ') || 'none';
      refuse(context, ['gatewayDrops', i, 'gateway'], `no gateway "${drop.gateway}"; there are: ${known}`);
    });
    checkConditions(scenario.network, scenario.sites, context);
    for (const [deviceClass, { sites, link }] of Object.entries(scenario.classes)) {
      for (const name of Object.keys(link)) {
        if (Object.hasOwn(scenario.links, name)) continue;
        refuse(context, ['classes', deviceClass, 'link'], unknownName('link', name, scenario.links));
      }
      sites?.forEach((site, i) => {
        if (Object.hasOwn(scenario.sites, site)) return;
        refuse(context, ['classes', deviceClass, 'sites', i], unknownName('site', site, scenario.sites));
      });
    }
    if (new Set(gateways).size < gateways.length) {
      refuse(context, ['sites'], 'a gateway stands at one site only');
    }
  })
  .transform(({ duration, quiet, classes, links, ...rest }): Scenario => {
    const everywhere = Object.keys(rest.sites);
    const spread = Object.entries(classes).map(
      ([deviceClass, { sites, link, ...knobs }]) =>
        [deviceClass, { ...knobs, sites: sites ?? everywhere, links: resolveLinks(link, links) }] as const,
    );
    return { ...rest, durationMs: duration, quietMs: quiet, classes: Object.fromEntries(spread) };
  });

/**
 * Checks what a person wrote.
 * @throws ScenarioError with every mistake and where it is
 */
export function parseScenario(input: unknown): Scenario {
  const checked = scenarioSchema.safeParse(input);
  if (checked.success) return checked.data;
  throw new ScenarioError(checked.error.issues.map(issueText));
}

/** One line for one mistake, with its path. */
export function issueText(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const message =
    issue.code === 'invalid_key' ? `${issue.issues[0]?.message ?? issue.message}` : issue.message;
  return path === '' ? message : `${path.replace(/^\./, '')}: ${message}`;
}
