/** A YAML file whose every value can be pointed at: `slowbeat.yaml:14:15`. */
import { readFile } from 'node:fs/promises';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { UsageError } from '../exit-codes.ts';

export interface YamlFile {
  readonly name: string;
  readonly value: unknown;
  /** `name:line:column` of the value at a key path, or of the nearest thing above it that exists. */
  locate(path: readonly PropertyKey[]): string;
  /** The same for the key itself: for keys that should not be there. */
  locateKey(path: readonly PropertyKey[], key: string): string;
}

/** Reads and parses; undefined when there is no such file. Throws {@link UsageError} naming line and column. */
export async function readYamlFile(name: string): Promise<YamlFile | undefined> {
  let text: string;
  try {
    text = await readFile(name, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new UsageError(`${name} cannot be read: ${message}`, error);
  }
  return parseYaml(name, text);
}

export function parseYaml(name: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const [broken] = document.errors;
  if (broken) throw new UsageError(`${at(broken.pos[0])}: no valid YAML: ${broken.message}`);
  return {
    name,
    value: plainValue(document, name),
    locate: (path) => at(offsetOf(document, path)),
    locateKey(path, key) {
      const map = path.length === 0 ? document.contents : document.getIn(path, true);
      const pair = isMap(map) && map.items.find((item) => isScalar(item.key) && item.key.value === key);
      return at((pair && isScalar(pair.key) && pair.key.range?.[0]) || offsetOf(document, path));
    },
  };
}

function plainValue(document: Document, name: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new UsageError(`${name}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number] } | undefined;
    if (node?.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}
