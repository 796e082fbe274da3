import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import mqtt from 'mqtt-packet';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';

const BEAT = 'hb/v1/meter/d1/beat';
const MB = 1_048_576;

/** A PUBLISH header that declares `bytes` more to come. */
function publishHeader(bytes: number): Buffer {
  const digits: number[] = [];
  let rest = bytes;
  do {
    digits.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from([0x30, ...digits]);
}

describe('packet sizes', () => {
  it('closes a socket that declares 200 MB before CONNECT, and memory stays flat', async () => {
    await using running = await runBroker();
    const attackers = await Promise.all(Array.from({ length: 8 }, () => RawClient.open(running.port)));
    const before = process.memoryUsage().rss;
    const chunk = Buffer.alloc(64 * 1024);
    for (const { socket } of attackers) {
      socket.write(Buffer.concat([Buffer.from([0x10]), publishHeader(200 * MB).subarray(1)]));
      for (let sent = 0; sent < 4 * MB; sent += chunk.length) socket.write(chunk);
    }
    await within(Promise.all(attackers.map(({ ended }) => ended)), 'the attackers to be cut off');
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 100 * MB, `grew by ${Math.round(grown / MB)} MB`);
    assert.equal(running.broker.counters().refused['connect-too-large'], 8);
  });

  it('closes a client that declares 200 MB after CONNECT, at the header', async () => {
    await using running = await runBroker();
    const client = await RawClient.login(running.port, { clientId: 'd1' });
    client.socket.write(publishHeader(200 * MB));
    await within(client.ended, 'the client to be cut off');
    assert.equal(running.broker.counters().refused['packet-too-large'], 1);
  });

  it('closes a client that publishes 1 MB, and others go on', async () => {
    await using running = await runBroker();
    const good = await RawClient.login(running.port, { clientId: 'good' });
    const bad = await RawClient.login(running.port, { clientId: 'bad' });
    bad.publish(BEAT, Buffer.alloc(MB), { qos: 1, messageId: 1 });
    await within(bad.ended, 'the client to be cut off');
    assert.equal(running.broker.counters().refused['packet-too-large'], 1);
    await good.publishAcknowledged(BEAT, '{}', 1);
    assert.deepEqual(running.tapped, [{ topic: BEAT, payload: '{}' }]);
  });

  it('takes a payload at the limit and refuses one byte more without PUBACK', async () => {
    await using running = await runBroker({ limits: { payloadBytesMax: 100 } });
    const client = await RawClient.login(running.port, { clientId: 'd1' });
    await client.publishAcknowledged(BEAT, 'x'.repeat(100), 1);
    client.publish(BEAT, 'x'.repeat(101), { qos: 1, messageId: 2 });
    await within(client.ended, 'the client to be cut off');
    assert.equal(client.received.length, 0);
    assert.equal(running.broker.counters().refused['payload-too-large'], 1);
    assert.equal(running.tapped.length, 1);
  });

  it('takes a packet that trickles in byte by byte', async () => {
    await using running = await runBroker();
    const client = await RawClient.open(running.port);
    const bytes = Buffer.concat([
      mqtt.generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive: 9,
        clientId: 'd1',
      }),
      mqtt.generate({
        cmd: 'publish',
        topic: BEAT,
        payload: '{}',
        qos: 1,
        messageId: 5,
        dup: false,
        retain: false,
      }),
    ]);
    client.socket.setNoDelay(true);
    for (const byte of bytes) {
      await new Promise((resolve) => client.socket.write(Buffer.from([byte]), resolve));
    }
    await client.next('puback');
  });
});

