/** The repository's own files, as the tests about its form see them. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../..');

export const PACKAGES = [
  'device-sdk',
  'broker',
  'detector-service',
  'firmware-sim',
  'deploy/standalone',
] as const;

export interface Source {
  /** Path from the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** TypeScript sources of all packages and of test/. */
export function sources(): Source[] {
  return [...PACKAGES.map((name) => `${name}/src`), 'test', 'detector-service/bench']
    .flatMap(filesBelow)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

function filesBelow(directory: string): string[] {
  try {
    return readdirSync(join(ROOT, directory), { withFileTypes: true }).flatMap((entry) => {
      const path = `${directory}/${entry.name}`;
      if (!entry.isDirectory()) return [path];
      return entry.name === 'dist' || entry.name === 'node_modules' ? [] : filesBelow(path);
    });
  } catch {
    return [];
  }
}

const IMPORT = /^(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm;

/** What a source imports: repository paths for its own files, names for packages, `node:…` for Node. */
export function imports({ path, text }: Source): string[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const specifier = (match[1] ?? match[2]) as string;
    return specifier.startsWith('.') ? posix.join(dirname(path), specifier) : specifier;
  });
}

/** The code without comments, for rules about what it calls. */
export function code({ text }: Source): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}
