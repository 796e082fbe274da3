/** What outlives the broker when it has a directory, however it ends. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '@slowbeat/test-servers';
import { BEATS, backAgain, DETECTOR, payloads } from './test-support/detector-client.ts';
import { KillableBroker } from './test-support/killable-broker.ts';
import { RawClient } from './test-support/raw-client.ts';
import { runBroker } from './test-support/running-broker.ts';
import { scratch } from './test-support/scratch.ts';

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  describe(`after ${signal}, a broker with the same directory`, () => {
    it('knows the retained verdicts, the newest of each device', async () => {
      await using data = await scratch();
      await using before = await KillableBroker.start(data);
      const detector = await RawClient.login(before.port, DETECTOR);
      const verdict = (device: string, payload: string, messageId: number): Promise<void> => {
        const topic = `hb/v1/meter/${device}/state`;
        detector.publish(topic, payload, { qos: 1, messageId, retain: true });
        return detector.next((packet) => packet.messageId === messageId).then(() => {});
      };
      await verdict('d1', 'alive', 1);
      await verdict('d2', 'alive', 2);
      await verdict('d1', 'dead', 3);
      await verdict('d3', 'alive', 4);
      await verdict('d3', '', 5);
      await before.end(signal);
      await using after = await KillableBroker.start(data);
      const observer = await RawClient.login(after.port, { clientId: 'observer' });
      await observer.subscribe(['hb/v1/+/+/state']);
      await until(() => payloads(observer).length === 2, 'two verdicts');
      assert.deepEqual(payloads(observer).sort(), ['alive', 'dead']);
    });

    it('knows the session of the detector and what waits in it, in order, but not what was acknowledged', async () => {
      await using data = await scratch();
      await using before = await KillableBroker.start(data);
      const device = await RawClient.login(before.port, { clientId: 'd1' });
      const first = await RawClient.login(before.port, DETECTOR);
      first.polite = true;
      await first.subscribe([BEATS]);
      await device.publishAcknowledged('hb/v1/meter/d1/beat', 'heard', 1);
      await until(() => payloads(first).length === 1, 'the beat');
      first.send({ cmd: 'pingreq' });
      await first.next('pingresp'); // by now its PUBACK has been read
      first.destroy();
      for (const messageId of [2, 3, 4]) {
        await device.publishAcknowledged('hb/v1/meter/d1/beat', String(messageId), messageId);
      }
      await before.end(signal);
      await using after = await KillableBroker.start(data);
      const { detector, sessionPresent } = await backAgain(after.port);
      assert.ok(sessionPresent);
      await until(() => payloads(detector).length === 3, 'the beats of its absence');
      assert.deepEqual(payloads(detector), ['2', '3', '4']);
      const messages = detector.received.filter((packet) => packet.cmd === 'publish');
      assert.ok(
        messages.every(({ dup }) => dup),
        'as repeated: nobody knows any more what it was given',
      );
      const again = await RawClient.login(after.port, { clientId: 'd1' });
      await again.publishAcknowledged('hb/v1/meter/d1/beat', 'live', 1);
      await until(() => payloads(detector).length === 4, 'the subscription to hold');
    });
  });
}

describe('a broker with a directory', () => {
  it('that is killed in a burst has lost no beat it had acknowledged for an absent detector', async () => {
    await using data = await scratch();
    await using before = await KillableBroker.start(data);
    const absent = await RawClient.login(before.port, DETECTOR);
    await absent.subscribe([BEATS]);
    absent.destroy();
    const device = await RawClient.login(before.port, { clientId: 'd1' });
    device.socket.cork();
    for (let messageId = 1; messageId <= 400; messageId++) {
      device.publish('hb/v1/meter/d1/beat', String(messageId), { qos: 1, messageId });
    }
    device.socket.uncork();
    await device.next('puback');
    await before.end('SIGKILL');
    await device.ended;
    const acknowledged = 1 + device.received.filter(({ cmd }) => cmd === 'puback').length;
    await using after = await KillableBroker.start(data);
    const { detector } = await backAgain(after.port);
    await until(() => payloads(detector).length >= acknowledged, `${acknowledged} acknowledged beats`);
    assert.deepEqual(
      payloads(detector).slice(0, acknowledged),
      Array.from({ length: acknowledged }, (_, index) => String(index + 1)),
    );
  });

  it('acknowledges nothing that a full disk does not take, and has the rest after a restart', async () => {
    await using data = await scratch();
    await using before = await KillableBroker.start(data, { fileBytesMax: 4_096 });
    const absent = await RawClient.login(before.port, DETECTOR);
    await absent.subscribe([BEATS]);
    absent.destroy();
    const device = await RawClient.login(before.port, { clientId: 'd1' });
    let acknowledged = 0;
    const filled = async (): Promise<void> => {
      for (;;) {
        await device.publishAcknowledged('hb/v1/meter/d1/beat', String(acknowledged + 1), acknowledged + 1);
        acknowledged += 1;
      }
    };
    await assert.rejects(filled(), /the connection ended before/);
    assert.ok(acknowledged > 10, `${acknowledged} were acknowledged`);
    await before.end('SIGKILL');
    await using after = await KillableBroker.start(data);
    const { detector } = await backAgain(after.port);
    await until(() => payloads(detector).length >= acknowledged, `${acknowledged} acknowledged beats`);
    assert.equal(payloads(detector)[acknowledged - 1], String(acknowledged));
  });

  it('acknowledges again when the detector has taken what filled the disk, and leaves no other file on it', async () => {
    await using data = await scratch();
    await using running = await KillableBroker.start(data, { fileBytesMax: 4_096 });
    const absent = await RawClient.login(running.port, DETECTOR);
    await absent.subscribe([BEATS]);
    absent.destroy();
    const beat = async (): Promise<boolean> => {
      const device = await RawClient.login(running.port, { clientId: 'd1' });
      const isAcknowledged = await device.publishAcknowledged('hb/v1/meter/d1/beat', 'x', 1).then(
        () => true,
        () => false,
      );
      device.destroy();
      return isAcknowledged;
    };
    while (await beat());
    assert.deepEqual(
      (await readdir(data.directory)).filter((name) => name.endsWith('.new')),
      [],
    );
    const { detector } = await backAgain(running.port);
    await until(() => payloads(detector).length > 10, 'what waited');
    await until(beat, 'a beat to be acknowledged');
  });

  it('leaves damaged lines out, says so, and keeps the others', async () => {
    await using data = await scratch();
    {
      await using running = await runBroker(data);
      const payload = Buffer.from('alive');
      await running.broker.publish({ topic: 'hb/v1/meter/d1/state', payload, qos: 1, retain: true });
    }
    await writeFile(join(data.directory, 'retained.v1'), '0000beef ["hb/v1/meter/d2/sta', { flag: 'a' });
    await using running = await runBroker(data);
    const { retainedMessages, refused } = running.broker.counters();
    assert.deepEqual([retainedMessages, refused.store], [1, 1]);
    assert.ok(running.log.some(({ detail }) => /retained\.v1: 1 damaged line/.test(String(detail))));
  });

  it('is not disturbed by a second one that is started on it by mistake', async () => {
    await using data = await scratch();
    await using first = await runBroker(data);
    await assert.rejects(
      runBroker(data),
      (error: Error & { code?: string }) =>
        error.code === 'directory-unusable' && /another broker is using it/.test(error.message),
    );
    const payload = Buffer.from('alive');
    await first.broker.publish({ topic: 'hb/v1/meter/d1/state', payload, qos: 1, retain: true });
    await first.broker.close();
    await using after = await runBroker(data);
    assert.equal(after.broker.counters().retainedMessages, 1);
  });

  it('does not start where it cannot write, and says where', async () => {
    await using data = await scratch();
    await writeFile(join(data.directory, 'file'), '');
    await assert.rejects(
      runBroker({ directory: join(data.directory, 'file') }),
      (error: Error & { code?: string }) =>
        error.code === 'directory-unusable' && error.message.includes(join(data.directory, 'file')),
    );
  });
});
