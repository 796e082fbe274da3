/** The quality of service of a delivery: the lower of what was published and the highest that was granted (3.3.5-1, 3.8.4-6). */
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
