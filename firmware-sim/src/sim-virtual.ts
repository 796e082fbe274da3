/** `slowbeat sim virtual`: from a person's options to a run in virtual time. */
import type * as z from 'zod';
import { planOptions, requestedRun, runRequestSchema } from './run-request.ts';
import { parseScenario } from './scenario.ts';
import { VirtualRun, type VirtualRunOptions } from './virtual/virtual-run.ts';

export const simVirtualOptionsSchema = runRequestSchema;

export type SimVirtualOptions = z.input<typeof simVirtualOptionsSchema>;

export type SimVirtualHooks = Pick<
  VirtualRunOptions,
  'classes' | 'onTruth' | 'onOutage' | 'onTrace' | 'onTransition'
>;

/**
 * Ready to be stepped through; nothing has happened yet.
 *
 * @throws ZodError for options that do not fit {@link simVirtualOptionsSchema}
 * @throws ScenarioError, SimError
 */
export function simVirtual(options: SimVirtualOptions, hooks: SimVirtualHooks = {}): VirtualRun {
  const record = requestedRun(simVirtualOptionsSchema.parse(options));
  return new VirtualRun(parseScenario(record.scenario), { ...planOptions(record), ...hooks });
}
