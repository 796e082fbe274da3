/** What goes wrong between the devices and the detector, and is nobody's fault in the fleet. */
import * as z from 'zod';
import {
  durationMs,
  nameText,
  positiveMs,
  probability,
  refuse,
  type Span,
  spanMs,
  unknownName,
} from './scenario-fields.ts';

/** Which direction of a link is lost: nothing gets through, the device's words do not, or the broker's do not. */
export type Way = 'both' | 'up' | 'down';

/** At a set time, or by chance on average once per `everyMs`. */
interface When {
  readonly atMs?: number | undefined;
  readonly everyMs?: number | undefined;
  readonly forMs: Span;
}

/** The broker is gone: every connection ends, none is accepted, and the monitor hears nothing. */
export interface BrokerRestart extends When {
  readonly kind: 'broker-restart';
  /** It publishes everybody's will as it goes, as Aedes does of itself. */
  readonly wills: boolean;
}

/** The broker runs, and the monitor cannot hear it. */
export interface MonitorBlind extends When {
  readonly kind: 'monitor-blind';
  /** The broker keeps what the monitor misses, and hands it over afterwards. */
  readonly backlog: boolean;
}

/** Packets vanish between some devices and the broker; no connection breaks. */
export interface Partition extends When {
  readonly kind: 'partition';
  readonly way: Way;
  /** Part of the devices named by the rest that is struck. */
  readonly share: number;
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  /** By chance at every site, or every gateway, on its own. */
  readonly each?: 'site' | 'gateway' | undefined;
}

export type NetworkCondition = BrokerRestart | MonitorBlind | Partition;

export const NETWORK_KINDS = [
  'broker-restart',
  'monitor-blind',
  'partition',
] as const satisfies NetworkCondition['kind'][];

const when = { at: durationMs.optional(), every: positiveMs.optional(), for: spanMs };

const conditionSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('broker-restart'), ...when, wills: z.boolean().default(false) }),
    z.strictObject({ kind: z.literal('monitor-blind'), ...when, backlog: z.boolean().default(false) }),
    z.strictObject({
      kind: z.literal('partition'),
      ...when,
      way: z.enum(['both', 'up', 'down']).default('both'),
      share: probability.default(1),
      site: nameText.optional(),
      gateway: nameText.optional(),
      each: z.enum(['site', 'gateway']).optional(),
    }),
  ])
  .superRefine((condition, context) => {
    if ((condition.at === undefined) === (condition.every === undefined)) {
      refuse(context, ['at'], 'takes either at or every');
    }
    if (condition.kind !== 'partition' || condition.each === undefined) return;
    if (condition.every === undefined) refuse(context, ['each'], 'goes with every');
    if (condition.site !== undefined || condition.gateway !== undefined) {
      refuse(context, ['each'], 'goes without site and gateway');
    }
  })
  .transform(
    ({ at, every, for: forMs, ...rest }): NetworkCondition => ({
      ...rest,
      forMs,
      ...(at !== undefined && { atMs: at }),
      ...(every !== undefined && { everyMs: every }),
    }),
  );

export const networkSchema = z.array(conditionSchema).default([]);

/** Refuses places that do not exist. */
export function checkConditions(
  conditions: readonly NetworkCondition[],
  sites: Readonly<Record<string, readonly string[]>>,
  context: z.RefinementCtx,
): void {
  const gateways = Object.values(sites).flat();
  conditions.forEach((condition, i) => {
    if (condition.kind !== 'partition') return;
    const { site, gateway } = condition;
    if (site !== undefined && !Object.hasOwn(sites, site)) {
      refuse(context, ['network', i, 'site'], unknownName('site', site, sites));
    }
    if (gateway !== undefined && !gateways.includes(gateway)) {
      const known = gateways.join(', ') || 'none';
      refuse(context, ['network', i, 'gateway'], `no gateway "${gateway}"; there are: ${known}`);
    }
  });
}
