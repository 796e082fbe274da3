import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { brokerConfigSchema } from './config.ts';
import { SessionStore } from './session-store.ts';
import type { StoredPacket } from './stored-packet.ts';

const CLIENT = { id: 'detector' };
const TOPIC = 'hb/v1/meter/d1/beat';

function createStore(limits: { queuedMessagesMax?: number; sessionExpiryS?: number } = {}) {
  let overflowed = 0;
  const store = new SessionStore(brokerConfigSchema.parse({ limits }).limits, {
    overflowed: () => {
      overflowed += 1;
    },
    sessionsFull: () => {},
    retainedFull: () => {},
    sysValues: () => [],
    mayKeep: () => true,
    mayPromise: async () => {},
  });
  return { store, overflowed: () => overflowed };
}

function message(brokerCounter: number, more: object = {}) {
  const payload = Buffer.from(String(brokerCounter));
  return {
    cmd: 'publish',
    topic: TOPIC,
    payload,
    qos: 1,
    retain: false,
    dup: false,
    brokerCounter,
    ...more,
  } as const;
}

async function queued(store: SessionStore): Promise<string[]> {
  const payloads: string[] = [];
  for await (const packet of store.outgoingStream(CLIENT)) payloads.push(String(packet.payload));
  return payloads;
}

describe('a payload that is kept', () => {
  const read = Buffer.alloc(65_536);
  const packet = message(1, { payload: read.subarray(100, 101) });

  for (const [what, keep, stream] of [
    [
      'for who is away',
      (store: SessionStore) => store.outgoingEnqueueCombi([{ clientId: CLIENT.id, qos: 1 }], packet),
      (store: SessionStore) => store.outgoingStream(CLIENT),
    ],
    [
      'for who comes later',
      (store: SessionStore) => store.storeRetained(packet),
      (store: SessionStore) => store.createRetainedStreamCombi([TOPIC]),
    ],
  ] as const) {
    it(`${what} is a copy, not a view of all that was read with it`, async () => {
      const { store } = createStore();
      await store.addSubscriptions(CLIENT, [{ topic: 'hb/v1/#', qos: 1 }]);
      await keep(store);
      const [kept] = (await Readable.from(stream(store)).toArray()) as { payload: Buffer }[];
      assert.deepEqual(kept?.payload, packet.payload);
      assert.ok((kept?.payload.buffer.byteLength ?? read.length) <= Buffer.poolSize);
    });
  }

  it('until its PUBREL comes is a copy as well', async () => {
    const { store } = createStore();
    await store.incomingStorePacket(CLIENT, { ...packet, messageId: 1 });
    const { payload } = await store.incomingGetPacket(CLIENT, { ...packet, messageId: 1 });
    assert.deepEqual(payload, packet.payload);
    assert.ok(payload.buffer.byteLength <= Buffer.poolSize);
  });

  it('for several who are away is kept once', async () => {
    const { store } = createStore();
    const both = [CLIENT, { id: 'dashboard' }];
    for (const client of both) await store.addSubscriptions(client, [{ topic: 'hb/v1/#', qos: 1 }]);
    await store.outgoingEnqueueCombi(
      both.map(({ id }) => ({ clientId: id, qos: 1 })),
      packet,
    );
    const kept = both.flatMap((client) => [...store.outgoingStream(client)]);
    const [one, other] = kept.map(({ payload }) => payload);
    assert.ok(one !== undefined && one === other);
  });
});

describe('a search through many retained messages', () => {
  it('lets others have their turn, whatever it finds', async () => {
    const { store } = createStore();
    for (let index = 0; index < 20_000; index += 1) {
      await store.storeRetained(message(index, { topic: `hb/v1/meter/d${index}/state` }));
    }
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      waiting = setImmediate(turn);
    };
    let waiting = setImmediate(turn);
    const found = await store
      .createRetainedStreamCombi(['hb/v1/valve/+/state', 'hb/v1/+/d7/state'])
      .toArray();
    clearImmediate(waiting);
    assert.equal(found.length, 1);
    assert.ok(turns >= 20, `${turns} turns`);
  });
});

