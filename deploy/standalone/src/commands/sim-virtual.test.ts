import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCommand } from '../test-support/command.ts';

/** Beside the compiled command, as in a checkout. */
const README = new URL('../../../../firmware-sim/README.md', import.meta.url);

describe('slowbeat sim virtual', () => {
  let cwd = '';
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'slowbeat-virtual-'));
  });
  after(() => rm(cwd, { recursive: true }));
  const slowbeat = (...args: string[]) => runCommand(args, { cwd });
  const read = (name: string) => readFile(join(cwd, name), 'utf8');

  async function play(into: string, ...args: string[]): Promise<string[]> {
    const files = ['truth', 'trace', 'transitions'];
    const flags = files.flatMap((what) => [`--${what}`, `${into}-${what}`]);
    const { code, stdout, stderr } = await slowbeat('sim', 'virtual', ...args, '--json', ...flags);
    assert.equal(code, 0, stderr);
    await writeFile(join(cwd, `${into}.json`), stdout);
    return [stdout, ...(await Promise.all(files.map((what) => read(`${into}-${what}`))))];
  }

  for (const story of [
    ['stormy-day', '--devices', '20', '--for', '8h'],
    ['meters-month', '--devices', '40'],
    ['gateway-outages', '--devices', '30', '--for', '2d'],
  ]) {
    const [name] = story as [string];
    it(`gives the same bytes in another process, and its trace the same verdicts in a replay: ${name}`, async () => {
      const first = await play('a', ...story, '--seed', '7');
      assert.deepEqual(await play('b', ...story, '--seed', '7'), first);
      for (const text of first) assert.ok(text.length > 1_000);

      const trace = ['a-trace', '--classes', 'a.json', '--truth', 'a-truth', '--detector', 'adaptive'];
      const replay = await slowbeat('replay', ...trace, '--transitions', 'replayed');
      assert.equal(replay.code, 0, replay.stderr);
      assert.equal(await read('replayed'), first[3]);
      if (name === 'gateway-outages') assert.match(replay.stdout, /alarms an outage/);
    });
  }

  it('tells the score, the seed that it drew, and how fast it went', async () => {
    const { code, stdout, stderr } = await slowbeat('sim', 'virtual', 'crashes', '--for', '10m');
    assert.equal(code, 0, stderr);
    const [, seed] = /seed (\d+)/.exec(stderr) ?? [];
    assert.match(stdout, new RegExp(`^crashes, seed ${seed}: 100 devices for 10m`));
    for (const row of [/^class +deaths +found/m, /^meter +\d+/m, /^pump +\d+/m, /^all +\d+/m]) {
      assert.match(stdout, row);
    }
    assert.match(stderr, /over: 0\.7 device-days in [\d.]+ s, \d+ a second/);
  });

  it("plays a file's story, with the links and the network that the README shows", async () => {
    const readme = await readFile(README, 'utf8');
    const [, shown] = /^```yaml\n([\s\S]*?)^```/m.exec(readme) ?? [];
    await writeFile(join(cwd, 'shown.yaml'), `name: shown\nsites: { a: [gw-1], b: [] }\n${shown}`);
    const args = ['shown.yaml', '--devices', '20', '--for', '20d', '--seed', '1', '--json'];
    const { code, stdout, stderr } = await slowbeat('sim', 'virtual', ...args);
    assert.equal(code, 0, stderr);
    const { beats, heard, faults, serviceOutages, classes } = JSON.parse(stdout);
    assert.ok(serviceOutages > 5 && faults.partition > 20, stdout);
    assert.ok(heard.renewed < 0.95 * beats.sent, `${heard.renewed} of ${beats.sent}`);
    assert.deepEqual([classes.meter.reconnectMs, classes.meter.falseAlarmsPerDeviceYear], [300_000, 2]);
  });

  const wrong: [string, string[], RegExp][] = [
    ['no story', [], /missing required argument 'scenario'/],
    ['a story nobody knows', ['nope'], /--scenario nope: neither a file nor one of .*lpwan-week/],
    ['half a device', ['calm', '--devices', '0.5'], /--devices 0\.5/],
    ['a length without a unit', ['calm', '--for', '7'], /--for 7: must be a duration/],
    ['a file that cannot be written', ['calm', '--trace', 'no/such'], /--trace no\/such: cannot be written/],
    ['classes that lack one', ['calm', '--classes', 'other.yaml'], /the class meter/],
  ];
  for (const [what, args, says] of wrong) {
    it(`is told in one line what is wrong: ${what}`, async () => {
      await writeFile(join(cwd, 'other.yaml'), 'classes: { pump: { interval: 1m } }\n');
      const { code, stdout, stderr } = await slowbeat('sim', 'virtual', ...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }
});
