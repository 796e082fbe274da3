/** The rules of this code base that a machine can check; ARCHITECTURE.md says why each holds. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { code, imports, PACKAGES, ROOT, type Source, sources } from './support/sources.ts';

const all = sources();
/** Tests and examples use a package as its users do. */
const isProduct = ({ path }: Source) =>
  !/\.test(\.support)?\.ts$|test-support|\/examples\/|^test\//.test(path);
const product = all.filter(isProduct);
const below = (directory: string) => product.filter(({ path }) => path.startsWith(directory));

const SDK = '@slowbeat/device-sdk';
const PROTOCOL = '@slowbeat/device-sdk/protocol';
const CORE = '@slowbeat/detector-service/detector';

/** Part → which of our own packages it may import. Inside a package, everything but what `inside` narrows. */
const ALLOWED: readonly { part: string; ours: readonly string[]; inside?: string }[] = [
  { part: 'device-sdk/src/protocol/', ours: [], inside: 'device-sdk/src/protocol/' },
  { part: 'device-sdk/src/', ours: [] },
  { part: 'broker/src/', ours: [PROTOCOL] },
  { part: 'detector-service/src/detector/', ours: [], inside: 'detector-service/src/detector/' },
  { part: 'detector-service/src/', ours: [SDK, PROTOCOL] },
  { part: 'firmware-sim/src/', ours: [SDK, PROTOCOL, CORE] },
];

test('imports point one way: protocol ← device, broker, detector ← simulator ← standalone', () => {
  const wrong = product.flatMap((source) => {
    const rule = ALLOWED.find(({ part }) => source.path.startsWith(part));
    if (rule === undefined) return [];
    const home = `${source.path.split('/src/')[0]}/`;
    return imports(source)
      .filter((target) => {
        if (target.startsWith('@slowbeat/') || target === 'slowbeat') return !rule.ours.includes(target);
        if (/^(\.\.\/|[a-z-]+\/src\/|deploy\/)/.test(target)) return !target.startsWith(rule.inside ?? home);
        return false;
      })
      .map((target) => `${source.path} imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

test('nothing but standalone and tests imports the simulator or the broker', () => {
  const wrong = product
    .filter(({ path }) => !path.startsWith('deploy/standalone/'))
    .flatMap((source) =>
      imports(source)
        .filter((target) => /^@slowbeat\/(firmware-sim|broker)/.test(target))
        .map((target) => `${source.path} imports ${target}`),
    );
  assert.deepEqual(wrong, []);
});

const CLOCK_OR_DICE =
  /\b(Date\.now|new Date\(\)|Math\.random|randomUUID|randomBytes|setTimeout|setInterval|setImmediate|performance\.|process\.(hrtime|env|uptime))/;

test('the detector core reads no clock, throws no dice and knows nothing of the machine', () => {
  for (const source of below('detector-service/src/detector/')) {
    assert.equal(CLOCK_OR_DICE.exec(code(source))?.[0], undefined, source.path);
    const outside = imports(source).filter((target) => !target.startsWith('detector-service/'));
    assert.deepEqual(
      outside.filter((target) => target !== 'node:zlib'),
      [],
      `${source.path}: the core imports itself (and a checksum) only`,
    );
  }
});

test("the device's loop lives on its injected clock, so that virtual time can drive it", () => {
  for (const source of below('device-sdk/src/')) {
    if (/\/(clock|mqtt-transport)\.ts$|\/examples\//.test(source.path)) continue;
    // The injected dice's default, and the device's own setInterval().
    const loop = code(source).replace(/Math\.random(?=[,;)])|setInterval\(interval/g, '');
    assert.equal(CLOCK_OR_DICE.exec(loop)?.[0], undefined, source.path);
  }
});

test('the environment is read by entry points only', () => {
  for (const source of product) {
    if (/\/main\.ts$|\/examples\/|deploy\/standalone\/src\//.test(source.path)) continue;
    assert.doesNotMatch(code(source), /process\.env\b/, source.path);
  }
});

test('files are named for concepts and hold one each', () => {
  for (const { path, text } of product) {
    assert.doesNotMatch(basename(path), /^(utils?|helpers?|types|misc|common)\.ts$/, path);
    const lines = text.split('\n').length;
    assert.ok(lines <= 320, `${path} has ${lines} lines: does it hold one concept?`);
  }
});

test('nothing is left to do in comments, and no test is skipped or singled out', () => {
  for (const { path, text } of all) {
    if (path.endsWith('tidy.test.ts')) continue;
    assert.doesNotMatch(text, /\b(TODO|FIXME|XXX)\b/, path);
    assert.doesNotMatch(text, /\btest\.only\(|only: true/, path);
  }
});

test('dependencies are pinned exactly, and the lock file names no registry', () => {
  for (const directory of ['.', ...PACKAGES]) {
    const manifest = JSON.parse(readFileSync(join(ROOT, directory, 'package.json'), 'utf8'));
    assert.equal(manifest.engines.node, '>=20.19', directory);
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version as string, /^\d+\.\d+\.\d+(-r\.\d+)?$/, `${directory}: ${name}`);
    }
  }
  assert.doesNotMatch(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'), /"resolved": "https?:/);
});
