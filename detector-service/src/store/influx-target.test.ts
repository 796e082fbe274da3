import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  beatsTarget,
  describeTarget,
  influxTargetSchema,
  targetFromEnvironment,
  targetId,
} from './influx-target.ts';

const url = 'http://127.0.0.1:8086';

function problemWith(env: Record<string, string>): string {
  try {
    targetFromEnvironment(env);
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'influx-config');
    return (error as Error).message;
  }
  return 'none';
}

test('without INFLUX_URL there is no target, and a place without it is an error that names it', () => {
  assert.equal(targetFromEnvironment({}), undefined);
  assert.equal(targetFromEnvironment({ INFLUX_URL: '', INFLUX_TOKEN: 'x' }), undefined);
  for (const name of ['INFLUX_DATABASE', 'INFLUX_BUCKET']) {
    assert.throws(() => targetFromEnvironment({ [name]: 'fleet' }), {
      code: 'influx-config',
      message: `${name} is set without INFLUX_URL: set INFLUX_URL too (http://127.0.0.1:8086), or neither`,
    });
  }
});

test('raw heartbeats go to a place of their own at the same server, or nowhere', () => {
  assert.equal(beatsTarget(undefined, {}), undefined);
  assert.equal(beatsTarget({ url, database: 'fleet' }, {})?.database, 'fleet_beats');
  assert.equal(beatsTarget({ url, database: 'fleet' }, { INFLUX_BEATS_DATABASE: 'raw' })?.database, 'raw');
  assert.equal(beatsTarget({ url, bucket: 'fleet' }, {}), undefined);
  assert.equal(beatsTarget({ url, bucket: 'fleet' }, { INFLUX_BEATS_BUCKET: 'raw' })?.bucket, 'raw');
});

test('a database or a bucket is read with what lets us in', () => {
  const env = {
    INFLUX_URL: `${url}/`,
    INFLUX_DATABASE: 'fleet',
    INFLUX_USERNAME: 'me',
    INFLUX_PASSWORD: 'p',
  };
  const read = targetFromEnvironment(env);
  assert.deepEqual(JSON.parse(JSON.stringify(read)), {
    url,
    database: 'fleet',
    username: 'me',
    password: 'p',
  });
  const cloud = { INFLUX_URL: url, INFLUX_ORG: 'us', INFLUX_BUCKET: 'beats', INFLUX_TOKEN: 't' };
  assert.equal(targetFromEnvironment(cloud)?.token, 't');
});

test('secrets come from files too, without their last newline', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-secret-'));
  const file = join(directory, 'token');
  await writeFile(file, 's3cret\n');
  const env = { INFLUX_URL: url, INFLUX_BUCKET: 'beats', INFLUX_TOKEN_FILE: file };
  assert.equal(targetFromEnvironment(env)?.token, 's3cret');
  assert.match(
    problemWith({ ...env, INFLUX_TOKEN: 'other' }),
    /INFLUX_TOKEN and INFLUX_TOKEN_FILE are both set/,
  );
  await writeFile(file, '\n');
  assert.match(problemWith(env), /INFLUX_TOKEN_FILE ".*" is empty/);
  await rm(directory, { recursive: true });
  assert.match(problemWith(env), /INFLUX_TOKEN_FILE ".*" cannot be read \(ENOENT\)/);
});

test('every mistake names its variable, its value and the way out, but no secret', () => {
  assert.match(
    problemWith({ INFLUX_URL: 'localhost' }),
    /INFLUX_URL "localhost" is no URL: write something like http/,
  );
  assert.match(problemWith({ INFLUX_URL: 'localhost:8086' }), /INFLUX_URL "localhost:8086" is not http/);
  assert.match(problemWith({ INFLUX_URL: `${url}/api/v2/write` }), /INFLUX_URL .*says too much/);
  assert.match(problemWith({ INFLUX_URL: `${url}?u=me&p=s3cret` }), /INFLUX_URL .*says too much/);
  assert.match(problemWith({ INFLUX_URL: url }), /set INFLUX_DATABASE \(1\.x\) or INFLUX_BUCKET/);
  const both = { INFLUX_URL: url, INFLUX_DATABASE: 'a', INFLUX_BUCKET: 'b' };
  assert.match(problemWith(both), /INFLUX_DATABASE "a" and INFLUX_BUCKET "b" are both set/);
  const secrets = [
    { INFLUX_URL: 'http://me:s3cret@127.0.0.1:8086', INFLUX_DATABASE: 'a' },
    { INFLUX_URL: `${url}?u=me&p=s3cret`, INFLUX_DATABASE: 'a' },
    { INFLUX_URL: url, INFLUX_DATABASE: 'a', INFLUX_PASSWORD: 's3cret' },
    { INFLUX_URL: url, INFLUX_TOKEN: 's3cret' },
  ];
  for (const env of secrets) {
    assert.notEqual(problemWith(env), 'none');
    assert.ok(!problemWith(env).includes('s3cret'), problemWith(env));
  }
});

test('the schema for files takes the same and refuses unknown keys', () => {
  assert.equal(influxTargetSchema.safeParse({ url, database: 'fleet' }).success, true);
  for (const bad of [
    { url },
    { url, database: 'a', bucket: 'b' },
    { url, database: 'a', colour: 'red' },
    { url: 'x', database: 'a' },
  ]) {
    assert.equal(influxTargetSchema.safeParse(bad).success, false);
  }
});

test('a target is told in words and by a stable id, both without secrets', () => {
  const target = { url, bucket: 'beats', org: 'us', token: 's3cret' };
  assert.equal(describeTarget(target), 'bucket "beats" at http://127.0.0.1:8086');
  assert.equal(targetId(target), targetId({ ...target, token: 'renewed' }));
  assert.notEqual(targetId(target), targetId({ ...target, bucket: 'other' }));
});
