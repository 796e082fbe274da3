import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import type { BrokerConfigInput } from './config.ts';
import { Credentials, formatUser, hashPassword, parseUsers } from './credentials.ts';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';

/** Cheap on purpose: a test hashes many. */
const COST = 10;

let directory = '';
let hash = '';
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slowbeat-broker-'));
  hash = await hashPassword('right', COST);
});
after(() => rm(directory, { recursive: true }));

async function usersFile(...lines: string[]): Promise<string> {
  const file = join(directory, `users-${Math.random().toString(36).slice(2)}`);
  await writeFile(file, lines.join('\n'));
  return file;
}

const always = (): boolean => true;

describe('password hashes', () => {
  it('are salted: the same password never hashes to the same text', async () => {
    assert.notEqual(await hashPassword('right', COST), hash);
  });

  it('let the right password in and no other', async () => {
    const credentials = await Credentials.load(await usersFile(`d1:device:${hash}`), 2);
    assert.deepEqual(await credentials.verify('d1', Buffer.from('right'), always), {
      identity: { role: 'device', name: 'd1', grants: [{ deviceClass: '*', device: 'd1' }] },
    });
    for (const [name, password] of [
      ['d1', 'wrong'],
      ['d1', ''],
      ['d2', 'right'],
      ['__proto__', 'right'],
      ['d1', 'x'.repeat(5_000)],
    ] as const) {
      assert.equal(await credentials.verify(name, Buffer.from(password), always), 'wrong', name);
    }
  });

  it('take as long for who is not in the file, or has a certificate only, as for who is', async () => {
    const cheap = await hashPassword('right', 10); // a hundredth of the default cost would tell them apart
    const credentials = await Credentials.load(
      await usersFile(`d1:device:${cheap}\nd2:device:certificate`),
      2,
    );
    const timeOf = async (name: string): Promise<number> => {
      const tries: number[] = [];
      for (let count = 0; count < 7; count++) {
        const since = performance.now();
        assert.equal(await credentials.verify(name, Buffer.from('wrong'), always), 'wrong');
        tries.push(performance.now() - since);
      }
      return Math.min(...tries);
    };
    const known = await timeOf('d1');
    for (const name of ['d2', 'd3']) assert.ok((await timeOf(name)) < 5 * known, name);
    assert.equal(await credentials.verify('d2', Buffer.from('right'), always), 'wrong', 'not by a password');
  });

  it('are refused for an empty and for an endless password', async () => {
    await assert.rejects(hashPassword(''), RangeError);
    await assert.rejects(hashPassword('x'.repeat(1_025)), RangeError);
  });
});

describe('a password that was right', () => {
  it('is remembered without hashing, until the file says otherwise', async () => {
    const file = await usersFile(`d1:device:${hash}`);
    const credentials = await Credentials.load(file, 2);
    const right = Buffer.from('right');
    assert.equal(credentials.recall('d1', right), undefined);
    await credentials.verify('d1', right, always);
    assert.equal(credentials.recall('d1', right)?.name, 'd1');
    assert.equal(credentials.recall('d1', Buffer.from('wrong')), undefined);
    await writeFile(file, `d1:device:${await hashPassword('new', COST)}`);
    (await credentials.read())();
    assert.equal(credentials.recall('d1', right), undefined);
    assert.equal(await credentials.verify('d1', right, always), 'wrong');
  });

  it('stays remembered over a reload that does not touch its user', async () => {
    const file = await usersFile(`d1:device:${hash}`);
    const credentials = await Credentials.load(file, 2);
    const verified = await credentials.verify('d1', Buffer.from('right'), always);
    await writeFile(file, `d1:device:${hash}\nd2:device:${hash}`);
    (await credentials.read())();
    assert.ok(typeof verified === 'object' && credentials.identityOf('d1') === verified.identity);
  });
});

