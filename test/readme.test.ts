/** What the README tells people to type works as it stands, but for ports and paths that a test must choose. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { classSchema, detectorConfigSchema } from '@slowbeat/detector-service';
import { skipWithout } from '@slowbeat/test-servers';
import { type Monitor, Running, scratch, slowbeat, startMonitor } from './support/processes.ts';
import { PACKAGES, ROOT } from './support/sources.ts';

const PAGES = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].concat(
  PACKAGES.map((name) => `${name}/README.md`),
  'device-sdk/PROTOCOL.md',
  'broker/OTHER-BROKERS.md',
  'detector-service/QUERIES.md',
  'detector-service/REPLAY.md',
  'detector-service/SERIES.md',
  'deploy/grafana/README.md',
);
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const blocks = (page: string, language: string) =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, text]) => text as string,
  );
const commands = blocks('README.md', 'sh').flatMap((block) => block.trim().split('\n'));

test('every page there should be is there, and every link between pages leads somewhere', () => {
  for (const page of PAGES) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(ROOT, dirname(page), target as string)), `${page} links to ${target}`);
    }
  }
});

test('every npm script that a page names exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const page of PAGES) {
    for (const [, name] of read(page).matchAll(/npm run (?:--silent )?([a-z][a-z:-]*)/g)) {
      assert.ok(scripts[name as string], `${page} names npm run ${name}`);
    }
  }
});

/** Runs one line of the README at the ports and paths of this test. */
async function run(
  line: string,
  monitor: Monitor,
  directory: string,
): Promise<{ code: number | null; stdout: string }> {
  const { port } = new URL(monitor.url);
  const here = line
    .replace('-p 1883', `-p ${port}`)
    .replace('http://127.0.0.1:8080', monitor.http)
    .replace('sim live ', `sim live -p ${port} --record ${directory}/run.json `)
    .replace('--truth ', `--truth ${directory}/`)
    .replace('--devices 200', '--devices 20')
    .replace('--for 30s', '--for 3s')
    .replace('npm run', `npm run --prefix ${ROOT}`);
  const command = `cd ${directory} && ${here}`;
  await using process = new Running('bash', ['-c', command], {
    SLOWBEAT_DATA_DIRECTORY: directory,
    HOME: directory,
  });
  const code = await process.closed();
  if (code !== 0) throw new Error(`${line} ended with ${code}: ${process.stderr}`);
  return { code, stdout: process.stdout };
}

test('the commands below npm start do what the README says', {
  skip: skipWithout('mosquitto_pub'),
}, async () => {
  await using directory = await scratch();
  await using monitor = await startMonitor(
    { dataDirectory: directory.path },
    { command: ['start', '--config', join(ROOT, 'slowbeat.yaml')] },
  );
  const printed = new Map<string, string>();
  for (const line of commands.filter((text) => /^(mosquitto_|curl|npm run --silent slowbeat)/.test(text))) {
    printed.set(line, (await run(line, monitor, directory.path)).stdout);
  }
  const output = (start: string) => [...printed].find(([line]) => line.startsWith(start))?.[1] ?? '';
  assert.match(output('mosquitto_sub'), /"state":"alive"/);
  assert.match(output('curl'), /"device":"my-device".*"deadAt":\d+/);
  assert.match(output('npm run --silent slowbeat -- uptime'), /meter +my-device +100\.000 %/);
  assert.match(output('npm run --silent slowbeat -- sim scenarios'), /flaky-links/);
  assert.match(readFileSync(join(directory.path, 'truth.ndjson'), 'utf8'), /"alive":true/);
});

test('every command is in its README', async () => {
  const commandsBelow = async (...command: string[]) => {
    await using process = slowbeat([...command, '--help']);
    assert.equal(await process.closed(), 0, process.stderr);
    const [, list = ''] = process.stdout.split('\nCommands:\n');
    const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name as string);
    return names.filter((name) => name !== 'help');
  };
  const table = read('deploy/standalone/README.md');
  for (const name of await commandsBelow()) {
    const below = await commandsBelow(name);
    const known = [name, ...below.map((part) => `${name} ${part}`)].filter((command) =>
      new RegExp(`\\| \`slowbeat ${command}[ \`]`).test(table),
    );
    assert.ok(known.length >= Math.max(below.length, 1), `slowbeat ${name} ${below}: only ${known}`);
  }
});

test('the example device beats', async () => {
  await using data = await scratch();
  await using monitor = await startMonitor({ 'classes.meter.interval': '15m', dataDirectory: data.path });
  const [example] = blocks('README.md', 'ts') as [string];
  const file = join(ROOT, 'test/dist/readme-example/example.mjs');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, example.replace('mqtt://127.0.0.1:1883', monitor.url));
  await using device = new Running(process.execPath, [file]);
  await device.prints(/beat 0, the next in \d+ ms/);
});

test('every setting of the detector is in its README, with its default', () => {
  const text = read('detector-service/README.md');
  const defaults = detectorConfigSchema.parse({ classes: { meter: { interval: '15m' } } });
  for (const name of Object.keys(detectorConfigSchema.shape)) {
    assert.ok(text.includes(`| \`${name}\` `) || text.includes(`| \`${name}.`), name);
  }
  assert.match(text, new RegExp(`\`devicesMax\` \\| \`${defaults.devicesMax}\``));
  assert.match(text, new RegExp(`\`http.port\` \\| \`${defaults.http.port}\``));
  const knobs = Object.keys(classSchema.in.shape);
  assert.ok(knobs.length > 10);
  for (const knob of knobs.filter((name) => !name.endsWith('Ms'))) {
    assert.ok(text.includes(`| \`${knob}\` |`), `the knob ${knob}`);
  }
});
