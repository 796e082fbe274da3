import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand } from '../test-support/command.ts';

const START = Date.UTC(2026, 10, 20);
const LINES = Array.from(
  { length: 5000 },
  (_, number) =>
    `device_1h,class=m,device=d\\ ${number} up_ms=${number}i,state_end="alive" ${START + number}`,
);

async function withJournal(body: (data: string, segment: string) => Promise<void>): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'slowbeat-journal-command-'));
  try {
    await mkdir(join(data, 'journal'));
    const segment = join(data, 'journal', '2026-11-20.lp');
    await writeFile(segment, `${LINES.join('\n')}\n`);
    await body(data, segment);
  } finally {
    await rm(data, { recursive: true });
  }
}

/** A server that answers writes by `status`, and what was written to it. */
async function withServer(
  status: (body: string) => number,
  body: (url: string, written: string[]) => Promise<void>,
): Promise<void> {
  const written: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    response.statusCode = status(text);
    response.setHeader('content-type', 'application/json');
    if (response.statusCode === 204) written.push(...text.split('\n'));
    response.end(
      response.statusCode === 400 ? '{"error":"partial write: field type conflict dropped=1"}' : '',
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, written);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('slowbeat journal', () => {
  it('tells what there is, and that a directory without a journal has none', async () => {
    await withJournal(async (data) => {
      const { code, stdout } = await runCommand(['journal', 'status', '--data', data]);
      assert.equal(code, 0);
      assert.match(stdout, /^2026-11-20 +0\.\d +0 %\n1 days, 0\.\d MiB\nnever delivered/m);
      const json = await runCommand(['journal', 'status', '--data', data, '--json']);
      assert.equal(JSON.parse(json.stdout).segments[0].segment, '2026-11-20');
      const none = await runCommand(['journal', 'status', '--data', join(data, 'journal')]);
      assert.equal(none.code, 3);
      assert.match(none.stderr, /there is no journal in .*--data/);
    });
  });

  it('passes a journal that is whole and fails one with damage, which it names', async () => {
    await withJournal(async (data, segment) => {
      const whole = await runCommand(['journal', 'verify', '--data', data]);
      assert.deepEqual([whole.code, whole.stdout], [0, '2026-11-20: 5000 lines, 0 damaged, no index\n']);
      const bytes = await readFile(segment);
      bytes[bytes.indexOf('\n') + 3] = 0;
      await writeFile(segment, Buffer.concat([bytes, Buffer.from('device_1h,class=m')]));
      const { code, stdout, stderr } = await runCommand(['journal', 'verify', '--data', data]);
      assert.equal(code, 1);
      assert.match(
        stdout,
        /5000 lines, 1 damaged, no index, 17 bytes of an unfinished line\n {2}byte \d+: control/,
      );
      assert.match(stderr, /1 damaged lines/);
    });
  });

  it('posts every line byte for byte, or those of a span of time', async () => {
    await withJournal(async (data) => {
      await withServer(
        () => 204,
        async (url, written) => {
          const env = { INFLUX_URL: url, INFLUX_DATABASE: 'fleet' };
          const all = await runCommand(['journal', 'post', '--data', data], { env });
          assert.deepEqual([all.code, all.stderr], [0, '']);
          assert.match(all.stdout, /^5000 lines posted to database "fleet" at /);
          assert.deepEqual(written.splice(0), LINES);
          const span = ['--from', '2026-11-20T00:00:01Z', '--to', '2026-11-20T00:00:02Z'];
          const some = await runCommand(['journal', 'post', '--data', data, ...span], { env });
          assert.equal(some.code, 0);
          assert.deepEqual(written, LINES.slice(1000, 2000));
        },
      );
    });
  });

  it('ends with 1 when lines were refused or damaged, and posts all others', async () => {
    await withJournal(async (data, segment) => {
      await writeFile(segment, `}garbage{\n${LINES.join('\n')}\n`);
      await withServer(
        (body) => (body.includes('d\\ 7 ') ? 400 : 204),
        async (url, written) => {
          const env = { INFLUX_URL: url, INFLUX_DATABASE: 'fleet' };
          const { code, stderr } = await runCommand(['journal', 'post', '--data', data], { env });
          assert.equal(code, 1);
          assert.match(stderr, /1 lines were refused, 1 are damaged.*journal status/);
          assert.equal(new Set(written).size, LINES.length - 1);
          const { stdout } = await runCommand(['journal', 'status', '--data', data]);
          assert.match(stdout, /1 dead letters: 400: partial write/);
        },
      );
    });
  });

  it('ends with 4 when the server lets nobody in, and 2 when it is not said where to', async () => {
    await withJournal(async (data) => {
      await withServer(
        () => 401,
        async (url) => {
          const env = { INFLUX_URL: url, INFLUX_BUCKET: 'fleet' };
          const { code, stderr } = await runCommand(['journal', 'post', '--data', data], { env });
          assert.equal(code, 4);
          assert.match(stderr, /401.*check INFLUX_TOKEN/);
        },
      );
      const nowhere = await runCommand(['journal', 'post', '--data', data]);
      assert.equal(nowhere.code, 2);
      assert.match(nowhere.stderr, /set INFLUX_URL/);
    });
  });
});
