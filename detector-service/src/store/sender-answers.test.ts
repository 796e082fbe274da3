/** How the sender takes answers that a healthy influxd does not give: a real HTTP server that plays them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { until } from '@slowbeat/test-servers';
import { pino } from 'pino';
import type { InfluxTarget } from './influx-target.ts';
import { type Journal, openJournal } from './journal.ts';
import { type InfluxSenderOptions, startInfluxSender } from './sender.ts';
import type { InfluxSender } from './sender-status.ts';

interface Received {
  readonly request: IncomingMessage;
  readonly lines: readonly string[];
}

interface Stage {
  readonly journal: Journal;
  readonly sender: InfluxSender;
  readonly target: InfluxTarget;
  readonly received: readonly Received[];
  /** Lines of the requests that were answered with 204. */
  readonly written: readonly string[];
}

type Answer = (received: Received, response: ServerResponse) => void;

const logger = pino({ level: 'silent' });

/** Starts a server that answers writes by `answer`, and a sender that sends to it; keeps every write. */
async function play(
  answer: Answer,
  body: (stage: Stage) => Promise<void>,
  options: Partial<InfluxSenderOptions> & {
    place?: Omit<InfluxTarget, 'url'>;
    host?: string;
    version?: string;
  } = {},
): Promise<void> {
  const received: Received[] = [];
  const written: string[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === '/ping') {
      return answerWith(response, 204, '', { 'x-influxdb-version': options.version ?? '1.8.10' });
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString();
    const entry = { request, lines: text.split('\n') };
    received.push(entry);
    response.on('finish', () => {
      if (response.statusCode === 204) written.push(...entry.lines);
    });
    answer(entry, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://${options.host ?? '127.0.0.1'}:${(server.address() as AddressInfo).port}`;
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-answers-'));
  try {
    await using journal = await openJournal({ directory, logger });
    const { place = { database: 'fleet' }, host: _, version: __, ...rest } = options;
    const backoff = { initialMs: 5, maxMs: 20 };
    const target = { url, ...place };
    await using sender = await startInfluxSender({
      journal,
      target,
      logger,
      backoff,
      stopGraceMs: 50,
      ...rest,
    });
    await body({ journal, sender, target, received, written });
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  }
}

function answerWith(
  response: ServerResponse,
  status: number,
  body = '',
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers).end(body);
}

function points(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `sample value=${n}i ${n}`);
}

test('a batch that is too large is halved until it fits, and later ones stay small', async () => {
  const answer: Answer = ({ lines }, response) => answerWith(response, lines.length > 30 ? 413 : 204);
  await play(answer, async ({ journal, sender, received, written }) => {
    await journal.append(points(100));
    await sender.flushed();
    assert.deepEqual(written, points(100));
    const before = received.length;
    await journal.append(points(100));
    await sender.flushed();
    assert.ok(received.slice(before).every(({ lines }) => lines.length <= 30));
  });
});

test('Retry-After counts seconds', async () => {
  let answeredAt = 0;
  const answer: Answer = (_, response) => {
    if (answeredAt > 0) return answerWith(response, 204);
    answeredAt = performance.now();
    answerWith(response, 429, 'slow down', { 'retry-after': '1' });
  };
  await play(answer, async ({ journal, sender }) => {
    await journal.append(points(1));
    await sender.flushed();
    const waitedMs = performance.now() - answeredAt;
    assert.ok(waitedMs >= 990, `waited ${waitedMs} ms`);
    assert.equal(sender.status().failures, 1);
  });
});

test('503, a connection cut in the middle and silence are tried again with the same bytes', async () => {
  const faults: Answer[] = [
    (_, response) => answerWith(response, 503, 'timeout'),
    (_, response) => response.destroy(),
    () => undefined,
  ];
  const answer: Answer = (entry, response) =>
    (faults.shift() ?? ((_, ok) => answerWith(ok, 204)))(entry, response);
  await play(
    answer,
    async ({ journal, sender, received, written }) => {
      await journal.append(points(10));
      await sender.flushed();
      assert.deepEqual(written, points(10));
      assert.equal(received.length, 4);
      for (const { lines } of received) assert.deepEqual(lines, points(10));
    },
    { timeoutMs: 200 },
  );
});

test('a 200 of something that is no InfluxDB does not count as delivered', async () => {
  await play(
    (_, response) => answerWith(response, 200, '<html>welcome</html>', { 'content-type': 'text/html' }),
    async ({ journal, sender }) => {
      await journal.append(points(10));
      await until(() => sender.status().state === 'waiting', 'delivery waits');
      const { problem, remedy, lagLines } = sender.status();
      assert.match(problem ?? '', /answered 200 where InfluxDB answers 204/);
      assert.match(remedy ?? '', /INFLUX_URL/);
      assert.equal(lagLines, 10);
    },
  );
});

