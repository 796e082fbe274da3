import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { until, within } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import mqttPacket from 'mqtt-packet';
import { WebSocket } from 'ws';
import type { ListenerKind } from './config.ts';
import { type Issued, TestAuthority } from './test-support/certificates.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

const BEAT = 'hb/v1/meter/d1/beat';
/** The beginning of a packet that is never complete. */
const CONNECT = Buffer.concat([Buffer.from([0x10, 0xff, 0x01]), Buffer.alloc(57)]);
const KINDS = ['tcp', 'tls', 'ws', 'wss'] as const;

let authority: TestAuthority;
let server: Issued;
before(async () => {
  authority = await TestAuthority.create();
  server = await authority.issue('CN=broker', { dns: 'localhost' });
});
after(() => authority[Symbol.asyncDispose]());

function url(running: RunningBroker, kind: ListenerKind): string {
  const endpoint = running.broker.endpoints.find((one) => one.kind === kind);
  assert.ok(endpoint !== undefined, kind);
  return kind === 'wss' ? endpoint.url.replace('127.0.0.1', 'localhost') : endpoint.url; // as the certificate says
}

function port(running: RunningBroker, kind: ListenerKind): number {
  return Number(new URL(url(running, kind)).port);
}

async function everyKind(more: Parameters<typeof runBroker>[0] = {}): Promise<RunningBroker> {
  const { certFile, keyFile } = server;
  return await runBroker({
    tls: { port: 0, certFile, keyFile },
    ws: { port: 0 },
    wss: { port: 0, certFile, keyFile },
    ...more,
  });
}

const trusting = () => ({ ca: authority.ca, servername: 'localhost', reconnectPeriod: 0 });

async function handshake(running: RunningBroker, options: object = {}): Promise<TLSSocket> {
  const socket = connectTls({
    port: port(running, 'tls'),
    host: '127.0.0.1',
    ca: authority.ca,
    servername: 'localhost',
    ...options,
  });
  socket.on('error', () => {});
  await within(once(socket, 'secureConnect'), 'a TLS handshake');
  return socket;
}

describe('every listener', () => {
  for (const kind of KINDS) {
    it(`(${kind}) carries a beat, a subscription and a will, and gives its place back`, async () => {
      await using running = await everyKind();
      const client = await mqtt.connectAsync(url(running, kind), {
        ...trusting(),
        clientId: 'd1',
        will: { topic: 'hb/v1/meter/d1/will', payload: Buffer.from('gone'), qos: 1, retain: false },
      });
      const heard: string[] = [];
      client.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
      await client.subscribeAsync('hb/v1/#', { qos: 1 });
      await client.publishAsync(BEAT, Buffer.alloc(3_000, 'x'), { qos: 1 });
      await until(() => heard.length === 1, 'the beat');
      client.stream.destroy();
      await until(() => running.tapped.length === 2, 'the will');
      assert.deepEqual(running.tapped[1], { topic: 'hb/v1/meter/d1/will', payload: 'gone' });
      await until(() => running.broker.counters().connectionsOpen === 0, 'the place to be free');
      await client.endAsync(true);
    });

    it(`(${kind}) cuts off a subscriber that stops reading, and nobody else`, async () => {
      await using running = await everyKind({ limits: { sendBufferBytesMax: 262_144 } });
      const options = { ...trusting(), clientId: 'stuck', keepalive: 0 };
      const stuck = await mqtt.connectAsync(url(running, kind), options);
      await stuck.subscribeAsync('hb/v1/#', { qos: 0 });
      const good = await mqtt.connectAsync(url(running, kind), { ...options, clientId: 'good' });
      let heard = 0;
      good.on('message', () => {
        heard += 1;
      });
      await good.subscribeAsync('hb/v1/#', { qos: 0 });
      const { socket: below } = stuck.stream as unknown as { socket?: { _socket: Socket } };
      (below?._socket ?? (stuck.stream as Socket)).pause();
      const payload = Buffer.alloc(4_000);
      // Less at a time than a send buffer may hold: however slow the machine, who reads is never taken for stuck.
      const ROUND = 50;
      let sent = 0;
      await until(async () => {
        for (let n = 0; n < ROUND; n++)
          await running.broker.publish({ topic: BEAT, payload, qos: 0, retain: false });
        sent += ROUND;
        await until(() => heard === sent, 'everything to reach the other');
        return running.broker.counters().refused['slow-reader'] === 1;
      }, 'the stuck one to be cut off');
      assert.equal(running.broker.counters().clientsConnected, 1);
      await Promise.all([stuck.endAsync(true), good.endAsync(true)]);
    });

    it(`(${kind}) closes who does not get to CONNECT in time`, async () => {
      await using running = await everyKind({ limits: { connectTimeoutMs: 150 } });
      const silent = connect(port(running, kind), '127.0.0.1');
      silent.on('error', () => {});
      silent.resume();
      await within(once(silent, 'close'), 'the silent socket to be closed');
      const { refused, connectionsOpen } = running.broker.counters();
      assert.equal(refused['connect-timeout'], 1);
      assert.equal(connectionsOpen, 0);
    });

    it(`(${kind}) survives bytes that mean nothing there, and serves the next`, async () => {
      await using running = await everyKind({ limits: { connectTimeoutMs: 2_000 } });
      for (let round = 0; round < 20; round++) {
        const hostile = connect(port(running, kind), '127.0.0.1');
        hostile.on('error', () => {});
        hostile.resume();
        hostile.end(Buffer.from(Array.from({ length: 200 }, (_, at) => (at * 37 + round * 11) % 256)));
        await within(once(hostile, 'close'), 'the connection to end');
      }
      const client = await mqtt.connectAsync(url(running, kind), { ...trusting(), clientId: 'd1' });
      await client.publishAsync(BEAT, '{}', { qos: 1 });
      await client.endAsync();
      assert.equal(running.broker.counters().refused.internal, 0);
    });
  }

  it('is refused in words when its files are not in order, and nothing stays open', async () => {
    const { certFile, keyFile } = server;
    await assert.rejects(runBroker({ tls: { port: 0, certFile: 'no-such-file', keyFile } }), {
      code: 'certificate-unreadable',
      message: /^broker\.tls\.certFile: .*no-such-file/,
    });
    await assert.rejects(runBroker({ tls: { port: 0, certFile: keyFile, keyFile } }), {
      code: 'certificate-invalid',
      message: /^broker\.tls\.certFile: /,
    });
    const other = await authority.issue('CN=other');
    await assert.rejects(runBroker({ wss: { port: 0, certFile, keyFile: other.keyFile } }), {
      code: 'certificate-invalid',
      message: /^broker\.wss\.keyFile: .*mismatch/,
    });
    await assert.rejects(runBroker({ tcp: { enabled: false } }), { message: /no listener is left/ });
  });

  it('is refused in open mode where others reach it', async () => {
    await assert.rejects(runBroker({ ws: { host: '0.0.0.0', port: 0 } }), { code: 'open-on-network' });
  });
});

