import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import type { TokensConfig } from './config.ts';
import { hashPassword } from './credentials.ts';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

const SECRET = Buffer.from('a secret of more than thirty-two bytes');
const HOUR_S = 3_600;

let directory = '';
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slowbeat-tokens-'));
  await writeFile(join(directory, 'secret'), `${SECRET}\n`);
});
after(() => rm(directory, { recursive: true }));

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

interface Shape {
  readonly alg?: string;
  readonly kid?: string;
  readonly exp?: number | null;
}

async function sign(
  claims: JWTPayload,
  key: Parameters<SignJWT['sign']>[0] = SECRET,
  { alg = 'HS256', kid, exp = inSeconds(HOUR_S) }: Shape = {},
): Promise<string> {
  const jwt = new SignJWT(claims).setProtectedHeader(kid === undefined ? { alg } : { alg, kid });
  return await (exp === null ? jwt : jwt.setExpirationTime(exp)).sign(key);
}

async function withTokens(
  tokens: Partial<TokensConfig>,
  limits = {},
): Promise<
  RunningBroker & { login(token: string, more?: object): Promise<RawClient & { returnCode: number }> }
> {
  const running = await runBroker({ access: { mode: 'users', tokens }, limits });
  const login = (token: string, more: object = {}) =>
    RawClient.login(running.port, {
      clientId: 'c',
      username: 'anything',
      password: Buffer.from(token),
      ...more,
    });
  return Object.assign(running, { login });
}

const bySecret = () => ({ secretFile: join(directory, 'secret') });

async function keyPair(kid: string): Promise<{ jwk: JWK; sign(claims: JWTPayload): Promise<string> }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid };
  return { jwk, sign: (claims) => sign(claims, privateKey, { alg: 'ES256', kid }) };
}