test('a 400 that is about the request and not its lines never makes dead letters', async () => {
  let isConfigured = false;
  const answer: Answer = (_, response) =>
    isConfigured
      ? answerWith(response, 204)
      : answerWith(response, 400, '{"error":"organisation is required"}');
  await play(answer, async ({ journal, sender, written }) => {
    await journal.append(points(20));
    await until(() => sender.status().failures >= 2, 'two attempts failed');
    assert.match(sender.status().problem ?? '', /refuses every line: 400/);
    isConfigured = true;
    await sender.flushed();
    assert.deepEqual(written, points(20));
    assert.equal(sender.status().deadLetters, 0);
  });
});

test('a line refused in words we do not know is a dead letter when its neighbours are accepted', async () => {
  const answer: Answer = ({ lines }, response) =>
    answerWith(response, lines.includes('sample value=7i 7') ? 400 : 204, 'nay');
  await play(answer, async ({ journal, sender, written }) => {
    await journal.append(points(20));
    await sender.flushed();
    assert.equal(sender.status().deadLetters, 1);
    assert.deepEqual([...new Set(written)].length, 19);
    const letters = await readFile(join(journal.directory, 'dead-letters.ndjson'), 'utf8');
    assert.deepEqual(JSON.parse(letters), { reason: '400: nay', line: 'sample value=7i 7' });
  });
});

test('a bucket is written through /api/v2/write with its token', async () => {
  const answer: Answer = (_, response) => answerWith(response, 204);
  await play(
    answer,
    async ({ journal, sender, received }) => {
      await journal.append(points(500));
      await sender.flushed();
      const { url, headers } = firstRequest(received);
      assert.equal(url, '/api/v2/write?org=my+org&bucket=beats&precision=ms');
      assert.equal(headers.authorization, 'Token s3cret');
    },
    { place: { bucket: 'beats', org: 'my org', token: 's3cret' } },
  );
});

for (const { host, encoding } of [
  { host: '127.0.0.1', encoding: undefined },
  // The same machine, by an address that does not say so.
  { host: '0.0.0.0', encoding: 'gzip' },
]) {
  test(`requests to ${host} are ${encoding ?? 'not'} compressed`, async () => {
    const answer: Answer = (_, response) => answerWith(response, 204);
    await play(
      answer,
      async ({ journal, sender, received }) => {
        await journal.append(points(500));
        await sender.flushed();
        assert.equal(firstRequest(received).headers['content-encoding'], encoding);
      },
      { host },
    );
  });
}

for (const { version, line } of [
  { version: '1.8.10', line: 'device_1h,class=m,device=a\\ b up_ms=1i,rev=9i 5' },
  { version: 'v2.7.1', line: 'device_1h,class=m,device=a\\ b up_ms=1i,rev=9i 5' },
  // VictoriaMetrics does not say a version.
  { version: '', line: 'device_1h,class=m,device=a\\ b,rev=9 up_ms=1i 5' },
  { version: '3.0.1', line: 'device_1h,class=m,device=a\\ b,rev=9 up_ms=1i 5' },
]) {
  test(`what was put right is written as InfluxDB ${version} needs it`, async () => {
    const answer: Answer = (_, response) => answerWith(response, 204);
    const first = 'device_1h,class=m,device=a\\ b up_ms=1i 5';
    const body = async ({ journal, sender, written }: Stage): Promise<void> => {
      await journal.append([...points(1), first, 'device_1h,class=m,device=a\\ b up_ms=1i,rev=9i 5']);
      await sender.flushed();
      const firstSaid = version.startsWith('3') ? first.replace(' up_ms', ',rev=0 up_ms') : first;
      assert.deepEqual(written.slice(-3), [...points(1), firstSaid, line]);
    };
    await play(answer, body, { version, place: { bucket: 'fleet', org: 'works', token: 't' } });
  });
}

test('a database is written through /write, and no password ever stands in a URL', async () => {
  const answer: Answer = (_, response) => answerWith(response, 204);
  await play(
    answer,
    async ({ journal, sender, received }) => {
      await journal.append(points(1));
      await sender.flushed();
      const { url, headers } = firstRequest(received);
      assert.equal(url, '/write?db=fleet&precision=ms');
      assert.equal(headers.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    },
    { place: { database: 'fleet', username: 'me', password: 'p@ss' } },
  );
});

test('stop is prompt though the server never answers, and the next life sends what was under way', async () => {
  let isMute = true;
  const answer: Answer = (_, response) => {
    if (!isMute) answerWith(response, 204);
  };
  await play(answer, async ({ journal, sender, target, received, written }) => {
    await journal.append(points(10));
    await until(() => received.length > 0, 'a request is under way');
    const startedAt = performance.now();
    await sender.stop();
    assert.ok(performance.now() - startedAt < 1000);
    assert.equal(sender.status().state, 'stopped');
    isMute = false;
    await using next = await startInfluxSender({ journal, target, logger });
    await next.flushed();
    assert.deepEqual(written, points(10));
  });
});

function firstRequest([first]: readonly Received[]): IncomingMessage {
  assert.ok(first !== undefined);
  return first.request;
}