describe('TLS', () => {
  it('takes a new certificate without a restart, and ends no connection for it', async () => {
    const { certFile, keyFile } = await authority.issue('CN=broker', { dns: 'localhost' });
    await using running = await runBroker({ tls: { port: 0, certFile, keyFile } });
    const before = await handshake(running);
    const renewed = await authority.issue('CN=broker', { dns: 'localhost' });
    await writeFile(certFile, renewed.cert);
    await writeFile(keyFile, renewed.key);
    await running.broker.reload();
    const later = await handshake(running);
    assert.equal(later.getPeerCertificate().serialNumber, renewed.serial);
    assert.notEqual(before.getPeerCertificate().serialNumber, renewed.serial);
    assert.equal(before.destroyed, false);
    await writeFile(certFile, 'nonsense');
    await assert.rejects(running.broker.reload(), { code: 'certificate-invalid' });
    const still = await handshake(running);
    assert.equal(still.getPeerCertificate().serialNumber, renewed.serial);
    for (const socket of [before, later, still]) socket.destroy();
  });

  it('speaks nothing older than 1.2', async () => {
    await using running = await everyKind();
    const old = connectTls({
      port: port(running, 'tls'),
      host: '127.0.0.1',
      ca: authority.ca,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const [error] = await within(once(old, 'error'), 'the handshake to fail');
    assert.match(String(error), /protocol version|unsupported protocol/i);
    await until(() => running.broker.counters().refused['tls-failed'] === 1, 'it to be counted');
  });

  it('comes after the PROXY header', async () => {
    const { certFile, keyFile } = server;
    await using running = await runBroker({
      tls: { port: 0, certFile, keyFile, proxies: ['127.0.0.1'] },
      wss: { port: 0, certFile, keyFile, proxies: ['127.0.0.1'] },
    });
    const through = async (kind: ListenerKind): Promise<void> => {
      const plain = connect(port(running, kind), '127.0.0.1');
      plain.write('PROXY TCP4 203.0.113.7 10.0.0.1 8080 8883\r\n');
      const secure = connectTls({ socket: plain, ca: authority.ca, servername: 'localhost' });
      await within(once(secure, 'secureConnect'), 'a TLS handshake behind the header');
      secure.destroy();
      await within(once(plain, 'close'), 'the end');
    };
    await through('tls');
    await until(() => running.broker.counters().connectionsOpen === 0, 'the place to be free');
    await through('wss');
  });
});

describe('WebSocket', () => {
  const origin = (running: RunningBroker, more: object, protocols = ['mqtt']): Promise<string> => {
    const socket = new WebSocket(url(running, 'ws'), protocols, more);
    socket.on('error', () => {});
    return within(
      Promise.race([
        once(socket, 'open').then(() => {
          const { protocol } = socket;
          socket.terminate();
          return protocol;
        }),
        once(socket, 'unexpected-response').then(([, response]) => String(response.statusCode)),
      ]),
      'an answer',
    );
  };

  it('is for MQTT only, from pages of its own host unless others are listed', async () => {
    await using running = await everyKind({ ws: { port: 0, origins: ['https://fleet.example'] } });
    assert.equal(await origin(running, {}), 'mqtt');
    assert.equal(await origin(running, {}, ['chat', 'mqttv3.1']), 'mqttv3.1');
    assert.equal(await origin(running, {}, []), '400');
    assert.equal(await origin(running, {}, ['chat']), '400');
    assert.equal(await origin(running, { origin: 'http://127.0.0.1:5173' }), 'mqtt');
    assert.equal(await origin(running, { origin: 'https://fleet.example' }), 'mqtt');
    assert.equal(await origin(running, { origin: 'https://evil.example' }), '403');
    assert.equal(await origin(running, { origin: 'null' }), '403');
    assert.equal(running.broker.counters().refused['websocket-refused'], 4);
  });

  it('in open mode is not for pages that give this machine a name of their own', async () => {
    const named = { origin: 'http://evil.example:8083', headers: { host: 'evil.example:8083' } };
    await using open = await everyKind();
    assert.equal(await origin(open, named), '403');
    assert.equal(await origin(open, { origin: 'http://localhost', headers: { host: 'localhost' } }), 'mqtt');
    await using users = await everyKind({
      access: { mode: 'users', tokens: { secretFile: server.keyFile } },
    });
    assert.equal(await origin(users, named), 'mqtt');
  });

  it('publishes nothing of a text frame, a will of its CONNECT included', async () => {
    await using running = await everyKind();
    const text = new WebSocket(url(running, 'ws'), ['mqtt']);
    text.on('error', () => {});
    await within(once(text, 'open'), 'the socket to open');
    const will = { topic: 'hb/v1/meter/d1/will', payload: Buffer.from('w'), qos: 0 as const, retain: false };
    const connect = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true } as const;
    text.send(mqttPacket.generate({ ...connect, keepalive: 60, clientId: 'd1', will }).toString('latin1'));
    await within(once(text, 'close'), 'the end');
    await until(() => running.broker.counters().connectionsOpen === 0, 'the place to be free');
    assert.equal(running.broker.counters().connectsTotal, 0);
    assert.deepEqual(running.tapped, []);
  });

  it('answers plain HTTP with 426', async () => {
    await using running = await everyKind();
    const asked = request(url(running, 'ws').replace('ws:', 'http:')).end();
    const [response] = await within(once(asked, 'response'), 'an answer');
    assert.equal(response.statusCode, 426);
    response.resume();
  });

  for (const [what, reason, send] of [
    ['a text frame', 'malformed', (socket: WebSocket) => socket.send('text')],
    [
      'a frame larger than allowed',
      'packet-too-large',
      (socket: WebSocket) => socket.send(Buffer.alloc(20_000)),
    ],
    [
      'a packet larger than allowed, at its header',
      'connect-too-large',
      (socket: WebSocket) => {
        socket.send(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
      },
    ],
  ] as const) {
    it(`is closed for ${what}`, async () => {
      await using running = await everyKind();
      const socket = new WebSocket(url(running, 'ws'), ['mqtt']);
      socket.on('error', () => {});
      await within(once(socket, 'open'), 'the WebSocket');
      send(socket);
      await within(once(socket, 'close'), 'the close');
      await until(() => running.broker.counters().connectionsOpen === 0, 'the place to be free');
      const { refused } = running.broker.counters();
      if (reason !== undefined) assert.equal(refused[reason], 1);
      assert.equal(refused.internal, 0);
    });
  }

  it('goes on after a frame with nothing in it', async () => {
    await using running = await everyKind();
    const socket = new WebSocket(url(running, 'ws'), ['mqtt']);
    await within(once(socket, 'open'), 'the WebSocket');
    socket.send(Buffer.alloc(0));
    const packet = { protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: 'd1' } as const;
    socket.send(mqttPacket.generate({ cmd: 'connect', ...packet }));
    const [connack] = await within(once(socket, 'message'), 'its CONNACK');
    assert.deepEqual(connack, Buffer.from([0x20, 2, 0, 0]));
    socket.terminate();
  });

  for (const [what, send] of [
    ['empty frames', (socket: WebSocket) => socket.send(Buffer.alloc(0))],
    ['pings', (socket: WebSocket) => socket.ping()],
    ['pongs', (socket: WebSocket) => socket.pong()],
    ['frames of a byte', (socket: WebSocket, at: number) => socket.send(CONNECT.subarray(at, at + 1))],
  ] as const) {
    it(`cuts off who floods it with ${what}, which are no packets that anybody else would count`, async () => {
      await using running = await everyKind({ limits: { messagesPerSecondMax: 1, messageBurstMax: 5 } });
      const socket = new WebSocket(url(running, 'ws'), ['mqtt']);
      socket.on('error', () => {});
      await within(once(socket, 'open'), 'the WebSocket');
      for (let sent = 0; sent < 60; sent += 1) send(socket, sent);
      socket.ping('still there?');
      await within(once(socket, 'pong'), 'an answer: so many are allowed');
      for (let sent = 0; sent < 60; sent += 1) send(socket, sent);
      await within(once(socket, 'close'), 'the WebSocket to be closed');
      await until(() => running.broker.counters().connectionsOpen === 0, 'the connection to be gone');
      assert.equal(running.broker.counters().refused['rate-limit'], 1);
    });
  }
});
