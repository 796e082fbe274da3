/**
 * Runs the workspace's tests on their compiled output; with arguments, only files whose path holds one of them.
 *
 * The list is made from the sources: Node 20 expands no globs, and a compiled test whose source is gone must not run.
 */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { PACKAGES, ROOT } from './sources.ts';

function testsBelow(sources: string, output: string): string[] {
  return readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('dist'))
    .map((file) => join(output, file.replace(/\.ts$/, '.js')));
}

const wanted = process.argv.slice(2);
const files = [
  ...PACKAGES.flatMap((name) => testsBelow(join(ROOT, name, 'src'), join(ROOT, name, 'dist'))),
  ...testsBelow(join(ROOT, 'test'), join(ROOT, 'test/dist')),
]
  .filter((file) => wanted.length === 0 || wanted.some((part) => relative(ROOT, file).includes(part)))
  .sort();

if (files.length === 0) {
  process.stderr.write(`no test file's path holds ${wanted.join(' or ')}\n`);
  process.exit(2);
}

const report = run({ files, concurrency: 2, timeout: 300_000 });
report.on('test:fail', () => {
  process.exitCode = 1;
});
const output = report.compose(new spec());
output.pipe(process.stdout);
await finished(output, { writable: false });
