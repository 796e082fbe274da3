import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConnectionEvents, type ConnectRequest, systemClock } from '@slowbeat/device-sdk';
// The suite that the SDK's own transports pass; compiled, because the SDK does not export its tests.
import { type Subject, transportContract } from '../../../device-sdk/dist/test-support/transport-contract.js';
import { Arrivals } from '../../../device-sdk/dist/test-support/waiting.js';
import { LINK_QUALITIES, type LinkQuality } from '../link-quality.ts';
import { seeded } from '../random.ts';
import { VirtualLink } from './network.ts';
import { VirtualBroker } from './virtual-broker.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Weather } from './weather.ts';

/** On the machine's clock, since the suite waits for real. */
async function subject(quality: LinkQuality): Promise<Subject> {
  const seen = new Arrivals<{ topic: string; payload: Uint8Array }>();
  const broker = new VirtualBroker((topic, payload) => seen.add({ topic, payload }));
  const link = new VirtualLink(systemClock, broker, new Weather(quality, seeded(1)), {
    opened: 0,
    refused: 0,
  });
  return {
    transport: link.transport,
    arrived: async (topic) => (await seen.first((each) => each.topic === topic, topic)).payload,
    hasArrived: (topic) => seen.all.some((each) => each.topic === topic),
    publish: async (topic, payload) => broker.publish(topic, new TextEncoder().encode(payload)),
    [Symbol.asyncDispose]: async () => {},
  };
}

transportContract('the simulated network', false, () => subject(LINK_QUALITIES.lan));
transportContract('the simulated network, slow', false, () =>
  subject({ ...LINK_QUALITIES.lan, delayMs: 20 }),
);

const TOPIC = 'hb/v1/meter/d1/beat';
const WILL = 'hb/v1/meter/d1/will';
const EMPTY = new Uint8Array(0);

/** A link in virtual time, with everything that happens on it noted as `<ms> <what>`. */
class Bench {
  readonly clock = new VirtualClock(0);
  readonly log: string[] = [];
  readonly broker = new VirtualBroker((topic) => this.note(topic.split('/').at(-1) as string));
  readonly link: VirtualLink;

  constructor(changes: Partial<LinkQuality> = {}) {
    const quality = { ...LINK_QUALITIES.lan, delayMs: 10, spread: 0, ...changes };
    const counts = { opened: 0, refused: 0 };
    this.link = new VirtualLink(this.clock, this.broker, new Weather(quality, seeded(1)), counts);
  }

  note(what: string): void {
    this.log.push(`${this.clock.now()} ${what}`);
  }

  open(name = 'd1') {
    const request: ConnectRequest = {
      clientId: 'd1',
      keepaliveS: 60,
      connectTimeoutMs: 30_000,
      will: { topic: WILL, payload: EMPTY, qos: 1 },
    };
    const events: ConnectionEvents = {
      opened: () => this.note(`${name} opened`),
      message: () => this.note(`${name} message`),
      closed: (error) => this.note(`${name} closed${error === undefined ? '' : `: ${error.message}`}`),
    };
    const connection = this.link.transport.open(request, events);
    return {
      say: () => {
        connection.publish({ topic: TOPIC, payload: EMPTY, qos: 1 }, (error) =>
          this.note(`${name} ${error === undefined ? 'acknowledged' : 'failed'}`),
        );
      },
    };
  }

  /** What was noted since the last call. */
  until(ms: number): string[] {
    this.clock.run(ms);
    return this.log.splice(0);
  }
}

