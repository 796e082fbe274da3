import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { Mosquitto, skipWithout } from '@slowbeat/test-servers';
import { systemClock } from './clock.ts';
import { type MqttTransportOptions, mqttTransport } from './mqtt-transport.ts';
import { encode } from './protocol/index.ts';
import { AedesBroker, type AedesBrokerOptions } from './test-support/aedes-broker.ts';
import { makeCertificate } from './test-support/certificate.ts';
import { MemoryNetwork } from './test-support/memory-network.ts';
import { Observer } from './test-support/observer.ts';
import { Line, type Subject, transportContract } from './test-support/transport-contract.ts';
import { Arrivals } from './test-support/waiting.ts';

async function memory(): Promise<Subject> {
  const network = new MemoryNetwork(systemClock);
  const seen = new Arrivals<{ topic: string; payload: Uint8Array }>();
  network.observe = (message) => seen.add(message);
  return {
    transport: network,
    arrived: async (topic) => (await seen.first((each) => each.topic === topic, topic)).payload,
    hasArrived: (topic) => seen.all.some((each) => each.topic === topic),
    publish: async (topic, payload) => network.publish(topic, new TextEncoder().encode(payload)),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** MQTT.js, with an observer to see what the broker lets through. */
async function overMqtt(broker: AsyncDisposable & { readonly url: string }, others = ''): Promise<Subject> {
  const observer = await Observer.at(broker.url);
  return {
    transport: mqttTransport({ url: `${others}${broker.url}` }),
    arrived: async (topic) => (await observer.on(topic)).payload,
    hasArrived: (topic) => observer.seen.all.some((each) => each.topic === topic),
    publish: (topic, payload) => observer.publish(topic, payload),
    async [Symbol.asyncDispose]() {
      await observer[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

transportContract('the network in memory', false, memory);
transportContract('MQTT.js with Aedes', false, async () => overMqtt(await AedesBroker.start()));
transportContract('MQTT.js with Aedes over WebSocket', false, async () =>
  overMqtt(await AedesBroker.start({ protocol: 'ws' })),
);
transportContract('MQTT.js with two brokers, the first of which is gone', false, async () =>
  overMqtt(await AedesBroker.start(), 'mqtt://127.0.0.1:1,'),
);
transportContract('MQTT.js with mosquitto', skipWithout('mosquitto'), async () =>
  overMqtt(await Mosquitto.start()),
);

describe('mqttTransport', () => {
  const beat = { topic: 'hb/v1/meter/d1/beat', payload: encode('beat', {}), qos: 1 } as const;

  async function refusal(url: string, more: MqttTransportOptions = {}): Promise<string> {
    const line = new Line(mqttTransport({ url, ...more }));
    const { error } = await line.closed();
    assert.deepEqual(line.names, ['closed']);
    assert.ok(error !== undefined);
    return error.message;
  }

  async function opens(
    options: AedesBrokerOptions,
    more: MqttTransportOptions = {},
    userInfo = '',
  ): Promise<void> {
    await using broker = await AedesBroker.start(options);
    const line = await new Line(
      mqttTransport({ url: broker.url.replace('//', `//${userInfo}`), ...more }),
    ).opened();
    line.connection.end();
    await line.closed();
  }

  it('tells where nobody listens', async () => {
    const broker = await AedesBroker.start();
    await broker[Symbol.asyncDispose]();
    assert.match(await refusal(broker.url), new RegExp(`^mqtt://127.0.0.1:${broker.port}: .*ECONNREFUSED`));
  });

  it('tells that the broker refuses, and why', async () => {
    await using broker = await AedesBroker.start({ password: 'right' });
    assert.match(await refusal(broker.url), /Connection refused: Not authorized/);
  });

  it('takes user and password from the URL, percent-decoded', async () => {
    await opens({ password: 'p@ss/word' }, {}, 'user:p%40ss%2Fword@');
  });

  it('speaks TLS and checks the certificate', { skip: skipWithout('openssl') }, async () => {
    const tls = makeCertificate();
    await opens({ protocol: 'mqtts', tls }, { ca: tls.cert });
    await opens({ protocol: 'mqtts', tls }, { rejectUnauthorized: false });
    await using broker = await AedesBroker.start({ protocol: 'mqtts', tls });
    assert.match(await refusal(broker.url), /self-signed certificate/);
  });

  it('tells of a certificate that cannot be read as of any failed connection', async () => {
    const message = await refusal('mqtts://127.0.0.1:1', { cert: 'no PEM', key: 'neither' });
    assert.match(message, /^mqtts:\/\/127\.0\.0\.1:1: /);
  });

  it('says goodbye at once, although a message is still unanswered', async () => {
    await using broker = await AedesBroker.start({ stalls: (topic) => topic === beat.topic });
    await using observer = await Observer.at(broker.url);
    const line = await new Line(mqttTransport({ url: broker.url })).opened();
    line.connection.publish(beat, () => {});
    line.connection.end();
    await line.closed();
    await observer.publish('settled', '');
    await observer.on('settled');
    assert.deepEqual(
      observer.seen.all.map(({ topic }) => topic),
      ['settled'],
    );
  });

  it('never hands over a retained message: it is a copy from the past', async () => {
    await using broker = await AedesBroker.start();
    await using observer = await Observer.at(broker.url);
    await observer.publish('hb/v1/meter/d1/ping', '{"x":1}', true);
    const line = await new Line(mqttTransport({ url: broker.url })).opened();
    await line.subscribe('hb/v1/meter/d1/ping');
    await observer.publish('hb/v1/meter/d1/ping', '{"x":2}');
    await line.calls.first(({ name }) => name === 'message', 'the live message');
    line.connection.end();
    await line.closed();
    assert.deepEqual(line.names, ['opened', 'message', 'closed']);
  });

  it('publishes nothing retained', async () => {
    await using broker = await AedesBroker.start();
    const line = await new Line(mqttTransport({ url: broker.url })).opened();
    assert.equal(await line.publish(beat.topic, 1), undefined);
    await using late = await Observer.at(broker.url);
    await late.publish('settled', '');
    await late.on('settled');
    assert.deepEqual(
      late.seen.all.map(({ topic }) => topic),
      ['settled'],
    );
    line.connection.end();
    await line.closed();
  });

  it('fails a subscription that the broker refuses, and stays open', async () => {
    await using broker = await AedesBroker.start({ refusesSubscriptions: true });
    const line = await new Line(mqttTransport({ url: broker.url })).opened();
    assert.ok((await line.subscribe('hb/v1/meter/d1/ping')) instanceof Error);
    assert.equal(await line.publish(beat.topic, 1), undefined);
    line.connection.end();
    await line.closed();
  });

  it('gives up a broker that speaks something else', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await refusal(`mqtt://127.0.0.1:${port}`);
    server.close();
  });

  for (const [options, option, text] of [
    [{}, 'url', /is required, such as "mqtt:/],
    [{ url: 'broker' }, 'url', /must be a URL with a host/],
    [{ url: 'http://broker' }, 'url', /begins with http:\/\//],
    [{ url: 'mqtt://broker,' }, 'url', /must be a URL with a host/],
    [{ url: 'mqtts://broker,mqtt://broker', ca: 'PEM' }, 'ca', /mqtts:\/\/ and wss:\/\/ only/],
    [{ url: 'mqtt://broker', ca: 'PEM' }, 'ca', /mqtts:\/\/ and wss:\/\/ only/],
    [{ url: 'mqtts://broker', key: 'PEM' }, 'cert', /come together/],
  ] as const) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => mqttTransport(options), { code: 'invalid-option', option, message: text });
    });
  }

  it('never repeats a URL, which may hold a password', () => {
    assert.throws(
      () => mqttTransport({ url: 'mqtt://user:secret@' }),
      (error: Error) => !error.message.includes('secret'),
    );
  });
});
