import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runCommand } from '../test-support/command.ts';

const START = 1_700_000_000_000;

/** A beat every minute for three hours; d1 is silent for half an hour of it. */
function traceLines(): string[] {
  const lines: string[] = [];
  for (let minute = 0; minute < 180; minute += 1) {
    const t = START + 60_000 * minute;
    for (const device of minute >= 90 && minute < 120 ? ['d2'] : ['d1', 'd2']) {
      lines.push(JSON.stringify({ t, kind: 'beat', device, class: 'meter', seq: minute, gen: 1 }));
    }
  }
  return lines;
}

describe('slowbeat replay and slowbeat tune', () => {
  let cwd = '';
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'slowbeat-replay-'));
    const lines = traceLines();
    await writeFile(join(cwd, 'trace.ndjson.gz'), gzipSync(lines.join('\n')));
    await writeFile(join(cwd, 'cut.gz'), gzipSync(lines.join('\n')).subarray(0, -100));
    await writeFile(join(cwd, 'bad.ndjson'), [...lines.slice(0, 5), lines[1], '{"t":', ''].join('\n'));
    await writeFile(
      join(cwd, 'classes.yaml'),
      'classes:\n  meter: { interval: 1m, falseAlarmsPerDeviceYear: 12 }\n',
    );
    await writeFile(join(cwd, 'wrong.json'), '{"classes":{"meter":{"interval":"1x"}}}');
    const died = { t: START + 60_000 * 89.5, device: 'd1', alive: false };
    const lived = { t: START + 60_000 * 120, device: 'd1', alive: true };
    await writeFile(join(cwd, 'truth.ndjson'), `${JSON.stringify(died)}\n${JSON.stringify(lived)}\n`);
  });
  after(() => rm(cwd, { recursive: true }));
  const slowbeat = (...args: string[]) => runCommand(args, { cwd });
  const TRACE = ['trace.ndjson.gz', '--classes', 'classes.yaml'];

  it('prints all detectors side by side', async () => {
    const { code, stdout, stderr } = await slowbeat('replay', ...TRACE);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^trace\.ndjson\.gz: 330 events of 2 devices, 2023-11-14T22:13:20\.000Z to/);
    assert.match(stdout, /heard again/);
    for (const row of [/^adaptive /m, /^fixed +1 /m, /^missed +1 /m, /^hindsight: 31\.1 × expected/m])
      assert.match(stdout, row);
  });

  it('judges by the truth when it is told', async () => {
    const { stdout } = await slowbeat(
      'replay',
      ...TRACE,
      '--truth',
      'truth.ndjson',
      '--detector',
      'fixed',
      '--json',
    );
    const { judgedBy, contenders } = JSON.parse(stdout);
    assert.equal(judgedBy, 'truth');
    assert.equal(contenders.length, 1);
    const { falseAlarms, deaths, detected, detection } = contenders[0].total;
    assert.deepEqual([falseAlarms, deaths, detected], [0, 1, 1]);
    // Last heard in minute 89, dead four minutes later, having died at 89.5.
    assert.equal(detection.ms.mean, 210_000);
  });

  it('says when the truth speaks of devices that the trace does not hold', async () => {
    const line = { t: START + 1, device: 'd7', alive: false };
    await writeFile(join(cwd, 'strangers.ndjson'), `${JSON.stringify(line)}\n`);
    const { code, stderr } = await slowbeat('replay', ...TRACE, '--truth', 'strangers.ndjson');
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^slowbeat: the truth speaks of 1 device that the trace does not hold, such as d7$/m,
    );
  });

  it('writes the verdicts and the plot', async () => {
    const files = ['--transitions', 'verdicts.ndjson', '--plot', 'plot.svg'];
    const { code } = await slowbeat('replay', ...TRACE, '--detector', 'adaptive', ...files);
    assert.equal(code, 0);
    const verdicts = (await readFile(join(cwd, 'verdicts.ndjson'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const death = verdicts.find(({ to }) => to === 'dead');
    const { at, noticedAt, device, from, reason, phi, detector } = death;
    assert.deepEqual([device, from, reason, detector], ['d1', 'suspect', 'silence', undefined]);
    assert.ok(at > START + 60_000 * 90 && at < START + 60_000 * 120 && noticedAt === at && phi > 1);
    assert.equal(verdicts.filter((one) => one.device === 'd1' && one.to === 'dead').length, 1);
    assert.match(await readFile(join(cwd, 'plot.svg'), 'utf8'), /^<svg .*adaptive, by budget/s);
  });

  it('shows what other budgets would have given', async () => {
    const { code, stdout } = await slowbeat('tune', ...TRACE, '--budget', '1', '365');
    assert.equal(code, 0);
    assert.match(stdout, /^class meter: .*device-years of 2 devices$/m);
    assert.match(stdout, /^ +12 .*← now$/m);
    const { classes } = JSON.parse((await slowbeat('tune', ...TRACE, '--budget', '1', '--json')).stdout);
    assert.deepEqual(
      classes.meter.map(({ budget }: { budget: number }) => budget),
      [1, 12],
    );
  });

  it('takes the data directory of a monitor, and says what one lacks that kept verdicts alone', async () => {
    await mkdir(join(cwd, 'verdicts', 'journal'), { recursive: true });
    const { code, stderr } = await slowbeat('tune', 'verdicts', '--classes', 'classes.yaml');
    assert.equal(code, 1);
    assert.match(stderr, /verdicts holds verdicts, but not the heartbeats .*set rawBeats: true/);
    await mkdir(join(cwd, 'recorded', 'beats'), { recursive: true });
    const beats = Array.from({ length: 60 }, (_, seq) => {
      const tags = `device_beat,class=${seq === 30 ? 'other' : 'meter'},device=d1`;
      return `${tags} outcome="renewed",seq=${seq}i,next_ms=60000 ${START + seq * 60_000}`;
    });
    await writeFile(join(cwd, 'recorded', 'beats', '2023-11-14.lp'), `${beats.join('\n')}\n`);
    const tuned = await slowbeat('tune', 'recorded', '--classes', 'classes.yaml');
    assert.equal(tuned.code, 0, tuned.stderr);
    assert.match(tuned.stdout, /^class meter: .*device-years of 1 devices?$/m);
    assert.match(tuned.stderr, /left out of recorded: unknown-class 1/);
  });

  it('leaves bad lines out when told, and says how many', async () => {
    const { code, stderr } = await slowbeat(
      'replay',
      'bad.ndjson',
      '--classes',
      'classes.yaml',
      '--skip-bad',
    );
    assert.equal(code, 0);
    assert.match(stderr, /^slowbeat: left out of bad\.ndjson: unsorted 1, not-json 1$/m);
  });

  it('says that a trace in seconds looks like one', async () => {
    const beats = [0, 60, 120, 180].map(
      (s) => `{"t":${START / 1000 + s},"kind":"beat","device":"d1","class":"meter"}`,
    );
    await writeFile(join(cwd, 'seconds.ndjson'), beats.join('\n'));
    const { code, stderr } = await slowbeat('replay', 'seconds.ndjson', '--classes', 'classes.yaml');
    assert.equal(code, 0);
    assert.match(stderr, /^slowbeat: seconds\.ndjson: all of it fits into one interval; .*milliseconds/);
  });

  for (const [what, content, message] of [
    ['nothing', '', /holds no event that could be used/],
    ['blank lines', '\uFEFF\r\n  \n\t\n', /holds no event that could be used/],
    ['only blind time', '{"t":1,"kind":"monitor","up":false}', /holds no sign of life of any device/],
    ['only a last will', '{"t":1,"kind":"will","device":"d1","class":"meter"}', /holds no sign of life/],
  ] as const) {
    it(`fails on a trace that holds ${what}`, async () => {
      await writeFile(join(cwd, 'mute.ndjson'), content);
      for (const command of ['replay', 'tune']) {
        const { code, stdout, stderr } = await slowbeat(command, 'mute.ndjson', '--classes', 'classes.yaml');
        assert.deepEqual([code, stdout], [1, '']);
        assert.match(stderr, message);
      }
    });
  }

  const WRONG: readonly [args: string[], message: RegExp][] = [
    [
      ['replay', 'bad.ndjson', '--classes', 'classes.yaml'],
      /^slowbeat: bad\.ndjson:6: "t" is \d+, before .*--skip-bad/,
    ],
    [['replay', 'cut.gz', '--classes', 'classes.yaml'], /cut\.gz: ends in the middle of its compressed data/],
    [['replay', '.', '--classes', 'classes.yaml'], /\.: is a directory/],
    [['replay', 'absent', '--classes', 'classes.yaml'], /absent: there is no such file/],
    [
      ['replay', 'trace.ndjson.gz', '--classes', 'wrong.json'],
      /--classes wrong\.json:1:\d+: classes\.meter\.interval: .*1x/,
    ],
    [['replay', 'trace.ndjson.gz', '--classes', 'absent'], /--classes absent: there is no such file/],
    [['replay', 'trace.ndjson.gz'], /required option '--classes <file>' not specified/],
    [['replay', ...TRACE, '--detector', 'fixd'], /--detector fixd: .*did you mean fixed\?/],
    [['replay', ...TRACE, '--truth', '-'], /--truth -: standard input/],
    [['replay', ...TRACE, '--plot', 'absent/x.svg'], /--plot absent\/x\.svg: cannot be written/],
    [
      ['replay', ...TRACE, '--transitions', './trace.ndjson.gz'],
      /--transitions .*is one of the files to be read/,
    ],
    [['replay', ...TRACE, '--plot', 'classes.yaml'], /--plot classes\.yaml: is one of the files to be read/],
    [['tune', ...TRACE, '--budget', '0'], /--budget 0: must be a number above 0/],
  ];
  for (const [args, message] of WRONG) {
    it(`ends with code 2 and one line: ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await slowbeat(...args);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });
  }
});
