import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from './test-support/command.ts';

const settings = ['--set', 'classes.m.interval=5s', '--set', 'broker.tcp.port=0', '--set', 'http.port=0'];

for (const command of ['start', 'broker']) {
  test(`${command}: open mode on the network is a wrong setting, named in one line`, async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'slowbeat-open-'));
    const words = command === 'start' ? settings : ['--set', 'broker.tcp.port=0'];
    const { code, stderr } = await runCommand([command, ...words, '--set', 'broker.tcp.host=0.0.0.0'], {
      cwd,
    });
    await rm(cwd, { recursive: true });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^slowbeat: broker\.access: open mode on 0\.0\.0\.0 .*allowOpenOnNetwork: true }\n$/,
    );
  });
}
