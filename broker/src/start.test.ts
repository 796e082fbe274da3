import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressList, isListed, isLoopback, partyOf, plainAddress } from './address.ts';
import { runHook } from './hook.ts';
import { runBroker } from './test-support/running-broker.ts';

describe('starting', () => {
  it('says what the port is when any was asked for', async () => {
    await using running = await runBroker();
    const [endpoint] = running.broker.endpoints;
    assert.deepEqual(endpoint, { kind: 'tcp', host: '127.0.0.1', port: running.port, url: running.url });
    assert.ok(running.port > 0);
  });

  it('refuses open mode on an address that others can reach, with the remedy', async () => {
    await assert.rejects(
      runBroker({ tcp: { host: '0.0.0.0', port: 0 } }),
      (error: Error & { code?: string }) =>
        error.code === 'open-on-network' && /allowOpenOnNetwork: true/.test(error.message),
    );
  });

  it('warns loudly when open mode on the network is wanted', async () => {
    await using running = await runBroker({
      tcp: { host: '0.0.0.0', port: 0 },
      access: { mode: 'open', allowOpenOnNetwork: true },
    });
    const warning = running.log.find(({ msg }) => String(msg).startsWith('open mode'));
    assert.equal(warning?.level, 40);
    assert.match(String(warning?.msg), /WHO REACHES THIS ADDRESS/);
  });

  it('names the port that is taken', async () => {
    await using running = await runBroker();
    await assert.rejects(
      runBroker({ tcp: { host: '127.0.0.1', port: running.port } }),
      (error: Error & { code?: string }) =>
        error.code === 'address-in-use' && error.message.includes(`127.0.0.1:${running.port}`),
    );
  });

  it('names a host that is no address', async () => {
    await assert.rejects(runBroker({ tcp: { host: 'no-such-host.invalid', port: 0 } }), {
      code: 'host-unknown',
    });
  });

  it('names every bad setting', async () => {
    await assert.rejects(
      runBroker({ root: 'a/#', limits: { connectionsMax: -1 } }),
      (error: Error & { code?: string }) =>
        error.code === 'invalid-config' &&
        /broker\.root: .*\nbroker\.limits\.connectionsMax: /.test(error.message),
    );
  });

  it('can be stopped twice and at once', async () => {
    const running = await runBroker();
    await Promise.all([running.broker.close(), running.broker.close()]);
    await running.broker[Symbol.asyncDispose]();
  });
});

describe('addresses', () => {
  it('of IPv4 written as IPv6 become plain', () => {
    assert.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1');
    assert.equal(plainAddress('0:0:0:0:0:FFFF:a00:1'), '10.0.0.1');
    assert.equal(plainAddress('2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
    assert.equal(plainAddress('fe80:0::1%eth0'), 'fe80::1%eth0');
    assert.equal(plainAddress(undefined), 'unknown');
  });

  it('of one IPv6 /64 are one party', () => {
    assert.equal(partyOf('2001:db8:0:1::1'), partyOf('2001:0db8:0000:0001:ffff::2'));
    assert.notEqual(partyOf('2001:db8:0:1::1'), partyOf('2001:db8:0:2::1'));
    assert.equal(partyOf('::1'), '0:0:0:0::/64');
    assert.equal(partyOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
    assert.equal(partyOf('10.0.0.1'), '10.0.0.1');
  });

  it('are found on a list by themselves and by their network', () => {
    const list = addressList(['10.0.0.0/8', '::1', '2001:db8::/32', '::ffff:192.0.2.1']);
    for (const address of ['10.9.9.9', '::1', '2001:db8::1', '192.0.2.1', 'fe80::1%eth0'])
      assert.equal(isListed(list, address), !address.startsWith('fe80'), address);
    assert.equal(isListed(list, 'unknown'), false);
    for (const entry of ['10.0.0.0/', '10.0.0.0/8/9', '10.0.0.0/33', 'here', ''])
      assert.throws(() => addressList([entry]), entry);
  });

  it('of this machine are told from others', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(address));
    for (const address of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::2']) assert.ok(!isLoopback(address));
  });
});

describe('a hook', () => {
  it('that throws is answered with a refusal, and the mistake is told', () => {
    const answers: unknown[] = [];
    const mistakes: unknown[] = [];
    const bug = new Error('bug');
    runHook(
      (...values: [Error | null]) => answers.push(...values),
      (error) => mistakes.push(error),
      () => {
        throw bug;
      },
      (answer, refusal) => answer(refusal),
    );
    assert.equal((answers[0] as { reason: string }).reason, 'internal');
    assert.deepEqual(mistakes, [bug]);
  });

  it('that answers twice is heard once, and a throw in what follows does not escape', () => {
    let heard = 0;
    const mistakes: unknown[] = [];
    runHook(
      () => {
        heard += 1;
        throw new Error('in Aedes');
      },
      (error) => mistakes.push(error),
      (answer) => {
        answer();
        answer();
      },
      (answer) => answer(),
    );
    assert.equal(heard, 1);
    assert.equal(mistakes.length, 1);
  });
});
