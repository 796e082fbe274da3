/** Finds one's way in a zod schema: which keys exist where, and what a text given for one of them means. */
import { parse } from 'yaml';
import type * as z from 'zod';

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly options?: readonly z.ZodType[];
  /** The key by whose value one of the options is chosen. */
  readonly discriminator?: string;
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

/** The keys of an object schema and what they hold; of a choice between objects, the keys of all. */
function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const { shape, options = [], discriminator } = definition(written(schema));
  return discriminator === undefined ? shape : Object.assign({}, ...options.map(shapeOf));
}

/** The keys an object schema knows; none for everything else. */
export function knownKeys(schema: z.ZodType): string[] {
  return Object.keys(shapeOf(schema) ?? {});
}

/** The schema that a key path leads to; undefined when it leads nowhere. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let here: z.ZodType | undefined = schema;
  for (const key of path) {
    if (here === undefined) return undefined;
    const shape = shapeOf(here);
    if (shape === undefined) here = definition(written(here)).valueType;
    else here = Object.hasOwn(shape, key) ? shape[String(key)] : undefined;
  }
  return here;
}

/** Every key path that leads to a value: objects are descended into, maps and lists are values. */
export function valuePaths(schema: z.ZodType, below: readonly string[] = []): (readonly string[])[] {
  const shape = shapeOf(schema);
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