describe('a kept session', () => {
  it('is forgotten once its client has been away for longer than allowed, and not while it is there', async () => {
    const { store } = createStore({ sessionExpiryS: 60 });
    await store.addSubscriptions(CLIENT, [{ topic: 'hb/v1/#', qos: 1 }]);
    store.expire(10_000_000);
    assert.equal(store.sessionCount, 1);
    store.disconnected(CLIENT.id, 10_000_000);
    store.expire(10_060_000);
    assert.equal(store.sessionCount, 1);
    store.connected(CLIENT.id);
    store.expire(20_000_000);
    assert.equal(store.sessionCount, 1);
    store.disconnected(CLIENT.id, 20_000_000);
    store.expire(20_060_001);
    assert.equal(store.sessionCount, 0);
  });

  it('gets a message once although several of its filters match, with the highest QoS granted', async () => {
    const { store } = createStore();
    await store.addSubscriptions(CLIENT, [
      { topic: 'hb/v1/#', qos: 1 },
      { topic: 'hb/v1/+/d1/+', qos: 2 },
      { topic: TOPIC, qos: 0 },
    ]);
    assert.deepEqual(await store.subscriptionsByTopic(TOPIC), [
      { clientId: 'detector', topic: TOPIC, qos: 2 },
    ]);
    assert.deepEqual(await store.subscriptionsByTopic('elsewhere'), []);
  });

  it('queues a message with the QoS of its subscription, unretained, in bytes of its own', async () => {
    const { store } = createStore();
    await store.addSubscriptions(CLIENT, [{ topic: 'hb/v1/#', qos: 1 }]);
    const network = Buffer.from('7');
    await store.outgoingEnqueueCombi(
      [{ clientId: CLIENT.id, qos: 1 }],
      message(7, { qos: 2, retain: true, payload: network }),
    );
    network.fill(0);
    const [packet] = [...store.outgoingStream(CLIENT)] as [StoredPacket];
    assert.deepEqual([packet.qos, packet.retain, String(packet.payload)], [1, false, '7']);
  });

  it('marks as repeated what its client was given before and has not acknowledged, and nothing else', async () => {
    const { store } = createStore();
    await store.addSubscriptions(CLIENT, [{ topic: 'hb/v1/#', qos: 1 }]);
    for (const number of [1, 2]) {
      await store.outgoingEnqueueCombi([{ clientId: CLIENT.id, qos: 1 }], message(number));
    }
    await store.outgoingUpdate(CLIENT, message(1, { messageId: 9 }));
    assert.deepEqual(
      [...store.outgoingStream(CLIENT)].map(({ dup }) => dup),
      [true, false],
    );
  });

  it('replaces a QoS 2 message by its PUBREL', async () => {
    const { store } = createStore();
    await store.addSubscriptions(CLIENT, [{ topic: 'hb/v1/#', qos: 2 }]);
    await store.outgoingEnqueue({ clientId: CLIENT.id }, message(1, { qos: 2 }));
    await store.outgoingUpdate(CLIENT, message(1, { messageId: 9 }));
    await store.outgoingUpdate(CLIENT, { cmd: 'pubrel', messageId: 9 } as never);
    const [packet] = [...store.outgoingStream(CLIENT)] as [StoredPacket];
    assert.deepEqual([packet.cmd, packet.messageId], ['pubrel', 9]);
    await store.outgoingClearMessageId(CLIENT, { messageId: 9 } as never);
    assert.deepEqual(await queued(store), []);
  });

  it('holds the newest messages not acknowledged, in order, whatever comes and is acknowledged', async () => {
    const step = fc.oneof(fc.constant('enqueue' as const), fc.nat({ max: 20 }));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { store, overflowed } = createStore({ queuedMessagesMax: 5 });
        await store.addSubscriptions(CLIENT, [{ topic: 'hb/v1/#', qos: 1 }]);
        let model: number[] = [];
        let dropped = 0;
        let counter = 0;
        for (const what of steps) {
          if (what === 'enqueue') {
            counter += 1;
            await store.outgoingEnqueue({ clientId: CLIENT.id }, message(counter));
            await store.outgoingUpdate(CLIENT, message(counter, { messageId: counter }));
            model.push(counter);
            if (model.length > 5) {
              model.shift();
              dropped += 1;
            }
          } else {
            await store.outgoingClearMessageId(CLIENT, { messageId: what } as never);
            model = model.filter((queuedCounter) => queuedCounter !== what);
          }
        }
        assert.deepEqual(await queued(store), model.map(String));
        assert.equal(overflowed(), dropped);
      }),
    );
  });
});

describe('a retained message', () => {
  it('is replaced by the next on its topic and removed by an empty one', async () => {
    const { store } = createStore();
    const retained = async (filter: string): Promise<string[]> =>
      (await store.createRetainedStreamCombi([filter]).toArray()).map(({ payload }) => String(payload));
    await store.storeRetained(message(1));
    await store.storeRetained(message(2));
    assert.deepEqual(await retained(TOPIC), ['2']);
    assert.deepEqual(await retained('hb/v1/+/+/beat'), ['2']);
    assert.deepEqual(await retained('hb/v1/+/+/state'), []);
    await store.storeRetained(message(3, { payload: Buffer.alloc(0) }));
    assert.equal(store.retainedCount, 0);
  });
});
