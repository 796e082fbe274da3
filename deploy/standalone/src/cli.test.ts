import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCommand } from './test-support/command.ts';

const CLASS = ['--set', 'classes.meter.interval=1m'];

describe('a wrong command line', () => {
  let directory = '';
  let taken: Server;
  let port = 0;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slowbeat-cli-'));
    await writeFile(
      join(directory, 'slowbeat.yaml'),
      'http:\n  port: 99999\nclasses:\n  meter: { interval: 15x }\n',
    );
    await writeFile(join(directory, 'broken.yaml'), 'http: [1\n');
    await writeFile(join(directory, 'list.yaml'), '- a\n- b\n');
    await mkdir(join(directory, 'unreadable'));
    await writeFile(join(directory, 'unreadable', 'journal'), 'no directory');
    await mkdir(join(directory, 'unusable', 'detector.snapshot'), { recursive: true });
    taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    port = (taken.address() as { port: number }).port;
  });
  after(async () => {
    taken.close();
    await rm(directory, { recursive: true });
  });

  const cases: [string, { args: string[]; env?: Record<string, string>; code: number; says: RegExp }][] = [
    [
      'an unknown command',
      { args: ['strat'], code: 2, says: /unknown command 'strat' \(Did you mean start\?\)/ },
    ],
    [
      'an unknown flag',
      { args: ['start', '--prot', '1'], code: 2, says: /unknown option '--prot' \(Did you mean --port\?\)/ },
    ],
    [
      'a number that is none',
      { args: ['sim', 'live', '-c', 'abc'], code: 2, says: /--count abc: must be a number/ },
    ],
    [
      'a wrong file',
      {
        args: ['config', 'print'],
        code: 2,
        says: /slowbeat\.yaml:2:9: http\.port: must be a port.*\(and 1 more/,
      },
    ],
    [
      'a file that is no YAML',
      { args: ['start', '--config', 'broken.yaml'], code: 2, says: /broken\.yaml:\d+:\d+: no valid YAML/ },
    ],
    [
      'a file that is a list',
      {
        args: ['start', '--config', 'list.yaml'],
        code: 2,
        says: /list\.yaml:1:1: settings are keys with values/,
      },
    ],
    [
      'a file that is not there',
      {
        args: ['start', '--config', 'nope.yaml'],
        code: 2,
        says: /--config nope\.yaml: there is no such file/,
      },
    ],
    [
      'a setting that is none',
      {
        args: ['start', '--config', '/dev/null', '--set', 'htp.port=1', ...CLASS],
        code: 2,
        says: /--set htp\.port=1: "htp" is no known key; did you mean http\?/,
      },
    ],
    [
      'a setting without value',
      { args: ['start', '--set', 'http.port'], code: 2, says: /--set http\.port: write key=value/ },
    ],
    [
      'a variable that is none',
      {
        args: ['start'],
        env: { SLOWBEAT_HTP_PORT: '1' },
        code: 2,
        says: /SLOWBEAT_HTP_PORT is no known variable; did you mean SLOWBEAT_HTTP_PORT\?/,
      },
    ],
    [
      'a variable with a wrong value',
      {
        args: ['config', 'check', '--config', '/dev/null', ...CLASS],
        env: { SLOWBEAT_HTTP_PORT: 'many' },
        code: 2,
        says: /SLOWBEAT_HTTP_PORT: http\.port: must be a port/,
      },
    ],
    [
      'a setting of another mode than the one in force',
      {
        args: [
          'broker',
          '--config',
          '/dev/null',
          '--set',
          'broker.access.credentialsFile=users',
          '--access',
          'open',
        ],
        code: 2,
        says: /"broker\.access\.credentialsFile" does not go with what else "broker\.access" holds/,
      },
    ],
    [
      'InfluxDB without a place to write to',
      {
        args: ['start', '--config', '/dev/null', ...CLASS],
        env: { INFLUX_URL: 'http://127.0.0.1:1' },
        code: 2,
        says: /INFLUX_DATABASE/,
      },
    ],
    [
      'a URL that is no broker',
      {
        args: ['detector', '--config', '/dev/null', '--url', 'http://x', ...CLASS],
        code: 2,
        says: /--url http:\/\/x: must be mqtt:\/\//,
      },
    ],
    [
      'an instant that is none',
      {
        args: ['uptime', '--data', '.', '--from', '2026-02-30'],
        code: 2,
        says: /--from 2026-02-30: no instant/,
      },
    ],
    [
      'a window that ends before it begins',
      {
        args: ['uptime', '--data', '.', '--from', 'now', '--to', '-1h'],
        code: 2,
        says: /--from now is not before --to -1h/,
      },
    ],
    [
      'a demo of no length',
      { args: ['demo', '--for', '60'], code: 2, says: /--for 60: "60" is not a duration/ },
    ],
    [
      'a simulation of half a device',
      { args: ['sim', 'live', '--devices', '0.5'], code: 2, says: /--devices 0\.5/ },
    ],
    [
      'a story that does not exist',
      {
        args: ['sim', 'live', '--scenario', 'nope'],
        code: 2,
        says: /--scenario nope: neither a file nor one of demo/,
      },
    ],
    [
      'no journal where one was expected',
      {
        args: ['uptime', '--data', 'nowhere'],
        code: 3,
        says: /no journal in nowhere; name the data directory/,
      },
    ],
    [
      'a journal that cannot be read',
      {
        args: ['uptime', '--data', 'unreadable'],
        code: 1,
        says: /data directory unreadable cannot be read: ENOTDIR/,
      },
    ],
    [
      'a data directory that cannot be used',
      {
        args: ['start', '--config', '/dev/null', '--data', 'unusable', ...CLASS],
        code: 1,
        says: /data directory unusable cannot be used: EISDIR/,
      },
    ],
    [
      'a database that does not answer',
      {
        args: ['uptime', '--from', '-1h'],
        env: { INFLUX_URL: 'http://127.0.0.1:1', INFLUX_DATABASE: 'x' },
        code: 3,
        says: /http:\/\/127\.0\.0\.1:1/,
      },
    ],
    [
      'a broker that does not answer',
      {
        args: ['sim', 'live', '--for', '1s', '--no-record', '--url', 'mqtt://127.0.0.1:1'],
        code: 3,
        says: /mqtt:\/\/127\.0\.0\.1:1/,
      },
    ],
  ];
  for (const [what, { args, env, code, says }] of cases) {
    it(`ends with ${code} and one line about it: ${what}`, async () => {
      const result = await runCommand(args, { cwd: directory, ...(env && { env }) });
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, says);
      const messages = result.stderr.split('\n').filter((line) => line.startsWith('slowbeat: '));
      assert.equal(messages.length, 1, result.stderr);
      assert.doesNotMatch(result.stderr, /\n {4}at /, 'no stack');
    });
  }

  it('says which port is taken, for the broker and for HTTP', async () => {
    const start = ['start', '--config', '/dev/null', '--data', join(directory, 'data'), ...CLASS];
    const broker = await runCommand([...start, '--port', String(port), '--http-port', '0']);
    const http = await runCommand([...start, '--port', '0', '--http-port', String(port)]);
    assert.deepEqual([broker.code, http.code], [1, 1]);
    assert.match(broker.stderr, new RegExp(`127\\.0\\.0\\.1:${port}.*--port`));
    assert.match(http.stderr, new RegExp(`127\\.0\\.0\\.1:${port}.*--http-port`));
  });

  it('lists everything that is wrong with the settings, when asked', async () => {
    const { code, stderr } = await runCommand(['config', 'check'], { cwd: directory });
    assert.equal(code, 2);
    assert.match(stderr, /slowbeat\.yaml:2:9: http\.port/);
    assert.match(stderr, /slowbeat\.yaml:4:22: classes\.meter\.interval: "15x"/);
  });
});

