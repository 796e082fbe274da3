/**
 * What a device's way to the broker is like: how long it takes, what it loses, and what it does twice.
 *
 * Qualities have names. A scenario may define its own, `like` another with some values changed; a class takes one
 * of them, or several by weight, of which each device draws one.
 */
import * as z from 'zod';
import { durationMs, nameText, positiveMs, probability } from './scenario-fields.ts';

/** Times of heavy loss between times without (Gilbert 1960, Elliott 1963). */
export interface Bursts {
  /** Mean time from the end of one to the beginning of the next; exponential. */
  readonly everyMs: number;
  /** Mean length. */
  readonly forMs: number;
  /** Probability that a packet within one is lost. */
  readonly loss: number;
  /** Tail index, above 1, of a Pareto length: the smaller, the longer the longest. Absent: exponential. */
  readonly shape?: number | undefined;
}

export interface LinkQuality {
  /**
   * - `stream`: MQTT over TCP from the device to the broker. What is lost is sent again, so that loss is delay and
   *   order is kept; a connection can be half open.
   * - `datagram`: a radio whose gateway speaks MQTT for the device. Its connection is the gateway's and takes no
   *   time; each message travels alone, may be lost for good, overtaken or doubled; there is no last will.
   */
  readonly carrier: 'stream' | 'datagram';
  /** Median one-way delay. */
  readonly delayMs: number;
  /** Standard deviation of the delay's logarithm; 0 makes all delays equal. */
  readonly spread: number;
  /** With this chance a delay is multiplied by a Pareto draw of this tail index. */
  readonly slow: { readonly chance: number; readonly shape: number };
  /** Probability that a packet is lost, independent of all others. */
  readonly loss: number;
  readonly bursts?: Bursts | undefined;
  /** Probability that a message arrives twice. */
  readonly duplicates: number;
  /** Probability that a link or power that is lost breaks no connection: packets vanish, and keepalive must notice. */
  readonly vanish: number;
}

/** A quality and the weight with which a device has it. */
export interface LinkShare {
  readonly share: number;
  readonly quality: LinkQuality;
}

const LAN: LinkQuality = {
  carrier: 'stream',
  delayMs: 2,
  spread: 0.3,
  slow: { chance: 0, shape: 2 },
  loss: 0,
  duplicates: 0,
  vanish: 0,
};

const LPWAN: LinkQuality = {
  carrier: 'datagram',
  delayMs: 1500,
  spread: 1,
  slow: { chance: 0.05, shape: 1.1 },
  loss: 0.05,
  bursts: { everyMs: 86_400_000, forMs: 3_600_000, loss: 0.9, shape: 1.5 },
  duplicates: 0.02,
  vanish: 1,
};

/** Rough figures of each kind of network; the default is `lan`, on which nothing but the story goes wrong. */
export const LINK_QUALITIES = {
  lan: LAN,
  wifi: {
    ...LAN,
    delayMs: 8,
    spread: 0.8,
    slow: { chance: 0.01, shape: 1.5 },
    loss: 0.005,
    bursts: { everyMs: 7_200_000, forMs: 10_000, loss: 0.8 },
    vanish: 0.5,
  },
  cellular: {
    ...LAN,
    delayMs: 120,
    spread: 0.6,
    slow: { chance: 0.02, shape: 1.3 },
    loss: 0.01,
    bursts: { everyMs: 14_400_000, forMs: 45_000, loss: 0.95 },
    vanish: 0.8,
  },
  mesh: {
    ...LPWAN,
    delayMs: 300,
    slow: { chance: 0.02, shape: 1.2 },
    loss: 0.02,
    bursts: { everyMs: 21_600_000, forMs: 300_000, loss: 0.8 },
    duplicates: 0.01,
  },
  lpwan: LPWAN,
  /** An LPWAN device at the edge of what its gateway can hear. */
  edge: { ...LPWAN, loss: 0.7 },
} as const satisfies Record<string, LinkQuality>;

const burstsSchema = z
  .strictObject({ every: positiveMs, for: positiveMs, loss: probability, shape: z.number().gt(1).optional() })
  .transform(({ every, for: forMs, ...rest }): Bursts => ({ everyMs: every, forMs, ...rest }));

const qualitySchema = z
  .strictObject({
    /** The quality to start from. */
    like: z.enum(Object.keys(LINK_QUALITIES) as [keyof typeof LINK_QUALITIES]).default('lan'),
    carrier: z.enum(['stream', 'datagram']),
    delay: durationMs,
    spread: z.number().min(0).max(3),
    slow: z.strictObject({ chance: probability, shape: z.number().positive() }),
    loss: probability,
    bursts: burstsSchema,
    duplicates: probability,
    vanish: probability,
  })
  .partial()
  .transform(({ like = 'lan', delay, ...changed }): LinkQuality => {
    const given = Object.entries({ ...changed, delayMs: delay }).filter(([, value]) => value !== undefined);
    return { ...LINK_QUALITIES[like], ...Object.fromEntries(given) };
  });

/** A scenario's own qualities beside the built-in ones. */
export const linksSchema = z
  .record(nameText, qualitySchema)
  .default({})
  .transform((own): Readonly<Record<string, LinkQuality>> => ({ ...LINK_QUALITIES, ...own }));

/** A quality's name, or several with their weights. */
export const linkSchema = z
  .union([z.string(), z.record(z.string(), z.number().positive())], {
    error: 'must be the name of a link, or names with weights: { lpwan: 3, edge: 1 }',
  })
  .default('lan')
  .transform((link): Readonly<Record<string, number>> => (typeof link === 'string' ? { [link]: 1 } : link))
  .refine((link) => Object.keys(link).length > 0, 'needs a link');

/** @param link names that are known to be among the qualities, with weights */
export function resolveLinks(
  link: Readonly<Record<string, number>>,
  qualities: Readonly<Record<string, LinkQuality>>,
): LinkShare[] {
  return Object.entries(link).map(([name, share]) => ({ share, quality: qualities[name] as LinkQuality }));
}
