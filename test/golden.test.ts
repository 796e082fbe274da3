/** The detector's stories: every script in golden/ gets the answers written below its commands. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { runGolden } from './support/golden.ts';

const directory = resolve(import.meta.dirname, '../golden');

for (const file of readdirSync(directory).filter((name) => name.endsWith('.txt'))) {
  test(`golden: ${file.replace('.txt', '').replaceAll('-', ' ')}`, () => {
    const path = join(directory, file);
    const script = readFileSync(path, 'utf8');
    const answered = runGolden(script);
    if (process.env.SLOWBEAT_REWRITE_GOLDEN === '1') writeFileSync(path, answered);
    else assert.equal(answered, script);
  });
}
