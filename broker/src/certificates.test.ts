import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { until, within } from '@slowbeat/test-servers';
import type { BrokerConfigInput } from './config.ts';
import { hashPassword } from './credentials.ts';
import { certificateId, pemLists, revokedCertificates } from './revocation-list.ts';
import { type Issued, TestAuthority } from './test-support/certificates.ts';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

let authority: TestAuthority;
let stranger: TestAuthority;
/** Of the same name as the authority, with another key. */
let impostor: TestAuthority;
let server: Issued;
before(async () => {
  authority = await TestAuthority.create();
  stranger = await TestAuthority.create('CN=Other Authority');
  impostor = await TestAuthority.create();
  server = await authority.issue('CN=broker', { dns: 'localhost' });
});
after(async () => {
  await authority[Symbol.asyncDispose]();
  await stranger[Symbol.asyncDispose]();
  await impostor[Symbol.asyncDispose]();
});

type Access = Extract<BrokerConfigInput['access'], { mode: 'users' }>;

async function withCertificates(
  certificates: NonNullable<Access['certificates']> = {},
  more: { users?: string[]; clientCrlFile?: string } = {},
): Promise<RunningBroker> {
  const { users, clientCrlFile } = more;
  const credentialsFile = users && join(authority.directory, 'users');
  if (credentialsFile !== undefined) await writeFile(credentialsFile, users?.join('\n') ?? '');
  const { certFile, keyFile } = server;
  return await runBroker({
    tcp: { enabled: false },
    tls: {
      port: 0,
      certFile,
      keyFile,
      clientCaFile: authority.caFile,
      ...(clientCrlFile ? { clientCrlFile } : {}),
    },
    access: { mode: 'users', certificates, ...(credentialsFile ? { credentialsFile } : {}) },
  });
}

async function login(
  running: RunningBroker,
  shown: Pick<Issued, 'cert' | 'key'> | undefined,
  more: { session?: Buffer; username?: string; password?: Buffer; clientId?: string } = {},
): Promise<RawClient & { returnCode: number }> {
  const { session, ...packet } = more;
  const socket = connect({
    port: running.port,
    host: '127.0.0.1',
    ca: authority.ca,
    servername: 'localhost',
    ...(shown ? { cert: shown.cert, key: shown.key } : {}),
    ...(session ? { session } : {}),
  });
  const client = RawClient.over(socket);
  await within(once(socket, 'secureConnect'), 'a TLS handshake');
  client.connect({ clientId: 'c', ...packet });
  const { returnCode } = (await client.next('connack')) as { returnCode: number };
  return Object.assign(client, { returnCode });
}

