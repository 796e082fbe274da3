/**
 * What is kept of a message must not keep all that was read with it: a read has up to 64 KiB, whatever a stranger chose to
 * send with one byte that stays.
 */
import assert from 'node:assert/strict';
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

/** What so many connections hold when each has sent this CONNECT, the filler and a rest at once. */
async function heldBy(
  running: RunningBroker,
  connect: Partial<IConnectPacket>,
  rest = Buffer.alloc(0),
): Promise<number> {
  const before = heldBytes();
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
  const held = heldBytes() - before;
  for (const client of clients) client.destroy();
  return held;
}

describe('what was read at once is let go when it is dealt with', () => {
  for (const [what, connect, rest] of [
    ['a will', { will: { topic: 'hb/v1/meter/d1/will', payload: Buffer.from('x'), qos: 1, retain: false } }],
    ['a password', { username: 'u', password: Buffer.from('p') }],
    ['the first byte of a packet', {}, Buffer.from([0x30])],
  ] as const) {
    it(`although ${what} was in it`, async () => {
      await using running = await runBroker({ tap: () => {} });
      const held = await heldBy(running, connect, rest);
      assert.ok(held < CONNECTIONS * BYTES_EACH, `${held / CONNECTIONS} bytes for each connection`);
    });
  }
});