describe('the credentials file', () => {
  it('may hold comments, blank lines and every role', () => {
    const text = `# fleet\n\nd1:device:${hash}:meter/d1\r\ng1:gateway:${hash}:meter/l3-*, valve/*\nw:detector:${hash}\no:observer:${hash}\n`;
    const users = parseUsers(text, 'users');
    assert.deepEqual([...users.keys()], ['d1', 'g1', 'w', 'o']);
    assert.deepEqual(users.get('g1')?.identity.grants, [
      { deviceClass: 'meter', device: 'l3-*' },
      { deviceClass: 'valve', device: '*' },
    ]);
  });

  it('is refused with the number of the bad line, and without its hash', () => {
    for (const [line, complaint] of [
      [`d 1:device:${hash}`, /line 2: the name must/],
      [`d1:king:${hash}`, /line 2: the role is not one of device, gateway, detector, observer/],
      ['d1:device:plain-password', /line 2: the hash/],
      [`d1:device:${hash.replace('ln=10', 'ln=40')}`, /line 2: the hash/],
      [`d1:device:${hash}:meter/d2`, /line 2: a device speaks for itself/],
      [`g1:gateway:${hash}`, /line 2: a gateway needs its devices/],
      [`w:detector:${hash}:meter/d1`, /line 2: a detector has no devices/],
      [`d1:device:${hash}:a/b/c`, /line 2: a device is written/],
      [`d1:device:${hash}:d1:x`, /line 2: more than four parts/],
      [`first:device:${hash}`, /line 2: a second line for the user/],
    ] as const) {
      assert.throws(
        () => parseUsers(`first:device:${hash}\n${line}`, 'users'),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'credentials-invalid');
          assert.match(error.message, complaint);
          assert.doesNotMatch(error.message, /scrypt\$ln|plain-password/);
          return true;
        },
      );
    }
  });

  it('is written by formatUser in the form that is read', () => {
    const line = formatUser('g1', 'gateway', hash, ['meter/*', 'd9']);
    assert.equal(parseUsers(line, 'users').get('g1')?.identity.grants.length, 2);
    assert.throws(() => formatUser('g1', 'gateway', hash), RangeError);
    assert.throws(() => formatUser('g:1', 'device', hash), /^RangeError: the name must start with/);
  });

  it('that cannot be read keeps the broker from starting, and names itself', async () => {
    const access = { mode: 'users', credentialsFile: join(directory, 'missing') } as const;
    await assert.rejects(runBroker({ access }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'credentials-unreadable');
      assert.match(error.message, /missing/);
      return true;
    });
  });
});

