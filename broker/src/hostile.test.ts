import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import fc from 'fast-check';
import mqtt, { type Packet } from 'mqtt-packet';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

const BEAT = 'hb/v1/meter/good/beat';

/** In the name of each test, so that a failure tells it; settable, so that it can be run again. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

const text = fc.oneof(
  fc.constantFrom('hb/v1/meter/d1/beat', 'hb/v1/meter/d1/state', '#', '+', '$SYS/x', '', 'a/b', '/', '\0'),
  fc.string({ maxLength: 40 }),
);
const payload = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const messageId = fc.constantFrom(0, 1, 2, 65_535);
const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2);

/** Packets a client may send, most of them in the wrong place. */
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({
    cmd: fc.constant('publish' as const),
    topic: text,
    payload,
    qos,
    messageId,
    dup: fc.boolean(),
    retain: fc.boolean(),
  }),
  fc.record({
    cmd: fc.constant('subscribe' as const),
    messageId,
    subscriptions: fc.array(fc.record({ topic: text, qos }), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    cmd: fc.constant('unsubscribe' as const),
    messageId,
    unsubscriptions: fc.array(text, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    cmd: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'),
    messageId,
  }) as fc.Arbitrary<Packet>,
  fc.constantFrom<Packet>({ cmd: 'pingreq' }, { cmd: 'disconnect' }, { cmd: 'pingresp' }),
  fc.record({
    cmd: fc.constant('connect' as const),
    protocolId: fc.constantFrom<'MQTT' | 'MQIsdp'>('MQTT', 'MQIsdp'),
    protocolVersion: fc.constantFrom<3 | 4 | 5>(3, 4, 5),
    clean: fc.boolean(),
    clientId: text,
    keepalive: fc.nat({ max: 65_535 }),
  }),
);

/** What a packet looks like on the wire; nothing for one that cannot even be written. */
function wire(some: Packet): Buffer {
  try {
    return mqtt.generate(some);
  } catch {
    return Buffer.alloc(0);
  }
}

const packets = fc.array(packet, { minLength: 1, maxLength: 8 }).map((some) => Buffer.concat(some.map(wire)));
const random = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const truncated = fc
  .tuple(packets, fc.nat())
  .map(([bytes, cut]) => bytes.subarray(0, cut % (bytes.length + 1)));
const mutated = fc
  .tuple(packets, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }))
  .map(([bytes, changes]) => {
    const copy = Buffer.from(bytes);
    for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
    return copy;
  });

async function assault(running: RunningBroker, bytes: fc.Arbitrary<Buffer>, attacks: number): Promise<void> {
  const login = mqtt.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: 'fuzz',
  });
  const samples = fc.sample(fc.tuple(bytes, fc.boolean()), { numRuns: attacks, seed: SEED });
  const BATCH = 50;
  for (let start = 0; start < samples.length; start += BATCH) {
    await Promise.all(
      samples.slice(start, start + BATCH).map(async ([attack, loggedIn]) => {
        const client = await RawClient.open(running.port);
        client.socket.end(loggedIn ? Buffer.concat([login, attack]) : attack);
        client.socket.resume();
        await within(client.ended, 'the attack to end');
      }),
    );
  }
}

/** All bytes a client is sent from now on, until its connection ends. */
async function answersTo(client: RawClient, attack: Buffer): Promise<string> {
  const answers: Buffer[] = [];
  client.socket.on('data', (bytes) => answers.push(bytes));
  client.socket.write(attack);
  await within(client.ended, 'the connection to end');
  return Buffer.concat(answers).toString('hex');
}

