import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DETECTOR_KINDS, DEVICE_KINDS, topicFor } from '@slowbeat/device-sdk/protocol';
import fc from 'fast-check';
import { accessRules, decide } from './access.ts';
import { brokerConfigSchema } from './config.ts';
import { type Identity, makeIdentity } from './identity.ts';
import { mosquittoAcl, mosquittoConfiguration } from './mosquitto.ts';
import { topicMatches } from './topic-filter.ts';

const TOPICS = [{ prefix: 'zigbee', publish: ['gateway'], subscribe: ['device'] }] satisfies Parameters<
  typeof accessRules
>[1];
const SETTINGS = { root: 'hb/v1', topics: TOPICS };

/** What mosquitto reads in a list: who may write or read where (mosquitto.conf(5), acl_file). */
function mosquittoAllows(text: string, user: string, access: 'write' | 'read', topic: string): boolean {
  let block: string | undefined;
  return text.split('\n').some((line) => {
    const [word, ...rest] = line.split(' ');
    if (word === 'user') block = rest.join(' ');
    if (word !== 'topic' && word !== 'pattern') return false;
    if (word === 'topic' && block !== user) return false;
    const [kind = '', filter = ''] = rest;
    return (kind === access || kind === 'readwrite') && topicMatches(filter.replace('%u', user), topic);
  });
}

const name = fc.constantFrom('d1', 'd2', 'g1');
const group = fc.constantFrom('meter', 'valve');
const kind = fc.constantFrom(...DEVICE_KINDS, ...DETECTOR_KINDS);
const topic = fc.oneof(
  fc
    .tuple(group, name, kind)
    .map(([deviceClass, device, which]) => topicFor('hb/v1', deviceClass, device, which)),
  fc.constantFrom('hb/v1/meter/d1/state/north', 'hb/v1/meter/d1/beat/north'),
  fc.constantFrom('zigbee', 'zigbee/lamp', 'zigbees', 'x', '$SYS/x', 'hb/v1', 'hb/v1/meter/d1'),
);
const user = fc.constantFrom<Identity | string>(
  makeIdentity('d1', 'device', []),
  makeIdentity('d1', 'device', ['meter/d1']),
  makeIdentity('g1', 'gateway', ['meter/*', 'valve/d2']),
  makeIdentity('watch', 'detector', []),
  makeIdentity('eye', 'observer', []),
);

describe('a list for mosquitto', () => {
  it('lets everybody write, and read, exactly what the rules here do', () => {
    const rules = accessRules(SETTINGS.root, TOPICS);
    fc.assert(
      fc.property(user, topic, (identity, text) => {
        assert.ok(typeof identity !== 'string');
        const { text: list, leftOut } = mosquittoAcl(SETTINGS, [identity], false);
        assert.deepEqual(leftOut, []);
        const allowed = (access: 'write' | 'read'): boolean =>
          mosquittoAllows(list, identity.name, access, text);
        assert.equal(allowed('write'), decide(identity, 'publish', text, rules).allowed, list);
        // There a subscription is always granted, and what it delivers is decided by topic.
        const hearsAll = identity.role === 'detector' || identity.role === 'observer';
        const carried = /^(hb\/v1|zigbee)(\/|$)|^\$SYS\//.test(text);
        const heard = hearsAll ? carried : decide(identity, 'subscribe', text, rules).allowed;
        assert.equal(allowed('read'), heard, list);
      }),
      { numRuns: 2_000 },
    );
  });

  it('lets who is in no file be the device of that name, where they may be', () => {
    const { text } = mosquittoAcl(SETTINGS, [], true);
    assert.equal(mosquittoAllows(text, 'd1', 'write', 'hb/v1/meter/d1/beat'), true);
    assert.equal(mosquittoAllows(text, 'd1', 'write', 'hb/v1/meter/d2/beat'), false);
    assert.equal(mosquittoAllows(text, 'd1', 'read', 'hb/v1/meter/d1/ping'), true);
    assert.equal(mosquittoAllows(text, 'd1', 'read', 'hb/v1/meter/d1/beat'), false);
  });

  it('says who may be a device beside what it is, since what all others may cannot be kept from anybody', () => {
    const users = [
      makeIdentity('d1', 'device', []),
      makeIdentity('d2', 'device', ['meter/d2']),
      makeIdentity('all', 'gateway', ['*']),
      makeIdentity('eye', 'observer', []),
    ].filter((identity) => typeof identity !== 'string');
    assert.deepEqual(mosquittoAcl(SETTINGS, users, true).alsoDevices, ['d2', 'eye']);
    assert.deepEqual(mosquittoAcl(SETTINGS, users, false).alsoDevices, []);
  });

  it('leaves out what it has no words for, and says so', () => {
    const gateway = makeIdentity('g1', 'gateway', ['meter/line-3-*', 'meter/d1']);
    assert.ok(typeof gateway !== 'string');
    const { text, leftOut } = mosquittoAcl({ root: 'hb/v1', topics: 'any' }, [gateway], false);
    assert.equal(mosquittoAllows(text, 'g1', 'write', 'hb/v1/meter/d1/beat'), true);
    assert.doesNotMatch(text, /line-3/);
    assert.equal(leftOut.length, 2);
    assert.match(leftOut[0] ?? '', /^g1: meter\/line-3-\*/);
  });
});

describe('a configuration for mosquitto', () => {
  it('has every listener with its certificates', () => {
    const certificates = {
      certFile: 'c.pem',
      keyFile: 'k.pem',
      clientCaFile: 'ca.pem',
      clientCrlFile: 'crl.pem',
    };
    const config = brokerConfigSchema.parse({ tls: certificates, ws: {} });
    const { text, leftOut } = mosquittoConfiguration(config, { aclFile: 'acl', passwordFile: undefined });
    assert.deepEqual(leftOut, []);
    assert.deepEqual(text.match(/^listener .*/gm), [
      'listener 1883 127.0.0.1',
      'listener 8883 127.0.0.1',
      'listener 8083 127.0.0.1',
    ]);
    assert.match(
      text,
      /cafile ca\.pem\nrequire_certificate true\nuse_identity_as_username true\ncrlfile crl\.pem/,
    );
    assert.match(text, /listener 8083 127\.0\.0\.1\nmax_connections 20000\nprotocol websockets/);
    assert.doesNotMatch(text, /password_file|undefined/);
  });

  it('takes nobody by a common name whose names are alternative ones, and says what else it has no words for', () => {
    const certificates = { certFile: 'c.pem', keyFile: 'k.pem', clientCaFile: 'ca.pem' };
    const config = brokerConfigSchema.parse({
      tcp: { proxies: ['10.0.0.1'] },
      tls: certificates,
      access: { mode: 'users', tokens: { secretFile: 's' }, certificates: { name: 'san' } },
    });
    const { text, leftOut } = mosquittoConfiguration(config, { aclFile: 'acl', passwordFile: 'p' });
    assert.doesNotMatch(text, /use_identity_as_username/);
    assert.deepEqual(
      leftOut.map((line) => line.split(';')[0]),
      ['access.certificates.name: san', 'access.tokens', 'tcp.proxies'],
    );
  });
});