describe('users mode', () => {
  async function runWithUsers(limits: BrokerConfigInput['limits'] = {}) {
    const file = await usersFile(
      `d1:device:${hash}:meter/d1`,
      `d2:device:${hash}`,
      `watch:detector:${hash}`,
      `eye:observer:${hash}`,
    );
    const running = await runBroker({ access: { mode: 'users', credentialsFile: file }, limits });
    const login = (username: string, more: object = {}) =>
      RawClient.login(running.port, {
        clientId: username,
        username,
        password: Buffer.from('right'),
        ...more,
      });
    return Object.assign(running, { file, login });
  }

  it('answers missing credentials with 5 and wrong ones with 4', async () => {
    await using running = await runWithUsers();
    assert.equal((await RawClient.login(running.port, { clientId: 'd1' })).returnCode, 5);
    assert.equal((await running.login('d1', { password: Buffer.from('wrong') })).returnCode, 4);
    assert.equal((await running.login('nobody')).returnCode, 4);
    assert.equal((await running.login('d1')).returnCode, 0);
    const { refused } = running.broker.counters();
    assert.deepEqual([refused['login-missing'], refused['login-failed']], [1, 2]);
  });

  it('lets a device speak for itself only, its will included', async () => {
    await using running = await runWithUsers();
    const own = await running.login('d1');
    await own.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    own.publish('hb/v1/meter/d2/beat', '{}', { qos: 1, messageId: 2 });
    await within(own.ended, 'the impostor to be cut off');
    const will = { topic: 'hb/v1/meter/d2/will', payload: Buffer.from('w'), qos: 1 as const, retain: false };
    assert.equal((await running.login('d1', { will })).returnCode, 5);
    assert.deepEqual(
      running.tapped.map(({ topic }) => topic),
      ['hb/v1/meter/d1/beat'],
    );
  });

  it('lets a device subscribe to its own ping only, and an observer publish nothing', async () => {
    await using running = await runWithUsers();
    const device = await running.login('d1');
    assert.deepEqual(
      await device.subscribe([
        'hb/v1/meter/d1/ping',
        'hb/v1/meter/d2/ping',
        'hb/v1/#',
        '#',
        'hb/v1/meter/d1/state',
      ]),
      [1, 128, 128, 128, 128],
    );
    const observer = await running.login('eye');
    assert.deepEqual(await observer.subscribe(['hb/v1/#']), [1]);
    observer.publish('hb/v1/meter/d1/state', '{}', { qos: 1, messageId: 1, retain: true });
    await within(observer.ended, 'the observer to be cut off');
    assert.equal(running.broker.counters().retainedMessages, 0);
  });

  it("does not let one user throw out another's client by its client id", async () => {
    await using running = await runWithUsers();
    const victim = await running.login('d1', { clientId: 'shared' });
    const thief = await running.login('d2', { clientId: 'shared' });
    assert.equal(thief.returnCode, 0);
    await victim.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    assert.equal(running.broker.counters().clientsConnected, 2);
    assert.equal(running.broker.counters().takeoversTotal, 0);
  });

  it('keeps no session for a device, whatever it asks for, and one for the detector', async () => {
    await using running = await runWithUsers();
    const device = await running.login('d1', { clean: false });
    await device.subscribe(['hb/v1/meter/d1/ping']);
    assert.equal(running.broker.counters().sessionsKept, 0);
    const detector = await running.login('watch', { clean: false });
    await detector.subscribe(['hb/v1/+/+/+']);
    assert.equal(running.broker.counters().sessionsKept, 1);
  });

  it('stops checking passwords from an address that guesses, and still knows those it has seen', async () => {
    await using running = await runWithUsers({ failedLoginsPerMinuteMax: 3 });
    assert.equal((await running.login('d1')).returnCode, 0);
    const codes: number[] = [];
    for (let guess = 0; guess < 6; guess++) {
      const client = await running.login('d2', {
        clientId: `guess-${guess}`,
        password: Buffer.from(`${guess}`),
      });
      codes.push(client.returnCode);
    }
    assert.deepEqual(codes, [4, 4, 4, 3, 3, 3]);
    assert.equal((await running.login('d2')).returnCode, 3, 'not even the right one, unchecked');
    assert.equal((await running.login('d1')).returnCode, 0, 'one that was right before');
    const elsewhere = await RawClient.login(
      running.port,
      { clientId: 'd2', username: 'd2', password: Buffer.from('right') },
      { from: '127.0.0.9' },
    );
    assert.equal(elsewhere.returnCode, 0);
  });

  it('stops checking passwords of a user that is guessed from many addresses, and no other user', async () => {
    await using running = await runWithUsers({ failedLoginsPerNamePerMinuteMax: 3 });
    const codes: number[] = [];
    for (let guess = 0; guess < 5; guess++) {
      const from = `127.0.1.${guess + 1}`;
      const password = Buffer.from(`${guess}`);
      const client = await RawClient.login(
        running.port,
        { clientId: 'd2', username: 'd2', password },
        { from },
      );
      codes.push(client.returnCode);
    }
    assert.deepEqual(codes, [4, 4, 4, 3, 3]);
    assert.equal((await running.login('d1')).returnCode, 0);
    assert.equal(running.broker.counters().refused['login-limited'], 2);
  });

  it('checks no more guesses than allowed although they come all at once', async () => {
    await using running = await runWithUsers({ failedLoginsPerMinuteMax: 3 });
    const clients = await Promise.all(
      Array.from({ length: 40 }, (_, guess) =>
        running.login('d2', { clientId: `guess-${guess}`, password: Buffer.from(`${guess}`) }),
      ),
    );
    const checked = clients.filter(({ returnCode }) => returnCode === 4).length;
    assert.ok(checked <= 5, `${checked} were checked`);
  });

  it('disconnects users that are gone or changed on reload, and no others', async () => {
    await using running = await runWithUsers();
    const [stays, gone, changed] = await Promise.all([
      running.login('d1'),
      running.login('d2'),
      running.login('eye'),
    ]);
    await writeFile(
      running.file,
      `d1:device:${hash}:meter/d1\neye:observer:${await hashPassword('new', COST)}`,
    );
    await running.broker.reload();
    await within(Promise.all([gone?.ended, changed?.ended]), 'both to be disconnected');
    await stays?.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    assert.equal((await running.login('d2')).returnCode, 4);
    assert.equal(running.broker.counters().refused['login-revoked'], 2);
  });

  it('publishes the will of who is disconnected only for what it may still speak for', async () => {
    await using running = await runWithUsers();
    const will = (device: string) => {
      const topic = `hb/v1/meter/${device}/will`;
      return { will: { topic, payload: Buffer.from(device), qos: 1 as const, retain: false } };
    };
    const gone = await running.login('d2', will('d2'));
    const changed = await running.login('d1', will('d1'));
    await writeFile(running.file, `d1:device:${await hashPassword('new', COST)}:meter/d1`);
    await running.broker.reload();
    await within(Promise.all([gone.ended, changed.ended]), 'both to be disconnected');
    await until(() => running.tapped.length === 1, 'the will of the device that is left');
    assert.deepEqual(running.tapped, [{ topic: 'hb/v1/meter/d1/will', payload: 'd1' }]);
    assert.equal(running.broker.counters().refused['will-refused'], 1);
  });

  it('keeps its users when the file is no longer valid', async () => {
    await using running = await runWithUsers();
    await writeFile(running.file, 'nonsense');
    await assert.rejects(running.broker.reload(), { code: 'credentials-invalid' });
    assert.equal((await running.login('d1')).returnCode, 0);
  });
});
