import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import picocolors from 'picocolors';
import { run } from '../cli.ts';
import { RunningCommand, runCommand } from '../test-support/command.ts';

const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_BELOW = '\u001b[0J';

describe('the demo', () => {
  it('ends by itself with a table that agrees with the truth, and leaves nothing behind', async () => {
    const before = await directories();
    const { code, stdout, stderr } = await runCommand(['demo', '--for', '14s', '--seed', '7']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /devices are heard for the first time/);
    assert.match(stdout, /meter\/meter-\d+ +suspect → dead +reconnect-timeout/);
    assert.match(stdout, /^meter +16 +[\d.]+ % +[\d.]+ % +2 of 2/m);
    assert.match(stdout, /differs from what was told by (\d|1\d) ms at most/);
    assert.ok(!stdout.includes('\u001b'), 'no colours where there is no terminal');
    assert.deepEqual(await directories(), before);
  });

  it('leaves nothing behind either when its reader has seen enough', async () => {
    const before = await directories();
    await using demo = new RunningCommand(['demo', '--for', '14s', '--seed', '7']);
    await demo.prints(/Slowbeat demo/);
    demo.closeStdout();
    assert.equal((await demo.result()).code, 0);
    assert.deepEqual(await directories(), before);
  });

  it('draws nothing over the report, whatever the goodbyes change', async () => {
    let drawn = '';
    const stdout = Object.assign(
      new Writable({
        write(chunk, _encoding, done) {
          drawn += chunk;
          done();
        },
      }),
      { columns: 100, rows: 40 },
    ) as unknown as NodeJS.WriteStream;
    const terminal = { stdout, stderr: stdout, colors: picocolors.createColors(false), interactive: true };
    assert.equal(await run(['demo', '--for', '4s', '--seed', '7'], { terminal, env: {} }), 0);
    const report = drawn.indexOf('Uptime over ');
    assert.match(drawn.slice(report), /^total +32 /m);
    assert.ok(drawn.includes(SHOW_CURSOR) && drawn.indexOf(SHOW_CURSOR) < report, 'the view ends first');
    assert.ok(drawn.lastIndexOf(CLEAR_BELOW) < report, 'nothing is drawn afterwards');
  });

  it('shows the table so far when it is ended by Ctrl-C', async () => {
    await using demo = new RunningCommand(['demo', '--seed', '7']);
    await demo.prints(/suspect +will/);
    demo.kill('SIGINT');
    const { code, stdout } = await demo.result();
    assert.equal(code, 130);
    assert.match(stdout, /^total +32 /m);
  });
});

async function directories(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('slowbeat-demo-'));
}