describe('connections', () => {
  it('closes a socket that does not say CONNECT in time', async () => {
    await using running = await runBroker({ limits: { connectTimeoutMs: 100 } });
    const silent = await RawClient.open(running.port);
    const dripping = await RawClient.open(running.port);
    dripping.socket.write(Buffer.from([0x10, 0x20, 0x00]));
    await within(Promise.all([silent.ended, dripping.ended]), 'both to be closed');
    assert.equal(running.broker.counters().refused['connect-timeout'], 2);
  });

  it('makes room for a new client by closing the socket that has waited longest for its CONNECT', async () => {
    await using running = await runBroker({ limits: { connectionsMax: 3 } });
    const halfOpen = [];
    for (let count = 0; count < 3; count++) halfOpen.push(await RawClient.open(running.port));
    await until(() => running.broker.counters().connectionsOpen === 3, 'the sockets to be in');
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    assert.equal(device.returnCode, 0);
    await within(halfOpen[0]?.ended ?? Promise.reject(), 'the oldest to be closed');
    assert.equal(running.broker.counters().refused['handshake-evicted'], 1);
  });

  it('turns a socket away when clients hold every place', async () => {
    await using running = await runBroker({ limits: { connectionsMax: 1 } });
    await RawClient.login(running.port, { clientId: 'd1' });
    const late = await RawClient.open(running.port);
    await within(late.ended, 'the socket to be closed');
    assert.equal(running.broker.counters().refused['connections-max'], 1);
    assert.equal(running.broker.counters().connectionsOpen, 1);
  });

  it('limits sockets per address, and gives places back', async () => {
    await using running = await runBroker({
      limits: { connectionsPerAddressMax: 2, connectionsPerSecondPerAddress: 1000, trustedAddresses: [] },
    });
    const first = await RawClient.login(running.port, { clientId: 'a' });
    await RawClient.login(running.port, { clientId: 'b' });
    const third = await RawClient.open(running.port);
    await within(third.ended, 'the third to be closed');
    const elsewhere = await RawClient.login(running.port, { clientId: 'c' }, { from: '127.0.0.2' });
    assert.equal(elsewhere.returnCode, 0);
    first.destroy();
    await until(() => running.broker.counters().connectionsOpen === 2, 'the place to be free');
    assert.equal((await RawClient.login(running.port, { clientId: 'd' })).returnCode, 0);
    assert.equal(running.broker.counters().refused['connections-per-address-max'], 1);
  });

  it('holds 1,000 half-open sockets and still serves a device', async () => {
    await using running = await runBroker();
    const halfOpen = await Promise.all(Array.from({ length: 1_000 }, () => RawClient.open(running.port)));
    const device = await RawClient.login(running.port, { clientId: 'd1' });
    await device.publishAcknowledged(BEAT, '{}', 1);
    for (const client of halfOpen) client.destroy();
    await until(() => running.broker.counters().connectionsOpen === 1, 'the sockets to be gone');
  });
});

