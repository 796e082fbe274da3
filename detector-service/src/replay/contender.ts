/** Who takes part in a comparison: a detector's settings under a name. */
import { ALGORITHMS, type Algorithm, type ClassConfig, type GroupKind } from '../detector/index.ts';

export type Classes = Readonly<Record<string, ClassConfig>>;

export interface Contender {
  readonly name: string;
  readonly classes: Classes;
  /** What its devices may be silenced by together; by default everything that the detector knows of. */
  readonly outageGroups?: readonly GroupKind[] | undefined;
}

export function isAlgorithm(name: string): name is Algorithm {
  return (ALGORITHMS as readonly string[]).includes(name);
}

/** The classes judged by one algorithm instead of their own; everything else stays as configured. */
export function withAlgorithm(classes: Classes, algorithm: Algorithm): Contender {
  return { name: algorithm, classes: mapped(classes, (knobs) => ({ ...knobs, algorithm })) };
}

/** The same detector with each class's false-alarm budget multiplied. */
export function withBudget({ name, classes }: Contender, factor: number): Contender {
  const scaled = mapped(classes, (knobs) => ({
    ...knobs,
    falseAlarmsPerDeviceYear: knobs.falseAlarmsPerDeviceYear * factor,
  }));
  return { name: `${name} ×${factor}`, classes: scaled };
}

function mapped(classes: Classes, change: (knobs: ClassConfig) => ClassConfig): Classes {
  return Object.fromEntries(Object.entries(classes).map(([name, knobs]) => [name, change(knobs)]));
}