describe('a client certificate', () => {
  it('names a device by its common name', async () => {
    await using running = await withCertificates();
    const device = await login(running, await authority.issue('CN=d1,O=Fleet'));
    assert.equal(device.returnCode, 0);
    await device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    device.publish('hb/v1/meter/d2/beat', '{}', { qos: 1, messageId: 2 });
    await within(device.ended, 'the impostor to be cut off');
  });

  it('names a device by its first DNS name where that is set', async () => {
    await using running = await withCertificates({ name: 'san' });
    const device = await login(running, await authority.issue('CN=serial 4711', { dns: 'd1' }));
    await device.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    assert.equal((await login(running, await authority.issue('CN=d1'))).returnCode, 5);
    const smuggled = await authority.issue('CN=x', { dns: 'x, DNS:d1' });
    assert.equal((await login(running, smuggled)).returnCode, 5);
  });

  it('has the role and devices of its line in the credentials file', async () => {
    const users = ['line-3:gateway:certificate:meter/line-3-*', 'watch:detector:certificate'];
    await using running = await withCertificates({ unlisted: 'refuse' }, { users });
    const gateway = await login(running, await authority.issue('CN=line-3'));
    await gateway.publishAcknowledged('hb/v1/meter/line-3-7/beat', '{}', 1);
    const detector = await login(running, await authority.issue('CN=watch'));
    assert.deepEqual(await detector.subscribe(['hb/v1/#']), [1]);
    assert.equal((await login(running, await authority.issue('CN=d1'))).returnCode, 5);
    const word = { username: 'line-3', password: Buffer.from('certificate') };
    assert.equal((await login(running, undefined, word)).returnCode, 4, 'the word is no password');
  });

  it('is refused with 5 when it proves nothing', async () => {
    const revoked = await authority.issue('CN=d4');
    await using running = await withCertificates(
      {},
      { clientCrlFile: await authority.revoke(revoked.serial) },
    );
    for (const [what, shown, why] of [
      ['of another authority', await stranger.issue('CN=d1'), /UNABLE_TO_/],
      ['of an authority that only calls itself so', await impostor.issue('CN=d1'), /SIGNATURE/],
      [
        'that has run out',
        await authority.issue('CN=d2', { notAfter: new Date(Date.now() - 1_000) }),
        /EXPIRED/,
      ],
      ['that is revoked', revoked, /REVOKED/],
      ['of a name that is none', await authority.issue('CN=a/b'), /the name must/],
      ['of two names', await authority.issue('CN=d1,CN=d2'), /names nobody, or several/],
      ['of no name', await authority.issue('O=Fleet'), /names nobody/],
    ] as const) {
      assert.equal((await login(running, shown)).returnCode, 5, what);
      const told = running.log.filter(({ reason }) => reason === 'certificate-refused').at(-1);
      assert.match(String(told?.detail), why, what);
    }
    assert.equal((await login(running, undefined)).returnCode, 5, 'none at all');
    assert.equal((await login(running, await authority.issue('CN=d1'))).returnCode, 0);
  });

  it('is not made up for by a password, and not needed beside one', async () => {
    const users = [`d1:device:${await hashPassword('right', 10)}`];
    await using running = await withCertificates({}, { users });
    const word = { username: 'd1', password: Buffer.from('right') };
    assert.equal((await login(running, undefined, word)).returnCode, 0);
    assert.equal((await login(running, await stranger.issue('CN=d1'), word)).returnCode, 5);
  });

  it('that runs out ends the connection', async () => {
    await using running = await withCertificates();
    const notAfter = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1_000);
    const device = await login(running, await authority.issue('CN=d1', { notAfter }));
    assert.equal(device.returnCode, 0);
    await within(device.ended, 'the connection to end');
    assert.ok(Date.now() >= notAfter.getTime(), 'not before');
    assert.equal(running.broker.counters().refused['login-expired'], 1);
  });

  it('that is revoked is out on reload, and cannot come back by resuming its session', async () => {
    const clientCrlFile = await authority.revoke();
    await using running = await withCertificates({}, { clientCrlFile });
    const [one, two] = [await authority.issue('CN=d1'), await authority.issue('CN=d2')];
    const [stays, goes] = [await login(running, one), await login(running, two)];
    const session = await within(goes.tlsSession, 'a session ticket');
    await authority.revoke(two.serial);
    await running.broker.reload();
    await within(goes.ended, 'the revoked one to be disconnected');
    await stays.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
    assert.equal(running.broker.counters().refused['login-revoked'], 1);
    assert.equal((await login(running, two, { session })).returnCode, 5);
    assert.equal((await login(running, two)).returnCode, 5);
  });

  it('that another authority gave the serial number of a revoked one stays', async () => {
    const clientCaFile = join(authority.directory, 'both.pem');
    await writeFile(clientCaFile, `${authority.ca}\n${stranger.ca}`);
    const clientCrlFile = join(authority.directory, 'both.crl');
    const revoke = async (...serials: string[]): Promise<void> => {
      const lists = [await authority.revoke(...serials), await stranger.revoke()];
      await writeFile(clientCrlFile, (await Promise.all(lists.map((list) => readFile(list)))).join('\n'));
    };
    const goes = await authority.issue('CN=d1');
    let stays = await stranger.issue('CN=d2');
    while (stays.serial !== goes.serial) stays = await stranger.issue('CN=d2');
    await revoke();
    const { certFile, keyFile } = server;
    await using running = await runBroker({
      tcp: { enabled: false },
      tls: { port: 0, certFile, keyFile, clientCaFile, clientCrlFile },
      access: { mode: 'users', certificates: {} },
    });
    const [one, other] = [await login(running, goes), await login(running, stays)];
    assert.deepEqual([one.returnCode, other.returnCode], [0, 0]);
    await revoke(goes.serial);
    await running.broker.reload();
    await within(one.ended, 'the revoked one to be disconnected');
    await other.publishAcknowledged('hb/v1/meter/d2/beat', '{}', 1);
    assert.equal((await login(running, stays)).returnCode, 0);
  });

  it('is out on reload when an authority between it and the root is revoked', async () => {
    const clientCrlFile = join(authority.directory, 'chain.crl');
    await using between = await TestAuthority.create('CN=Between', authority);
    const revoke = async (...serials: string[]): Promise<void> => {
      const lists = [await authority.revoke(...serials), await between.revoke()];
      await writeFile(clientCrlFile, (await Promise.all(lists.map((list) => readFile(list)))).join('\n'));
    };
    await revoke();
    await using running = await withCertificates({}, { clientCrlFile });
    const { cert, key } = await between.issue('CN=d1');
    const goes = await login(running, { cert: `${cert}\n${between.ca}`, key });
    assert.equal(goes.returnCode, 0);
    await revoke(between.serial);
    await running.broker.reload();
    await within(goes.ended, 'whoever has a certificate of it to be disconnected');
  });

  it('is out on reload when its authority is', async () => {
    const clientCaFile = join(authority.directory, 'authorities.pem');
    await writeFile(clientCaFile, `${authority.ca}\n${stranger.ca}`);
    const { certFile, keyFile } = server;
    await using running = await runBroker({
      tcp: { enabled: false },
      tls: { port: 0, certFile, keyFile, clientCaFile },
      access: { mode: 'users', certificates: {} },
    });
    const other = await stranger.issue('CN=d2');
    const goes = await login(running, other);
    assert.equal(goes.returnCode, 0);
    await writeFile(clientCaFile, authority.ca);
    await running.broker.reload();
    await within(goes.ended, 'the client of the other authority to be disconnected');
    assert.equal((await login(running, other)).returnCode, 5);
  });

  it('is resumed with its name while nothing has changed', async () => {
    await using running = await withCertificates();
    const shown = await authority.issue('CN=d1');
    const first = await login(running, shown);
    const session = await within(first.tlsSession, 'a session ticket');
    first.destroy();
    await until(() => running.broker.counters().connectionsOpen === 0, 'the first to be gone');
    const again = await login(running, undefined, { session });
    assert.equal(again.returnCode, 0);
    await again.publishAcknowledged('hb/v1/meter/d1/beat', '{}', 1);
  });
});

