import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { within } from '@slowbeat/test-servers';
import { RawClient } from './test-support/raw-client.ts';

async function brokerProcess(): Promise<{ child: ChildProcess; port: number }> {
  const script = join(import.meta.dirname, 'test-support/broker-process.js');
  const child = spawn(process.execPath, [script, '{"tcp":{"port":0}}'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await within(once(child.stdout as NodeJS.ReadableStream, 'data'), 'the port of the broker');
  return { child, port: Number(String(line)) };
}

describe('a PUBACK, with a detector elsewhere', () => {
  for (const [session, clean] of [
    ['without a lasting session', true],
    ['with a lasting session', false],
  ] as const) {
    it(`${session}, says that the beat has left for it: true though the broker is killed at the first`, async () => {
      const { child, port } = await brokerProcess();
      const detector = await RawClient.login(port, { clientId: 'detector', clean });
      assert.deepEqual(await detector.subscribe(['hb/v1/+/+/beat'], 1), [1]);
      const device = await RawClient.login(port, { clientId: 'd1' });
      const beats = 400;
      const exited = once(child, 'exit');
      device.socket.cork();
      for (let messageId = 1; messageId <= beats; messageId++) {
        device.publish('hb/v1/meter/d1/beat', String(messageId), { qos: 1, messageId });
      }
      device.socket.uncork();
      await device.next('puback');
      child.kill('SIGKILL');
      await within(Promise.all([exited, device.ended, detector.ended]), 'the broker to die');
      const acknowledged = 1 + device.received.filter(({ cmd }) => cmd === 'puback').length;
      const heard = detector.received.filter(({ cmd }) => cmd === 'publish').length;
      assert.ok(heard >= acknowledged, `${acknowledged} were acknowledged, ${heard} reached the detector`);
    });
  }
});
