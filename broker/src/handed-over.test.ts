import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { within } from '@slowbeat/test-servers';
import { KillableBroker } from './test-support/killable-broker.ts';
import { RawClient } from './test-support/raw-client.ts';

describe('a PUBACK, with a detector elsewhere', () => {
  for (const [session, clean] of [
    ['without a lasting session', true],
    ['with a lasting session', false],
  ] as const) {
    it(`${session}, says that the beat has left for it: true though the broker is killed at the first`, async () => {
      await using broker = await KillableBroker.start();
      const { port } = broker;
      const detector = await RawClient.login(port, { clientId: 'detector', clean });
      assert.deepEqual(await detector.subscribe(['hb/v1/+/+/beat'], 1), [1]);
      const device = await RawClient.login(port, { clientId: 'd1' });
      const beats = 400;
      device.socket.cork();
      for (let messageId = 1; messageId <= beats; messageId++) {
        device.publish('hb/v1/meter/d1/beat', String(messageId), { qos: 1, messageId });
      }
      device.socket.uncork();
      await device.next('puback');
      await broker.end('SIGKILL');
      await within(Promise.all([device.ended, detector.ended]), 'the connections to end');
      const acknowledged = 1 + device.received.filter(({ cmd }) => cmd === 'puback').length;
      const heard = detector.received.filter(({ cmd }) => cmd === 'publish').length;
      assert.ok(heard >= acknowledged, `${acknowledged} were acknowledged, ${heard} reached the detector`);
    });
  }
});
