/** The class file of a replay: `{"classes":{"meter":{"interval":"15m","falseAlarmsPerDeviceYear":1}}}`. */
import * as z from 'zod';
import { classesSchema } from '../class-settings.ts';

/** Other keys are left to others, so that a service's whole settings file will do. */
export const classFileSchema = z.looseObject({ classes: classesSchema });