describe('a token', () => {
  it('names a device, which speaks for itself and nobody else', async () => {
    await using running = await withTokens(bySecret());
    const device = await running.login(await sign({ sub: 'd1' }));
    assert.equal(device.returnCode, 0);
    await device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    device.publish('hb/v1/meter/d2/beat', '{}', { qos: 1, messageId: 2 });
    await within(device.ended, 'the impostor to be cut off');
  });

  it('gives a role and devices by its claims, under the names that are configured', async () => {
    await using running = await withTokens({ ...bySecret(), roleClaim: 'r', devicesClaim: 'd' });
    const gateway = await running.login(
      await sign({ sub: 'g1', r: 'gateway', d: ['meter/line-*', 'valve/*'] }),
    );
    await gateway.publishAcknowledged('hb/v1/meter/line-7/beat', '{}', 1);
    const commas = await running.login(await sign({ sub: 'g2', r: 'gateway', d: 'meter/a,meter/b' }));
    await commas.publishAcknowledged('hb/v1/meter/b/beat', '{}', 1);
    const detector = await running.login(await sign({ sub: 'watch', r: 'detector' }));
    assert.deepEqual(await detector.subscribe(['hb/v1/#']), [1]);
  });

  it('is refused with 4 when anything about it is wrong', async () => {
    const limits = { failedLoginsPerMinuteMax: 100, failedLoginsPerNamePerMinuteMax: 100 };
    await using running = await withTokens({ ...bySecret(), issuer: 'us', audience: 'hb' }, limits);
    const good = { sub: 'd1', iss: 'us', aud: 'hb' };
    const none = [
      Buffer.from('{"alg":"none"}').toString('base64url'),
      Buffer.from(JSON.stringify({ ...good, exp: inSeconds(HOUR_S) })).toString('base64url'),
      '',
    ].join('.');
    const { privateKey } = await generateKeyPair('ES256');
    for (const [what, token] of [
      ['expired', await sign(good, SECRET, { exp: inSeconds(-1) })],
      ['without an end', await sign(good, SECRET, { exp: null })],
      ['not valid yet', await sign({ ...good, nbf: inSeconds(60) })],
      ['of another issuer', await sign({ ...good, iss: 'them' })],
      ['for another audience', await sign({ ...good, aud: 'web' })],
      ['without a subject', await sign({ iss: 'us', aud: 'hb' })],
      ['of a subject that is nothing', await sign({ ...good, sub: null } as unknown as JWTPayload)],
      ['of a list of subjects', await sign({ ...good, sub: ['d1'] } as unknown as JWTPayload)],
      ['of a subject that is a number', await sign({ ...good, sub: 1 } as unknown as JWTPayload)],
      ['of several roles', await sign({ ...good, role: ['detector'] })],
      ['for devices that are no list', await sign({ ...good, role: 'gateway', devices: { a: 1 } })],
      ['for devices that are lists', await sign({ ...good, role: 'gateway', devices: [['meter/a']] })],
      ['of a subject that is no name', await sign({ ...good, sub: 'a/b' })],
      ['of an unknown role', await sign({ ...good, role: 'anonymous' })],
      ['of a gateway without devices', await sign({ ...good, role: 'gateway' })],
      ['of a device that speaks for another', await sign({ ...good, devices: ['meter/d2'] })],
      ['signed with another secret', await sign(good, Buffer.from('another secret of more than thirty-two'))],
      ['signed with a key pair', await sign(good, privateKey, { alg: 'ES256' })],
      ['not signed', none],
      ['cut short', (await sign(good)).slice(0, -2)],
    ] as const) {
      assert.equal((await running.login(token)).returnCode, 4, what);
    }
    assert.equal((await running.login(await sign(good))).returnCode, 0);
    assert.equal((await running.login('no token at all')).returnCode, 4);
    assert.equal((await running.login('')).returnCode, 4);
  });

  it('that runs out ends the connection at that instant, will and all', async () => {
    await using running = await withTokens(bySecret());
    const exp = inSeconds(2);
    const will = { topic: 'hb/v1/meter/d1/will', payload: Buffer.from('w'), qos: 1 as const, retain: false };
    const device = await running.login(await sign({ sub: 'd1' }, SECRET, { exp }), { will });
    assert.equal(device.returnCode, 0);
    await within(device.ended, 'the connection to end');
    assert.ok(Date.now() >= exp * 1000, 'not before');
    await until(() => running.tapped.length === 1, 'the will');
    assert.equal(running.broker.counters().refused['login-expired'], 1);
  });

  it('far from running out is not ended by a timer that overflows', async () => {
    await using running = await withTokens(bySecret());
    const device = await running.login(
      await sign({ sub: 'd1' }, SECRET, { exp: inSeconds(10 * 365 * 86_400) }),
    );
    await device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    await device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 2);
  });

  it('may be guessed only so often', async () => {
    await using running = await withTokens(bySecret(), { failedLoginsPerMinuteMax: 3 });
    const wrong = await sign({ sub: 'd1' }, Buffer.from('another secret of more than thirty-two'));
    const codes: number[] = [];
    for (let guess = 0; guess < 5; guess++) codes.push((await running.login(wrong)).returnCode);
    assert.deepEqual(codes, [4, 4, 4, 3, 3]);
  });

  it('lets its owner in although others guess in the same name and from the same address', async () => {
    await using running = await withTokens(bySecret(), { failedLoginsPerMinuteMax: 3 });
    for (let guess = 0; guess < 5; guess++) await running.login('no.token.atall');
    assert.equal((await running.login('no.token.atall')).returnCode, 3);
    assert.equal((await running.login(await sign({ sub: 'd1' }))).returnCode, 0);
  });
});

interface KeyServer extends AsyncDisposable {
  readonly url: string;
  status: number;
  keys: JWK[];
  /** No answer before. */
  held: Promise<unknown>;
  asked: number;
  /** Answers without an end. */
  isEndless: boolean;
  /** Somebody has heard enough of such an answer. */
  isCutOff: boolean;
}