describe('certificates and listeners', () => {
  it('must be wanted by both or by none', async () => {
    const { certFile, keyFile } = server;
    await assert.rejects(runBroker({ tls: { port: 0, certFile, keyFile, clientCaFile: authority.caFile } }), {
      code: 'invalid-config',
      message: /asked for and not looked at/,
    });
    await assert.rejects(runBroker({ access: { mode: 'users', certificates: {} } }), {
      code: 'invalid-config',
      message: /no listener asks for one/,
    });
  });
});

describe('a revocation list', () => {
  it('names the certificates on it by issuer and serial number, as they themselves do', async () => {
    const issued = await authority.issue('CN=d1');
    const text = await readFile(await authority.revoke(issued.serial, 'FF00AA', '0123456789ABCDEF'), 'utf8');
    const lists = pemLists(`${text}\nsomething else\n${text}`);
    assert.equal(lists.length, 2);
    const revoked = revokedCertificates(lists[0] ?? '');
    assert.equal(revoked.length, 3);
    assert.ok(revoked.includes(certificateId(new X509Certificate(issued.cert).raw)));
    const none = await readFile(await authority.revoke(), 'utf8');
    assert.deepEqual(revokedCertificates(none), []);
  });

  it('that is damaged is refused and not read as empty', async () => {
    const text = await readFile(await authority.revoke('AA', 'BB'), 'utf8');
    const [list = ''] = pemLists(text);
    assert.equal(revokedCertificates(list).length, 2);
    const der = Buffer.from(list.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    for (let length = 0; length < der.length; length++) {
      assert.throws(
        () => revokedCertificates(der.subarray(0, length).toString('base64')),
        { name: 'RangeError', message: /^it / },
        `${length} bytes`,
      );
    }
  });
});
