import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '@slowbeat/test-servers';
import fc from 'fast-check';
import { parseProxyHeader } from './proxy-protocol.ts';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';

const V2_START = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** Version 2: command, family and addresses. */
function v2(command: number, family: number, addresses: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt8(command, 0);
  head.writeUInt8(family, 1);
  head.writeUInt16BE(addresses.length, 2);
  return Buffer.concat([V2_START, head, addresses]);
}

const IPV4 = v2(0x21, 0x11, Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0x1f, 0x90, 0x07, 0x5b]));
const IPV6 = v2(0x21, 0x21, Buffer.from(`${'20010db8000000000000000000000007'.repeat(2)}1f90075b`, 'hex'));
const LINE = Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 8080 1883\r\n');

describe('a PROXY header', () => {
  for (const [what, bytes, source] of [
    ['version 1 over IPv4', LINE, '203.0.113.7'],
    ['version 1 over IPv6', Buffer.from('PROXY TCP6 2001:db8::7 ::1 8080 1883\r\n'), '2001:db8::7'],
    ['version 1, unknown', Buffer.from('PROXY UNKNOWN whatever it is\r\n'), undefined],
    ['version 2 over IPv4', IPV4, '203.0.113.7'],
    ['version 2 over IPv6', IPV6, '2001:db8:0:0:0:0:0:7'],
    [
      'version 2 with more after the addresses',
      v2(0x21, 0x11, Buffer.concat([IPV4.subarray(16), Buffer.alloc(99)])),
      '203.0.113.7',
    ],
    ['version 2, the proxy itself', v2(0x20, 0x00, Buffer.alloc(0)), undefined],
  ] as const) {
    it(`of ${what} is read from exactly its own bytes, however they come`, () => {
      for (let length = 0; length < bytes.length; length++) {
        assert.deepEqual(
          parseProxyHeader(bytes.subarray(0, length)),
          { state: 'incomplete' },
          `${length} bytes`,
        );
      }
      const complete = { state: 'complete', length: bytes.length, source };
      assert.deepEqual(parseProxyHeader(bytes), complete);
      assert.deepEqual(parseProxyHeader(Buffer.concat([bytes, Buffer.from('more')])), complete);
    });
  }

  it('is refused when it is none', () => {
    for (const bytes of [
      Buffer.from([0x10, 0x0c]),
      Buffer.from('GET / HTTP/1.1\r\n'),
      Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 8080\r\n'),
      Buffer.from('PROXY TCP4 203.0.113.700 10.0.0.1 8080 1883\r\n'),
      Buffer.from('PROXY TCP6 203.0.113.7 10.0.0.1 8080 1883\r\n'),
      Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 80800 1883\r\n'),
      Buffer.from('PROXY UDP4 203.0.113.7 10.0.0.1 8080 1883\r\n'),
      Buffer.from(`PROXY ${'x'.repeat(200)}`),
      v2(0x11, 0x11, Buffer.alloc(12)),
      v2(0x22, 0x11, Buffer.alloc(12)),
      v2(0x21, 0x11, Buffer.alloc(11)),
      v2(0x21, 0x31, Buffer.alloc(216)),
      v2(0x21, 0x11, Buffer.alloc(5_000)),
    ]) {
      assert.equal(parseProxyHeader(bytes).state, 'invalid', bytes.toString('latin1'));
    }
  });

  it('never makes the parser throw or wait for more than it may hold, whatever the bytes', () => {
    const start = fc.constantFrom(Buffer.alloc(0), V2_START, LINE, IPV4, IPV6, Buffer.from('PROXY '));
    const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(start, fc.nat({ max: 60 }), noise, (beginning, cut, tail) => {
        const bytes = Buffer.concat([beginning.subarray(0, cut), tail]);
        const header = parseProxyHeader(bytes);
        if (header.state === 'complete') assert.ok(header.length <= bytes.length);
        if (header.state === 'incomplete') assert.ok(bytes.length < 4_096);
        if (header.state === 'incomplete' && bytes[0] === 0x50) assert.ok(bytes.length < 107);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a listener behind proxies', () => {
  const proxies = ['127.0.0.0/29'];

  it('takes the address of the client from the header, and what follows it as MQTT', async () => {
    await using running = await runBroker({
      tcp: { port: 0, proxies },
      limits: { connectionsPerAddressMax: 1 },
    });
    const first = await RawClient.open(running.port);
    first.socket.write(IPV4);
    first.connect({ clientId: 'd1' });
    await first.next('connack');
    const second = await RawClient.open(running.port);
    second.socket.write(LINE.subarray(0, 9));
    second.socket.write(LINE.subarray(9));
    second.connect({ clientId: 'd2' });
    await within(second.ended, 'the second of the same address to be turned away');
    const other = await RawClient.open(running.port);
    other.socket.write(IPV6);
    other.connect({ clientId: 'd3' });
    await other.next('connack');
    assert.equal(running.broker.counters().refused['connections-per-address-max'], 1);
    assert.equal(
      running.log.find(({ reason }) => reason === 'connections-per-address-max')?.address,
      '203.0.113.7',
    );
  });

  it('tells clients of IPv4 apart although the header writes their addresses as IPv6', async () => {
    await using running = await runBroker({
      tcp: { port: 0, proxies },
      limits: { connectionsPerAddressMax: 1 },
    });
    for (const last of ['07', '08']) {
      const client = await RawClient.open(running.port);
      const mapped = `00000000000000000000ffffcb0071${last}`;
      client.socket.write(v2(0x21, 0x21, Buffer.from(`${mapped.repeat(2)}1f90075b`, 'hex')));
      client.connect({ clientId: `d${last}` });
      await client.next('connack');
    }
    const addresses = running.broker.clients({ limit: 10 }).clients.map(({ address }) => address);
    assert.deepEqual(addresses, ['203.0.113.7', '203.0.113.8']);
  });

  it('takes nobody else, and no proxy without a header', async () => {
    await using running = await runBroker({ tcp: { port: 0, proxies } });
    const stranger = await RawClient.open(running.port, { from: '127.0.0.9' });
    stranger.socket.write(IPV4);
    await within(stranger.ended, 'the stranger to be turned away');
    const plain = await RawClient.open(running.port);
    plain.connect({ clientId: 'd1' });
    await within(plain.ended, 'a connection without header to be closed');
    await until(() => running.broker.counters().connectionsOpen === 0, 'both to be gone');
    assert.equal(running.broker.counters().refused['proxy-header'], 2);
  });

  it('does not wait for a header for ever', async () => {
    await using running = await runBroker({ tcp: { port: 0, proxies }, limits: { connectTimeoutMs: 100 } });
    const silent = await RawClient.open(running.port);
    silent.socket.write('PROXY ');
    await within(silent.ended, 'the silent socket to be closed');
    assert.equal(running.broker.counters().refused['connect-timeout'], 1);
  });
});