async function keyServer(...keys: JWK[]): Promise<KeyServer> {
  const server = createServer(async (_request, response) => {
    state.asked += 1;
    await state.held;
    response.writeHead(state.status, { 'content-type': 'application/json' });
    if (!state.isEndless) {
      response.end(JSON.stringify({ keys: state.keys }));
      return;
    }
    response.on('close', () => {
      state.isCutOff = true;
    });
    const blanks = (): void => void response.write(' '.repeat(65_536));
    response.on('drain', blanks);
    blanks();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const state: KeyServer = {
    url: `http://127.0.0.1:${port}/keys`,
    status: 200,
    keys,
    held: Promise.resolve(),
    asked: 0,
    isEndless: false,
    isCutOff: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return state;
}

describe('keys of tokens', () => {
  it('from a file are read again on reload: clients of a key that is gone are disconnected', async () => {
    const [one, two] = [await keyPair('one'), await keyPair('two')];
    const jwksFile = join(directory, 'keys.json');
    await writeFile(jwksFile, JSON.stringify({ keys: [one.jwk, two.jwk] }));
    await using running = await withTokens({ jwksFile });
    const stays = await running.login(await one.sign({ sub: 'd1' }));
    const goes = await running.login(await two.sign({ sub: 'd2' }));
    assert.deepEqual([stays.returnCode, goes.returnCode], [0, 0]);
    assert.equal(
      (await running.login(await sign({ sub: 'd1' }))).returnCode,
      4,
      'a secret is none of the keys',
    );
    await writeFile(jwksFile, JSON.stringify({ keys: [one.jwk] }));
    await running.broker.reload();
    await within(goes.ended, 'the client of the key that is gone to be disconnected');
    await stays.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    assert.equal(running.broker.counters().refused['login-revoked'], 1);
    await writeFile(jwksFile, 'nonsense');
    await assert.rejects(running.broker.reload(), { code: 'token-keys-invalid' });
    assert.equal((await running.login(await one.sign({ sub: 'd3' }))).returnCode, 0);
  });

  it('from a server are fetched when needed; while it is away log-ins are refused with 3', async () => {
    const key = await keyPair('one');
    await using server = await keyServer(key.jwk);
    server.status = 503;
    await using running = await withTokens({ jwksUrl: server.url });
    const token = await key.sign({ sub: 'd1' });
    assert.equal((await running.login(token)).returnCode, 3);
    assert.equal(running.broker.counters().refused['token-keys-unavailable'], 1);
    server.status = 200;
    assert.equal((await running.login(token)).returnCode, 0);
  });

  it('from a server are fetched again on reload, and stay when it is away', async () => {
    const [one, two] = [await keyPair('one'), await keyPair('two')];
    await using server = await keyServer(one.jwk);
    await using running = await withTokens({ jwksUrl: server.url });
    const device = await running.login(await one.sign({ sub: 'd1' }));
    assert.equal(device.returnCode, 0);
    server.status = 503;
    await running.broker.reload();
    assert.equal(running.broker.counters().refused['token-keys-unavailable'], 1);
    assert.equal((await running.login(await one.sign({ sub: 'd2' }))).returnCode, 0);
    server.status = 200;
    server.keys = [two.jwk];
    await running.broker.reload();
    await within(device.ended, 'the client of the key that is gone to be disconnected');
    assert.equal((await running.login(await two.sign({ sub: 'd2' }))).returnCode, 0);
  });

  it('from a slow server do not bring back users that a later reload has withdrawn', async () => {
    const key = await keyPair('one');
    await using server = await keyServer(key.jwk);
    const credentialsFile = join(directory, 'users');
    const hash = await hashPassword('right', 10);
    await writeFile(credentialsFile, `d1:device:${hash}\n`);
    await using running = await runBroker({
      access: { mode: 'users', credentialsFile, tokens: { jwksUrl: server.url } },
    });
    const login = { clientId: 'c', username: 'd1', password: Buffer.from('right') };
    assert.equal((await RawClient.login(running.port, login)).returnCode, 0);
    let release = (): void => {};
    server.held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const earlier = running.broker.reload();
    await until(() => server.asked === 1, 'the keys to be asked for');
    await writeFile(credentialsFile, `d2:device:${hash}\n`);
    server.held = Promise.resolve();
    const later = running.broker.reload();
    await within(later, 'the later one, if it does not wait for the earlier one', 300).catch(() => {});
    release();
    await within(Promise.all([earlier, later]), 'both reloads');
    assert.equal((await RawClient.login(running.port, login)).returnCode, 4);
  });

  it('from a server that never ends to answer are not waited for until the memory is full', async () => {
    const key = await keyPair('one');
    await using server = await keyServer(key.jwk);
    server.isEndless = true;
    await using running = await withTokens({ jwksUrl: server.url });
    assert.equal((await running.login(await key.sign({ sub: 'd1' }))).returnCode, 3);
    const refused = running.log.find(({ reason }) => reason === 'token-keys-unavailable');
    assert.match(String(refused?.detail), /more than \d+ bytes/);
    await until(() => server.isCutOff, 'the answer to be broken off');
  });

  it('that protect nothing keep the broker from starting', async () => {
    const file = join(directory, 'bad');
    const { jwk } = await keyPair('one');
    for (const [what, content, setting] of [
      ['a short secret', 'too short', 'secretFile'],
      ['no JSON', '{', 'jwksFile'],
      ['no key set', '{"keys":5}', 'jwksFile'],
      ['a secret among public keys', '{"keys":[{"kty":"oct","k":"AAAA"}]}', 'jwksFile'],
      ['a private key', JSON.stringify({ keys: [{ ...jwk, d: 'AAAA' }] }), 'jwksFile'],
    ] as const) {
      await writeFile(file, content);
      await assert.rejects(withTokens({ [setting]: file }), { code: 'token-keys-invalid' }, what);
    }
    await assert.rejects(withTokens({ secretFile: join(directory, 'none') }), {
      code: 'token-keys-unreadable',
    });
  });
});