describe('the simulated network', () => {
  it('takes two round trips to connect, and one to have a message acknowledged', () => {
    const bench = new Bench();
    const connection = bench.open();
    assert.deepEqual(bench.until(100), ['40 d1 opened']);
    connection.say();
    assert.deepEqual(bench.until(200), ['110 beat', '120 d1 acknowledged']);
  });

  it('leaves a connection half open when packets vanish: either end gives up 1.5 keepalives after the last ping', () => {
    const bench = new Bench();
    bench.open();
    bench.until(100_000);
    bench.link.down('both');
    // CONNECT went at 20 ms, so the last ping at 60,020.
    assert.deepEqual(bench.until(200_000), ['150020 will', '150020 d1 closed: keepalive timed out']);
  });

  it('sends again what vanished when the link comes back in time, and nobody notices', () => {
    const bench = new Bench();
    const connection = bench.open();
    bench.until(1_000);
    bench.link.down('both');
    connection.say();
    assert.deepEqual(bench.until(5_000), []);
    bench.link.up();
    const [beat, acknowledged, ...rest] = bench.until(400_000);
    assert.match(beat as string, /^\d+ beat$/);
    assert.match(acknowledged as string, /acknowledged$/);
    assert.deepEqual(rest, []);
  });

  it('hears a device whose own hearing is lost, until that one gives up', () => {
    const bench = new Bench();
    const connection = bench.open();
    bench.until(1_000);
    bench.link.down('down');
    connection.say();
    assert.deepEqual(bench.until(80_000), ['1010 beat']);
    assert.deepEqual(bench.until(100_000), ['90020 d1 closed: keepalive timed out', '90030 will']);
    bench.open('again');
    assert.deepEqual(bench.until(200_000), [], 'no handshake without an answer');
  });

  it('tells a device that the broker gave it up, if only its own words are lost', () => {
    const bench = new Bench();
    bench.open();
    bench.until(1_000);
    bench.link.down('up');
    assert.deepEqual(bench.until(200_000), ['90020 will', '90020 d1 closed: keepalive timed out']);
  });

  it("publishes a former session's will when the client id is taken over", () => {
    const bench = new Bench({ vanish: 1 });
    bench.open('first');
    bench.until(1_000);
    bench.link.powerOff();
    bench.open('second');
    assert.deepEqual(bench.until(10_000), ['1030 will', '1040 second opened']);
    assert.deepEqual(bench.until(400_000), [], 'the former session is forgotten');
  });

  it('lets a lost power be noticed at once by a network that breaks connections, and late by one that does not', () => {
    for (const [vanish, noticed] of [
      [0, '1010 will'],
      [1, '90020 will'],
    ] as const) {
      const bench = new Bench({ vanish });
      bench.open();
      bench.until(1_000);
      bench.link.powerOff();
      assert.deepEqual(bench.until(200_000), [noticed]);
    }
  });

  it('keeps the connection of a program that hangs', () => {
    const bench = new Bench();
    const connection = bench.open();
    bench.until(1_000);
    bench.link.hang();
    connection.say();
    assert.deepEqual(bench.until(1_000_000), ['1010 beat']);
  });

  it('ends every session when the broker stops, with wills or without, and refuses until it starts', () => {
    for (const wills of [false, true]) {
      const bench = new Bench();
      bench.open();
      bench.until(1_000);
      bench.broker.stop(wills);
      assert.deepEqual(bench.until(1_500), [
        ...(wills ? ['1000 will'] : []),
        '1010 d1 closed: the broker stops',
      ]);
      bench.open('early');
      assert.deepEqual(bench.until(2_000), ['1520 early closed: the broker refuses the connection']);
      bench.broker.start();
      bench.open('late');
      assert.deepEqual(bench.until(3_000), ['2040 late opened']);
    }
  });

  it('doubles messages at its rate', () => {
    const bench = new Bench({ duplicates: 1 });
    const connection = bench.open();
    bench.until(100);
    connection.say();
    assert.deepEqual(bench.until(200), ['110 beat', '120 beat', '120 d1 acknowledged']);
  });

  it('loses datagrams for good, answers for the gateway, and leaves no will', () => {
    const bench = new Bench({ carrier: 'datagram', loss: 0.5, vanish: 1 });
    const connection = bench.open();
    bench.until(0);
    for (let i = 0; i < 1_000; i++) connection.say();
    const log = bench.until(1_000);
    assert.equal(log.filter((line) => line.endsWith('acknowledged')).length, 1_000);
    const arrived = log.filter((line) => line.endsWith('beat')).length;
    // Five standard deviations of 1,000 draws at 0.5 are 79.
    assert.ok(Math.abs(arrived - 500) < 79, `${arrived} arrived`);
    bench.link.powerOff();
    assert.deepEqual(bench.until(1_000_000), []);
  });
});