describe('client ids', () => {
  it('refuses an empty one with a lasting session with code 2', async () => {
    await using running = await runBroker();
    const client = await RawClient.open(running.port);
    client.socket.write(Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 60, 0, 0]));
    const connack = await client.next('connack');
    assert.equal((connack as { returnCode: number }).returnCode, 2);
    await within(client.ended, 'the connection to be closed');
  });

  it('makes one up for an empty one with a clean session', async () => {
    await using running = await runBroker();
    assert.equal((await RawClient.login(running.port, { clientId: '' })).returnCode, 0);
  });

  for (const [what, clientId] of [
    ['too long', 'x'.repeat(257)],
    ['with a line break', 'd1\n{"forged":"log line"}'],
  ] as const) {
    it(`refuses one ${what} with code 2`, async () => {
      await using running = await runBroker();
      assert.equal((await RawClient.login(running.port, { clientId })).returnCode, 2);
      assert.equal(running.broker.counters().refused['client-id'], 1);
    });
  }

  it('refuses 60 kB at the header', async () => {
    await using running = await runBroker();
    const client = await RawClient.open(running.port);
    client.connect({ clientId: 'x'.repeat(60_000) });
    await within(client.ended, 'the connection to be closed');
    assert.equal(running.broker.counters().refused['connect-too-large'], 1);
  });

  it('that are names of Object.prototype are ids like others', async () => {
    await using running = await runBroker();
    for (const clientId of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const client = await RawClient.login(running.port, { clientId });
      assert.equal(client.returnCode, 0, clientId);
      await client.publishAcknowledged(BEAT, '{}', 1);
    }
    assert.equal(running.broker.counters().clientsConnected, 4);
  });

  for (const turns of [0, 1, 2, 3, 4]) {
    it(`that 40 clients use at once leave one connected, though half leave ${turns} turns later`, async () => {
      await using running = await runBroker();
      const { broker } = running;
      const first = await RawClient.login(running.port, { clientId: 'shared' });
      await first.subscribe(['hb/v1/meter/shared/ping']); // so that closing it takes a while
      const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.open(running.port)));
      await until(() => broker.counters().connectionsOpen === 41, 'the sockets to be in');
      for (const client of clients) client.connect({ clientId: 'shared' });
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      for (const client of clients.slice(0, 20)) client.destroy();
      await until(() => broker.counters().connectionsOpen === 1, 'all but one to be closed');
      assert.equal(broker.counters().clientsConnected, 1);
      for (const client of clients) client.destroy();
      await until(() => broker.counters().clientsConnected === 0, 'nobody to be left');
    });
  }

  it('used by two clients in turn are found and named', async () => {
    await using running = await runBroker();
    for (let turn = 0; turn < 6; turn++) {
      await RawClient.login(running.port, { clientId: 'twin' }, { from: `127.0.0.${2 + (turn % 2)}` });
    }
    const { takeoversTotal, refused } = running.broker.counters();
    assert.equal(takeoversTotal, 5);
    assert.equal(refused['client-id-duplicate'], 1);
    const line = running.log.find(({ reason }) => reason === 'client-id-duplicate');
    assert.equal(line?.client, 'twin');
    assert.match(String(line?.detail), /127\.0\.0\.2, 127\.0\.0\.3/);
  });
});

describe('protocol versions', () => {
  it('answers MQTT 5 with code 1', async () => {
    await using running = await runBroker();
    const client = await RawClient.open(running.port);
    client.connect({ clientId: 'd1', protocolVersion: 5 });
    const connack = await client.next('connack');
    assert.equal((connack as { returnCode: number }).returnCode, 1);
    await within(client.ended, 'the connection to be closed');
    assert.equal(running.broker.counters().refused['protocol-version'], 1);
  });

  for (const [what, name, level] of [
    ['a level below', 'MQTT', 2],
    ['a level to come', 'MQTT', 6],
    ['the level of MQTT 3.1 under the name of MQTT 3.1.1', 'MQTT', 3],
    ['the level of MQTT 3.1.1 under the name of MQTT 3.1', 'MQIsdp', 4],
  ] as const) {
    it(`answers ${what} with code 1 as well`, async () => {
      await using running = await runBroker();
      const client = await RawClient.open(running.port);
      const connect = Buffer.from(
        `\x10\x00\x00${String.fromCharCode(name.length)}${name}${String.fromCharCode(level)}\x02\x00\x3c\x00\x01a`,
        'latin1',
      );
      connect[1] = connect.length - 2;
      client.socket.write(connect);
      const connack = await client.next('connack');
      assert.equal((connack as { returnCode: number }).returnCode, 1);
      await within(client.ended, 'the connection to be closed');
      assert.equal(running.broker.counters().refused['protocol-version'], 1);
    });
  }

  it('takes MQTT 3.1', async () => {
    await using running = await runBroker();
    const client = await RawClient.login(running.port, {
      clientId: 'a-client-id-of-more-than-23-characters',
      protocolId: 'MQIsdp',
      protocolVersion: 3,
    });
    assert.equal(client.returnCode, 0);
  });
});

describe('silence', () => {
  for (const [what, keepalive] of [
    ['no keepalive', 0],
    ['a keepalive above the maximum', 3_600],
  ] as const) {
    it(`ends a client with ${what} after 1.5 × the maximum`, async () => {
      await using running = await runBroker({ limits: { keepaliveMaxS: 1 } });
      const client = await RawClient.login(running.port, { clientId: 'd1', keepalive });
      await within(client.ended, 'the silent client to be closed');
      assert.equal(running.broker.counters().refused['keepalive-timeout'], 1);
    });
  }
});

