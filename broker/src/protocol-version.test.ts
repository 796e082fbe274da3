import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { within } from '@slowbeat/test-servers';
import mqtt from 'mqtt-packet';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';

/** A CONNECT of MQTT 3.1.1 with another number for its version, which is all that a later version can be known by. */
function connectOfLevel(level: number): Buffer {
  const bytes = mqtt.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: 'd1',
  });
  bytes[8] = level;
  return bytes;
}

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

  for (const level of [0, 2, 5, 6, 127, 0x85, 255]) {
    it(`answers protocol level ${level} with code 1 and nothing else, however the bytes come`, async () => {
      await using running = await runBroker();
      for (const pieces of [
        [connectOfLevel(level)],
        [...connectOfLevel(level)].map((byte) => Buffer.of(byte)),
      ]) {
        const client = await RawClient.open(running.port);
        client.socket.setNoDelay();
        const answers: Buffer[] = [];
        client.socket.on('data', (bytes) => answers.push(bytes));
        await writeOneByOne(client, pieces);
        await within(client.ended, 'the connection to be closed');
        assert.equal(Buffer.concat(answers).toString('hex'), '20020001');
      }
      assert.equal(running.broker.counters().refused['protocol-version'], 2);
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

/** Each in a segment of its own. */
async function writeOneByOne(client: RawClient, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces)
    await new Promise<void>((resolve) => client.socket.write(piece, () => resolve()));
}

it('a password without a user name is malformed', async () => {
  await using running = await runBroker();
  const connect = connectOfLevel(4);
  connect[9] = (connect[9] as number) | 0x40;
  const bytes = Buffer.concat([connect, Buffer.from('000170', 'hex')]);
  bytes[1] = bytes.length - 2;
  const client = await RawClient.open(running.port);
  client.socket.write(bytes);
  await within(client.ended, 'the connection to end');
  assert.equal(running.broker.counters().refused.malformed, 1);
});