describe('a packet that MQTT 3.1.1 forbids', () => {
  for (const [what, hex] of [
    ['PUBACK without a message id', '4000'],
    ['PUBREC without a message id', '5000'],
    ['PUBREL without a message id', '6200'],
    ['PUBREL with half a message id', '620100'],
    ['PUBREL with more than a message id', '6203000100'],
    ['PUBCOMP without a message id', '7000'],
    ['SUBSCRIBE without a filter', '82020001'],
    ['UNSUBSCRIBE with half a message id', 'a20100'],
    ['UNSUBSCRIBE without a filter', 'a2020001'],
    ['PINGREQ with something in it', 'c00100'],
    ['DISCONNECT with something in it', 'e00100'],
    ['QoS 1 PUBLISH without a message id', '32050003612f62'],
    ['QoS 1 PUBLISH with message id 0', '32070003612f620000'],
    ['QoS 2 PUBLISH without a message id', '34050003612f62'],
    ['PUBLISH that ends in its topic', '30040003612f'],
    ['QoS 0 PUBLISH with DUP', '38050003612f62'],
    ['PUBACK with message id 0', '40020000'],
    ['PUBREC with message id 0', '50020000'],
    ['PUBREL with message id 0', '62020000'],
    ['PUBCOMP with message id 0', '70020000'],
    ['SUBSCRIBE with message id 0', '8206000000016100'],
    ['UNSUBSCRIBE with message id 0', 'a2050000000161'],
    ['PUBLISH on a topic with broken UTF-8', '3005000361ff62'],
    ['PUBLISH on a topic with a lone surrogate', '30060003eda08078'],
    ['PUBLISH on a topic with a NUL', '30050003610062'],
    ['QoS 1 PUBLISH on a topic with broken UTF-8', '3207000361ff620001'],
    ['QoS 2 PUBLISH on a topic with broken UTF-8', '3407000361ff620001'],
    ['SUBSCRIBE to a filter with broken UTF-8', '82080001000361ff6200'],
    ['SUBSCRIBE to a filter with a NUL', '82080001000361006200'],
    ['UNSUBSCRIBE from a filter with broken UTF-8', 'a2070001000361ff62'],
  ] as const) {
    it(`ends the connection without a byte of an answer, as what follows it does: ${what}`, async () => {
      await using running = await runBroker({ topics: 'any' });
      const client = await RawClient.login(running.port, { clientId: 'odd' });
      assert.equal(await answersTo(client, Buffer.from(`${hex}620200006202000062020000`, 'hex')), '');
      assert.equal(running.broker.counters().refused.malformed, 1);
    });
  }

  for (const [what, hex] of [
    ['with a will of QoS 3', '101300044d515454041e003c00016100017700016d'],
    ['with a password and no user name', '101000044d5154540442003c000161000170'],
    ['with more than its fields', '100f00044d5154540402003c0001616162'],
    ['with a client id of broken UTF-8', '100d00044d5154540402003c0001ff'],
    ['with a user name that holds a NUL', '101000044d5154540482003c000161000100'],
    ['with a will on a topic of broken UTF-8', '101300044d5154540406003c0001610001ff00016d'],
  ] as const) {
    it(`ends the connection without a byte of an answer: CONNECT ${what}`, async () => {
      await using running = await runBroker({ topics: 'any' });
      const client = await RawClient.open(running.port);
      assert.equal(await answersTo(client, Buffer.from(hex, 'hex')), '');
      assert.equal(running.broker.counters().refused.malformed, 1);
    });
  }

  it('is known from one that only looks odd: U+FFFD, when it is meant, is a character', async () => {
    await using running = await runBroker({ topics: 'any' });
    const client = await RawClient.login(running.port, { clientId: '\ufffd' });
    assert.deepEqual(await client.subscribe(['a/\ufffd']), [1]);
    await client.publishAcknowledged('a/\ufffd', 'x', 1);
    assert.equal(((await client.next('publish')) as { topic: string }).topic, 'a/\ufffd');
  });
});

describe('hostile bytes', () => {
  const roomy = { limits: { messageBurstMax: 100_000 } };

  for (const [what, bytes, attacks] of [
    ['random bytes', random, 700],
    ['truncated packets', truncated, 700],
    ['mutated packets', mutated, 1_500],
    ['well-formed packets in any order', packets, 1_000],
  ] as const) {
    it(`survives ${attacks} connections of ${what}, and a good client is served all along, FUZZ_SEED=${SEED}`, async () => {
      await using running = await runBroker(roomy);
      const good = await RawClient.login(running.port, { clientId: 'good' });
      let attacking = true;
      const assaulted = assault(running, bytes, attacks).finally(() => {
        attacking = false;
      });
      let beats = 0;
      while (attacking) {
        beats += 1;
        await good.publishAcknowledged(BEAT, '{}', (beats % 65_535) + 1);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await assaulted;
      await good.publishAcknowledged(BEAT, '{}', 1);
      await until(() => running.broker.counters().connectionsOpen === 1, 'every attacker to be gone');
      const counters = running.broker.counters();
      assert.equal(counters.clientsConnected, 1);
      assert.equal(counters.tapsPending, 0);
      assert.equal(
        counters.refused.internal,
        0,
        JSON.stringify(running.log.filter(({ reason }) => reason === 'internal')),
      );
      assert.ok(running.log.length < 1_000, `${running.log.length} log lines`);
    });
  }

  it(`survives 20,000 mutated packets on connections that are reopened whenever they end, FUZZ_SEED=${SEED}`, async () => {
    await using running = await runBroker(roomy);
    const samples = fc.sample(mutated, { numRuns: 20_000, seed: SEED });
    const login = { clientId: 'fuzz' };
    let client = await RawClient.login(running.port, login);
    let open = true;
    client.ended.then(() => {
      open = false;
    });
    for (const [index, bytes] of samples.entries()) {
      if (!open) {
        client = await RawClient.login(running.port, login);
        open = true;
        const current = client;
        current.ended.then(() => {
          if (client === current) open = false;
        });
      }
      client.socket.write(bytes);
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    client.destroy();
    const good = await RawClient.login(running.port, { clientId: 'good' });
    await good.publishAcknowledged(BEAT, '{}', 1);
    const { refused } = running.broker.counters();
    assert.equal(
      refused.internal,
      0,
      JSON.stringify(running.log.filter(({ reason }) => reason === 'internal')),
    );
  });
});