describe('rates and counts', () => {
  it('cuts off a client that sends faster than its burst allows, and others go on', async () => {
    await using running = await runBroker({
      limits: { messagesPerSecondMax: 1, messageBurstMax: 10 },
      now: () => 0,
    });
    const flood = await RawClient.login(running.port, { clientId: 'flood' });
    const good = await RawClient.login(running.port, { clientId: 'good' });
    for (let count = 0; count < 50; count++) flood.publish(BEAT, '{}');
    await within(flood.ended, 'the flood to be cut off');
    assert.equal(running.tapped.length, 10);
    assert.ok(running.broker.counters().refused['rate-limit'] >= 1);
    await good.publishAcknowledged(BEAT, '{}', 1);
  });

  it('cuts off a client that sends nothing but pings', async () => {
    await using running = await runBroker({
      limits: { messagesPerSecondMax: 1, messageBurstMax: 10 },
      now: () => 0,
    });
    const flood = await RawClient.login(running.port, { clientId: 'flood' });
    for (let count = 0; count < 50; count++) flood.send({ cmd: 'pingreq' });
    await within(flood.ended, 'the flood to be cut off');
  });

  it('does not pace verdicts, which a detector may have to publish for a whole fleet at once', async () => {
    await using running = await runBroker({
      limits: { messagesPerSecondMax: 1, messageBurstMax: 2 },
      now: () => 0,
    });
    const detector = await RawClient.login(running.port, { clientId: 'detector' });
    for (let messageId = 1; messageId <= 100; messageId++) {
      await detector.publishAcknowledged(`hb/v1/meter/d${messageId}/state`, '{}', messageId);
    }
  });

  it('refuses subscriptions beyond the limit with 128, and counts those given back', async () => {
    await using running = await runBroker({ limits: { subscriptionsPerClientMax: 2 } });
    const client = await RawClient.login(running.port, { clientId: 'd1' });
    assert.deepEqual(
      await client.subscribe(['hb/v1/a/+/state', 'hb/v1/b/+/state', 'hb/v1/c/+/state']),
      [1, 1, 128],
    );
    client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['hb/v1/a/+/state'] });
    await client.next('unsuback');
    assert.deepEqual(await client.subscribe(['hb/v1/c/+/state'], 1, 10), [1]);
    assert.equal(running.broker.counters().refused['subscriptions-max'], 1);
  });

  it('refuses too deep and too long filters with 128', async () => {
    await using running = await runBroker();
    const client = await RawClient.login(running.port, { clientId: 'd1' });
    assert.deepEqual(await client.subscribe([`hb/v1/${'x'.repeat(300)}`]), [128]);
  });

  it('keeps no more retained verdicts than allowed', async () => {
    await using running = await runBroker({ limits: { retainedMessagesMax: 2 } });
    for (const device of ['a', 'b', 'c', 'a']) {
      await running.broker.publish({
        topic: `hb/v1/meter/${device}/state`,
        payload: Buffer.from('{}'),
        qos: 1,
        retain: true,
      });
    }
    assert.equal(running.broker.counters().retainedMessages, 2);
    assert.equal(running.broker.counters().refused['retained-max'], 1);
  });
});

describe('the log', () => {
  it('tells each reason a few times a minute, and never a payload or password', async () => {
    await using running = await runBroker({ limits: { logLinesPerMinuteMax: 3 } });
    for (let count = 0; count < 20; count++) {
      const client = await RawClient.login(running.port, {
        clientId: `c${count}`,
        username: 'somebody',
        password: Buffer.from('s3cret-password'),
      });
      client.publish('garbage/topic', 's3cret-payload', { qos: 1, messageId: 1 });
      await within(client.ended, 'the client to be closed');
    }
    assert.equal(running.broker.counters().refused['publish-refused'], 20);
    assert.equal(running.log.filter(({ reason }) => reason === 'publish-refused').length, 3);
    await running.broker.close();
    const summary = running.log.find(({ suppressed }) => suppressed !== undefined);
    assert.equal(summary?.suppressed, 17);
    assert.doesNotMatch(JSON.stringify(running.log), /s3cret/);
  });
});