describe('settings', () => {
  it('come from the file, variables above it, and flags above both', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-cli-'));
    await writeFile(
      join(directory, 'slowbeat.yaml'),
      'monitor: file\nhttp: { port: 1, host: "::1" }\nclasses: { m: { interval: 1m } }\n',
    );
    const env = { SLOWBEAT_MONITOR: 'variable', SLOWBEAT_HTTP_PORT: '2' };
    const { code, stdout } = await runCommand(['config', 'print', '--json', '--http-port', '3'], {
      cwd: directory,
      env,
    });
    const { monitor, http, classes } = JSON.parse(stdout);
    assert.deepEqual([code, monitor, http], [0, 'variable', { host: '::1', port: 3 }]);
    assert.equal(classes.m.interval, '1m');
    await rm(directory, { recursive: true });
  });

  it('of who may use the broker come from variables as well, whatever the mode', async () => {
    const env = {
      SLOWBEAT_BROKER_ACCESS_MODE: 'users',
      SLOWBEAT_BROKER_ACCESS_CREDENTIALS_FILE: '/etc/slowbeat/users',
      SLOWBEAT_BROKER_ACCESS_TOKENS_JWKS_URL: 'https://id.example/keys',
    };
    const { stdout } = await runCommand(['config', 'print', '--json', '--config', '/dev/null', ...CLASS], {
      env,
    });
    const { mode, credentialsFile, tokens } = JSON.parse(stdout).broker.access;
    assert.deepEqual([mode, credentialsFile], ['users', '/etc/slowbeat/users']);
    assert.equal(tokens.jwksUrl, 'https://id.example/keys');
  });

  it('are printed so that they can be read again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-cli-'));
    const first = await runCommand(['config', 'print', ...CLASS], { cwd: directory });
    await writeFile(join(directory, 'slowbeat.yaml'), first.stdout);
    const second = await runCommand(['config', 'print'], { cwd: directory });
    assert.deepEqual([second.code, second.stdout], [0, first.stdout]);
    await rm(directory, { recursive: true });
  });
});

describe('help', () => {
  it('goes to stdout with 0 when asked for, to stderr with 2 when nothing was asked', async () => {
    const asked = await runCommand(['--help']);
    const unasked = await runCommand([]);
    assert.deepEqual([asked.code, asked.stderr], [0, '']);
    assert.match(asked.stdout, /start .*demo|demo[\s\S]*start/);
    assert.deepEqual([unasked.code, unasked.stdout], [2, '']);
  });
});
