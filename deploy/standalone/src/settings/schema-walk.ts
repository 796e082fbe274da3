/** Finds one's way in a zod schema: which keys exist where, and what a text given for one of them means. */
import { parse } from 'yaml';
import type * as z from 'zod';

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
}

function definition(schema: z.ZodType): Definition {
  return schema.def as unknown as Definition;
}

/** The schema under defaults, options and transforms: the shape that is written down. */
function written(schema: z.ZodType): z.ZodType {
  const { innerType, in: input, type } = definition(schema);
  if (type === 'pipe' && input) return written(input);
  return innerType ? written(innerType) : schema;
}

/** The keys an object schema knows; none for everything else. */
export function knownKeys(schema: z.ZodType): string[] {
  return Object.keys(definition(written(schema)).shape ?? {});
}

/** The schema that a key path leads to; undefined when it leads nowhere. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let here: z.ZodType | undefined = schema;
  for (const key of path) {
    if (here === undefined) return undefined;
    const { shape, valueType } = definition(written(here));
    here = shape ? (Object.hasOwn(shape, key) ? shape[String(key)] : undefined) : valueType;
  }
  return here;
}

/** Every key path that leads to a value: objects are descended into, maps and lists are values. */
export function valuePaths(schema: z.ZodType, below: readonly string[] = []): (readonly string[])[] {
  const { shape } = definition(written(schema));
  if (shape === undefined) return [below];
  return Object.entries(shape).flatMap(([key, inner]) => valuePaths(inner, [...below, key]));
}

/** Reads a text given on the command line or in a variable: as it is where text is meant, else as YAML. */
export function readText(schema: z.ZodType | undefined, text: string): unknown {
  const type = schema && definition(written(schema)).type;
  if (type === 'string' || type === 'enum') return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}
