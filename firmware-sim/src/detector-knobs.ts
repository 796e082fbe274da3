/** What a scenario tells the detector of a class: `detector: { reconnect: 5m, falseAlarmsPerDeviceYear: 12 }`. */
import { ALGORITHMS, type ClassConfig } from '@slowbeat/detector-service/detector';
import * as z from 'zod';
import { positiveMs } from './scenario-fields.ts';

export const knobsSchema = z
  .strictObject({
    algorithm: z.enum(ALGORITHMS),
    falseAlarmsPerDeviceYear: z.number().positive(),
    reconnect: positiveMs,
  })
  .partial()
  .transform(({ reconnect, ...rest }): Partial<ClassConfig> => {
    const told = Object.entries({ ...rest, reconnectMs: reconnect });
    return Object.fromEntries(told.filter(([, value]) => value !== undefined));
  });
