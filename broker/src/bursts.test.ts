import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { until, within } from '@slowbeat/test-servers';
import mqtt from 'mqtt-packet';
import { createWebSocketStream, WebSocket } from 'ws';
import type { ListenerKind } from './config.ts';
import { type Issued, TestAuthority } from './test-support/certificates.ts';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

const CONNECTIONS = 24;
const EACH = 250;
/** A byte, less than a packet, a segment, a TLS record, more than a stream buffers. */
const PIECES = [1, 3, 40, 1_460, 16_384, 16_385, 60_000];
const PAYLOADS = [0, 20, 90, 2_000, 4_000];

let authority: TestAuthority;
let server: Issued;
before(async () => {
  authority = await TestAuthority.create();
  server = await authority.issue('CN=broker', { dns: 'localhost' });
});
after(() => authority[Symbol.asyncDispose]());

async function open(running: RunningBroker, kind: ListenerKind): Promise<RawClient> {
  const endpoint = running.broker.endpoints.find((one) => one.kind === kind);
  assert.ok(endpoint !== undefined);
  const { port } = endpoint;
  if (kind === 'tcp') return RawClient.over(connect({ port, host: '127.0.0.1' }));
  const tls = { ca: authority.ca, servername: 'localhost' };
  if (kind === 'tls') return RawClient.over(connectTls({ port, host: '127.0.0.1', ...tls }));
  const webSocket = new WebSocket(endpoint.url, ['mqtt'], tls);
  await within(once(webSocket, 'open'), 'a WebSocket');
  return RawClient.over(createWebSocketStream(webSocket) as Socket);
}

function beats(device: string, seed: number): Buffer {
  const topic = `hb/v1/meter/${device}/beat`;
  return Buffer.concat(
    Array.from({ length: EACH }, (_, index) =>
      mqtt.generate({
        cmd: 'publish',
        topic,
        payload: Buffer.alloc(PAYLOADS[(index * 7 + seed) % PAYLOADS.length] as number, 'x'),
        qos: 1,
        messageId: index + 1,
        dup: false,
        retain: false,
      }),
    ),
  );
}

/** Writes it in pieces of many sizes, some at once and some after a turn of the event loop. */
async function writeInPieces({ socket }: RawClient, bytes: Buffer, seed: number): Promise<void> {
  for (let at = 0, piece = seed; at < bytes.length; piece += 1) {
    const size = PIECES[piece % PIECES.length] as number;
    socket.write(bytes.subarray(at, at + size));
    at += size;
    if (piece % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('bursts in pieces of any size, from many at once', () => {
  for (const kind of ['tcp', 'tls', 'ws', 'wss'] as const) {
    it(`(${kind}) are all acknowledged in order: no connection waits for ever, and each end is noticed`, async () => {
      const { certFile, keyFile } = server;
      await using running = await runBroker({
        tls: { port: 0, certFile, keyFile },
        ws: { port: 0 },
        wss: { port: 0, certFile, keyFile },
        limits: { messageBurstMax: 100_000, webSocketFrameBytesMax: 65_536 },
      });
      const crowd = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(running, kind)));
      await Promise.all(
        crowd.map(async (client, index) => {
          const clientId = `d${index}`;
          client.connect({ clientId });
          await writeInPieces(client, beats(clientId, index), index);
        }),
      );
      const acknowledged = ({ received }: RawClient): number[] =>
        received.flatMap((packet) => (packet.cmd === 'puback' ? [packet.messageId as number] : []));
      const all = Array.from({ length: EACH }, (_, index) => index + 1);
      await until(() => crowd.every((client) => acknowledged(client).length === EACH), 'every PUBACK');
      for (const client of crowd) assert.deepEqual(acknowledged(client), all);
      assert.equal(running.tapped.length, CONNECTIONS * EACH);
      for (const client of crowd) client.socket.end();
      await until(() => running.broker.counters().connectionsOpen === 0, 'every end to be noticed');
    });
  }
});
