/**
 * What is kept of a message must not keep all that was read with it: a read has up to 64 KiB, whatever a stranger chose to
 * send with one byte that stays.
 */
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { until } from '@slowbeat/test-servers';
import mqtt, { type IConnectPacket } from 'mqtt-packet';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const CONNECTIONS = 200;
/** What each may cost: less than a slab of small buffers, and much less than a read. */
const BYTES_EACH = 4_096;

/** Messages nobody hears, as many as fit into a read beside something else. */
const filler = Buffer.concat(
  Array.from({ length: 14 }, () =>
    mqtt.generate({
      cmd: 'publish',
      topic: 'hb/v1/meter/d1/beat',
      payload: Buffer.alloc(4_000, 'x'),
      qos: 0,
      dup: false,
      retain: false,
    }),
  ),
);

/** Bytes outside the heap, of this process. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Waits until what came since then costs little; they are freed beside the program, a moment later. */
async function untilLetGo(before: number, what: string): Promise<void> {
  await until(() => heldBytes() - before < CONNECTIONS * BYTES_EACH, `${what} to be let go`);
}

/** So many connections, each of which has sent this CONNECT, the filler and a rest at once. */
async function crowd(
  running: RunningBroker,
  connect: Partial<IConnectPacket>,
  rest = Buffer.alloc(0),
): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let index = 0; index < CONNECTIONS; index += 1) {
    const client = await RawClient.open(running.port);
    const packet = {
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      ...connect,
    } as const;
    const first = mqtt.generate({ cmd: 'connect', clientId: `c${index}`, ...packet });
    client.socket.write(Buffer.concat([first, filler, rest]));
    await client.next('connack');
    clients.push(client);
  }
  const taken = 14 * CONNECTIONS;
  await until(() => running.broker.counters().messagesTaken >= taken, 'all of the filler');
  return clients;
}

describe('what was read at once is let go when it is dealt with', () => {
  for (const [what, connect, rest] of [
    ['a will', { will: { topic: 'hb/v1/meter/d1/will', payload: Buffer.from('x'), qos: 1, retain: false } }],
    ['a password', { username: 'u', password: Buffer.from('p') }],
    ['the first byte of a packet', {}, Buffer.from([0x30])],
  ] as const) {
    it(`although ${what} was in it`, async () => {
      await using running = await runBroker({ tap: () => {} });
      const before = heldBytes();
      const clients = await crowd(running, connect, rest);
      await untilLetGo(before, 'what was read');
      for (const client of clients) client.destroy();
    });
  }
});

describe('what waits for a subscriber that does not read', () => {
  it('is no more than its own bytes, whatever was sent with it', async () => {
    await using running = await runBroker({
      limits: { drainTimeoutMs: 60_000, sendBufferBytesMax: 67_108_864, messageBurstMax: 100_000 },
    });
    const stuck = await RawClient.login(running.port, { clientId: 'stuck' });
    await stuck.subscribe(['hb/v1/+/+/bye'], 0);
    stuck.socket.pause();
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    const [small, large] = ['x', 'x'.repeat(4_000)].map((payload) =>
      mqtt.generate({
        cmd: 'publish',
        topic: 'hb/v1/meter/d1/bye',
        payload,
        qos: 0,
        dup: false,
        retain: false,
      }),
    ) as [Buffer, Buffer];
    /** More than the system's buffers take for the one that does not read. */
    const FILL = 5_000;
    for (let sent = 0; sent < FILL; sent += 100) {
      device.socket.write(Buffer.concat(Array.from({ length: 100 }, () => large)));
      await until(() => running.tapped.length === sent + 100, 'the fill');
    }
    const before = heldBytes();
    for (let sent = 0; sent < CONNECTIONS; sent += 1) {
      device.socket.write(Buffer.concat([small, filler]));
      await until(() => running.tapped.length === FILL + 15 * (sent + 1), 'the filler');
    }
    await untilLetGo(before, 'the filler');
  });
});
