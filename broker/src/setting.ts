/** Building blocks of the configuration: values whose errors say what came and what would be right. */
import * as z from 'zod';
import { addressList } from './address.ts';

/** A whole number within bounds; the message says what came and what would be right. */
export function whole(min: number, max: number, unit: string) {
  const error = (issue: { input?: unknown }) =>
    `${show(issue.input)} is not a whole number from ${min} to ${max} (${unit}); set one or leave it out`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** An object whose unknown keys are errors that list the known ones. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown ${(issue.keys as string[]).map(show).join(', ')}; known are ${Object.keys(shape).join(', ')}`
        : `${show(issue.input)} is not a section; known keys are ${Object.keys(shape).join(', ')}`,
  });
}

/** A path whose file is read when the broker starts and on `reload()`. */
export function file(what: string) {
  return z
    .string({ error: (issue) => `${show(issue.input)} is not a path; name the file of ${what}` })
    .min(1, { error: `is empty; name the file of ${what}` });
}

export function flag() {
  return z.boolean({ error: (issue) => `${show(issue.input)} is neither true nor false` });
}

/** Addresses and networks, as {@link addressList} takes them. */
export function networks() {
  const entry = z
    .string({ error: (issue) => `${show(issue.input)} is not an address` })
    .refine(isAddressOrNetwork, {
      error: (issue) => `${show(issue.input)} is neither an address nor a network such as 10.0.0.0/8`,
    });
  return z.array(entry, {
    error: (issue) => `${show(issue.input)} is not a list of addresses and networks`,
  });
}

function isAddressOrNetwork(text: string): boolean {
  try {
    addressList([text]);
    return true;
  } catch {
    return false;
  }
}
