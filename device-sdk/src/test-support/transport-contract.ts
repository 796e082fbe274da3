/** What every `Transport` promises. One suite, run on the network in memory and on MQTT.js with real brokers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '../protocol/index.ts';
import type { Connection, ConnectRequest, Transport } from '../transport.ts';
import { Arrivals, within } from './waiting.ts';

/** A network under test, made anew for each requirement. */
export interface Subject extends AsyncDisposable {
  readonly transport: Transport;
  /** Resolves with the payload when the broker has let a message on `topic` through. */
  arrived(topic: string): Promise<Uint8Array>;
  hasArrived(topic: string): boolean;
  publish(topic: string, payload: string): Promise<void>;
}

const WILL_TOPIC = 'hb/v1/meter/d1/will';
const PING_TOPIC = 'hb/v1/meter/d1/ping';
const BYTES = encode('beat', { seq: 1 });

function request(clientId = 'd1'): ConnectRequest {
  const will = { topic: WILL_TOPIC, payload: encode('will', { generation: 1, session: 1 }), qos: 1 } as const;
  return { clientId, keepaliveS: 30, connectTimeoutMs: 5_000, will };
}

type Call = { readonly name: 'opened' } | { readonly name: 'message'; topic: string } | Closed;
type Closed = { readonly name: 'closed'; readonly error: Error | undefined };

/** A connection and every call it makes. */
export class Line {
  readonly calls = new Arrivals<Call>();
  readonly connection: Connection;

  constructor(transport: Transport, asked = request()) {
    this.connection = transport.open(asked, {
      opened: () => this.calls.add({ name: 'opened' }),
      message: (topic) => this.calls.add({ name: 'message', topic }),
      closed: (error) => this.calls.add({ name: 'closed', error }),
    });
  }

  get names(): string[] {
    return this.calls.all.map(({ name }) => name);
  }

  async opened(): Promise<this> {
    await this.calls.first(({ name }) => name === 'opened', 'opened');
    return this;
  }

  async closed(): Promise<Closed> {
    return (await this.calls.first(({ name }) => name === 'closed', 'closed')) as Closed;
  }

  publish(topic: string, qos: 0 | 1): Promise<Error | undefined> {
    return within(
      new Promise((resolve) => {
        let returned = false;
        this.connection.publish({ topic, payload: BYTES, qos }, (error) => {
          assert.ok(returned, 'done came from inside publish()');
          resolve(error);
        });
        returned = true;
      }),
      `the answer to ${topic}`,
    );
  }

  subscribe(topic: string): Promise<Error | undefined> {
    return within(
      new Promise((resolve) => this.connection.subscribe(topic, resolve)),
      `subscribed to ${topic}`,
    );
  }
}

export function transportContract(name: string, skip: string | false, make: () => Promise<Subject>): void {
  describe(`${name} keeps the transport's promises`, { skip }, () => {
    for (const qos of [0, 1] as const) {
      it(`carries a message with QoS ${qos} and says when it is done`, async () => {
        await using subject = await make();
        const line = await new Line(subject.transport).opened();
        assert.equal(await line.publish('hb/v1/meter/d1/beat', qos), undefined);
        assert.deepEqual(await subject.arrived('hb/v1/meter/d1/beat'), BYTES);
        line.connection.end();
        await line.closed();
      });
    }

    it('makes no call from inside open()', async () => {
      await using subject = await make();
      const line = new Line(subject.transport);
      assert.deepEqual(line.names, []);
      line.connection.destroy();
      await line.closed();
    });

    it('hands over what it subscribed to', async () => {
      await using subject = await make();
      const line = await new Line(subject.transport).opened();
      assert.equal(await line.subscribe(PING_TOPIC), undefined);
      await subject.publish(PING_TOPIC, '{"x":1}');
      const call = await line.calls.first((each) => each.name === 'message', 'a message');
      assert.deepEqual(call, { name: 'message', topic: PING_TOPIC });
      line.connection.end();
      await line.closed();
    });

    it('leaves no will behind when it ends', async () => {
      await using subject = await make();
      const line = await new Line(subject.transport).opened();
      line.connection.end();
      await line.closed();
      await settle(subject);
      assert.equal(subject.hasArrived(WILL_TOPIC), false);
      assert.deepEqual(line.names, ['opened', 'closed']);
    });

    it('lets arrive what was done before it ends', async () => {
      await using subject = await make();
      const line = await new Line(subject.transport).opened();
      assert.equal(await line.publish('hb/v1/meter/d1/beat', 0), undefined);
      line.connection.end();
      await subject.arrived('hb/v1/meter/d1/beat');
      await line.closed();
    });

    it('leaves its will behind when it is destroyed', async () => {
      await using subject = await make();
      const line = await new Line(subject.transport).opened();
      line.connection.destroy();
      await subject.arrived(WILL_TOPIC);
      await line.closed();
      assert.deepEqual(line.names, ['opened', 'closed']);
    });

    it('is closed once, and never opened, when it is ended or destroyed while opening', async () => {
      await using subject = await make();
      for (const how of ['end', 'destroy'] as const) {
        const line = new Line(subject.transport);
        line.connection[how]();
        await line.closed();
        await settle(subject);
        assert.deepEqual(line.names, ['closed'], how);
      }
    });

    it('is closed once when it is destroyed while ending', async () => {
      await using subject = await make();
      const line = await new Line(subject.transport).opened();
      line.connection.end();
      line.connection.destroy();
      await line.closed();
      await settle(subject);
      assert.deepEqual(line.names, ['opened', 'closed']);
    });

    it('does nothing more, and fails what is asked, once it is closed', async () => {
      await using subject = await make();
      const line = await new Line(subject.transport).opened();
      line.connection.end();
      await line.closed();
      assert.ok((await line.publish('hb/v1/meter/d1/late', 1)) instanceof Error);
      assert.ok((await line.publish('hb/v1/meter/d1/late', 0)) instanceof Error);
      assert.ok((await line.subscribe(PING_TOPIC)) instanceof Error);
      line.connection.end();
      line.connection.destroy();
      await settle(subject);
      assert.equal(subject.hasArrived('hb/v1/meter/d1/late'), false);
      assert.deepEqual(line.names, ['opened', 'closed']);
    });

    it('is closed when another connection takes its client id', async () => {
      await using subject = await make();
      const first = await new Line(subject.transport).opened();
      const second = await new Line(subject.transport).opened();
      await first.closed();
      assert.deepEqual(first.names, ['opened', 'closed']);
      second.connection.end();
      await second.closed();
    });
  });
}

/** Whatever the broker still had to say has been said when a message sent afterwards is through. */
async function settle(subject: Subject): Promise<void> {
  const line = await new Line(subject.transport, { ...request('settle'), will: undefined }).opened();
  await line.publish('settled', 1);
  await subject.arrived('settled');
  line.connection.end();
  await line.closed();
}
