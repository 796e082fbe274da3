/** How a message goes out: at which quality of service (3.3.5, 3.8.4), and when it counts as a repetition (3.3.1.1). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '@slowbeat/test-servers';
import type { IPublishPacket } from 'mqtt-packet';
import { RawClient } from './test-support/raw-client.ts';
import { type RunningBroker, runBroker } from './test-support/running-broker.ts';

type Qos = 0 | 1 | 2;
type Filters = readonly (readonly [filter: string, qos: Qos])[];

/** Subscribes with a quality of its own for each filter. */
async function subscribe(client: RawClient, filters: Filters): Promise<void> {
  const subscriptions = filters.map(([topic, qos]) => ({ topic, qos }));
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions });
  await client.next('suback');
}

/** Publishes with each quality, and a last message to know that all have come. */
async function published(running: RunningBroker, topic: string, retain = false): Promise<void> {
  const publisher = await RawClient.login(running.port, { clientId: 'publisher' });
  publisher.polite = true;
  for (const qos of [0, 1, 2] as const) {
    publisher.publish(retain ? `${topic}/${qos}` : topic, String(qos), {
      qos,
      retain,
      ...(qos > 0 ? { messageId: qos } : {}),
    });
    if (qos > 0) await publisher.next(qos === 1 ? 'puback' : 'pubcomp');
  }
  publisher.destroy();
}

/** QoS of the publish and of its delivery, in the order of the publishes, once so many have come. */
async function deliveries(client: RawClient, count: number): Promise<string[]> {
  const there = (): IPublishPacket[] =>
    client.received.filter((packet): packet is IPublishPacket => packet.cmd === 'publish');
  await until(() => there().length >= count, `${count} messages`);
  client.send({ cmd: 'pingreq' });
  await client.next('pingresp');
  return there()
    .map(({ payload, qos }) => `${payload}→${qos}`)
    .sort();
}

async function subscriber(running: RunningBroker, clean = true): Promise<RawClient> {
  const client = await RawClient.login(running.port, { clientId: 'subscriber', clean });
  client.polite = true;
  return client;
}

describe('a message is delivered once, at the highest quality that was granted and it has', () => {
  for (const [what, filters, expected] of [
    ['a wildcard of QoS 0', [['a/+', 0]], ['0→0', '1→0', '2→0']],
    ['a wildcard of QoS 1', [['a/#', 1]], ['0→0', '1→1', '2→1']],
    ['a topic of QoS 1', [['a/b', 1]], ['0→0', '1→1', '2→1']],
    [
      'a lower and then a higher filter',
      [
        ['a/#', 0],
        ['a/+', 2],
        ['#', 1],
      ],
      ['0→0', '1→1', '2→2'],
    ],
    [
      'a higher and then a lower filter',
      [
        ['a/+', 2],
        ['a/#', 0],
      ],
      ['0→0', '1→1', '2→2'],
    ],
    [
      'a topic below a wildcard',
      [
        ['a/b', 0],
        ['a/+', 2],
      ],
      ['0→0', '1→1', '2→2'],
    ],
    [
      'a topic above a wildcard',
      [
        ['a/+', 0],
        ['a/b', 1],
      ],
      ['0→0', '1→1', '2→1'],
    ],
    [
      'filters of which one does not match',
      [
        ['a/+', 1],
        ['b/+', 2],
      ],
      ['0→0', '1→1', '2→1'],
    ],
  ] as const satisfies readonly (readonly [string, Filters, readonly string[]])[]) {
    for (const clean of [true, false]) {
      it(`to ${what}, ${clean ? 'for as long as it is connected' : 'in a lasting session'}`, async () => {
        await using running = await runBroker({ topics: 'any' });
        const client = await subscriber(running, clean);
        await subscribe(client, filters);
        await published(running, 'a/b');
        assert.deepEqual(await deliveries(client, 3), expected);
        assert.equal(
          running.broker.clients({ limit: 10 }).clients.find(({ clientId }) => clientId === 'subscriber')
            ?.queued,
          0,
        );
      });
    }
  }

  it('also when it was retained', async () => {
    await using running = await runBroker({ topics: 'any' });
    await published(running, 'r', true);
    const client = await subscriber(running);
    await subscribe(client, [['r/+', 1]]);
    assert.deepEqual(await deliveries(client, 3), ['0→0', '1→1', '2→1']);
  });

  it('and after the highest filter was given back, at what is left', async () => {
    await using running = await runBroker({ topics: 'any' });
    const client = await subscriber(running);
    await subscribe(client, [
      ['a/b', 0],
      ['a/+', 2],
    ]);
    client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['a/+'] });
    await client.next('unsuback');
    await published(running, 'a/b');
    assert.deepEqual(await deliveries(client, 3), ['0→0', '1→0', '2→0']);
  });
});

describe('a message that was not acknowledged', () => {
  it('comes again under its number, and says so (3.3.1.1, 4.4), and what came meanwhile has the next ones', async () => {
    await using running = await runBroker({ topics: 'any' });
    const first = await RawClient.login(running.port, { clientId: 'subscriber', clean: false });
    await subscribe(first, [['a/+', 2]]);
    await published(running, 'a/b');
    await deliveries(first, 3);
    first.destroy();
    await until(() => running.broker.counters().clientsConnected === 0, 'it to be gone');
    await published(running, 'a/c');
    const again = await RawClient.login(running.port, { clientId: 'subscriber', clean: false });
    await deliveries(again, 4);
    const sent = (client: RawClient, topic: string): (readonly [number | undefined, boolean])[] =>
      client.received.flatMap((packet) =>
        packet.cmd === 'publish' && packet.topic === topic && packet.qos > 0
          ? [[packet.messageId, packet.dup] as const]
          : [],
      );
    const before = sent(first, 'a/b').map(([id]) => id);
    assert.deepEqual(
      sent(again, 'a/b'),
      before.map((id) => [id, true]),
    );
    assert.deepEqual(
      sent(again, 'a/c').map(([, dup]) => dup),
      [false, false],
    );
    const following = (id: number): number => (id % 65_535) + 1;
    const next = following(before.at(-1) as number);
    assert.deepEqual(
      sent(again, 'a/c').map(([id]) => id),
      [next, following(next)],
    );
  });
});

describe('the mark of a repetition', () => {
  it('is of one connection: what a publisher sends again is new to a subscriber (3.3.1.1)', async () => {
    await using running = await runBroker({ topics: 'any' });
    const client = await subscriber(running);
    await subscribe(client, [['a/+', 1]]);
    const publisher = await RawClient.login(running.port, { clientId: 'publisher' });
    publisher.send({
      cmd: 'publish',
      topic: 'a/b',
      payload: '',
      qos: 1,
      messageId: 1,
      dup: true,
      retain: false,
    });
    assert.equal(((await client.next('publish')) as IPublishPacket).dup, false);
  });
});
