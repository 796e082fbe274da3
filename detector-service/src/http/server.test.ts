import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { classConfig, Detector } from '../detector/index.ts';
import type { DevicePage } from './device-pages.ts';
import { createMetrics } from './metrics.ts';
import { json } from './responses.ts';
import { HttpListenError, type HttpServer, startHttp } from './server.ts';

const AT = 1_800_000_000_000;

describe('the HTTP interface', () => {
  let server: HttpServer;
  let base: string;
  let missing: string | undefined;
  const detector = new Detector({
    classes: { meter: classConfig({ intervalMs: 1000 }), pump: classConfig({ intervalMs: 1000 }) },
  });
  for (let i = 0; i < 25; i++) {
    for (const deviceClass of ['pump', 'meter'])
      detector.observe({ kind: 'beat', deviceClass, device: `d${i}` }, AT);
  }

  beforeEach(async () => {
    missing = undefined;
    const metrics = createMetrics();
    metrics.add([
      {
        name: 'slowbeat_test',
        help: 'x',
        kind: 'gauge',
        labels: ['class'],
        read: () => [{ value: 3, labels: { class: 'a' } }],
      },
    ]);
    server = await startHttp({
      host: '127.0.0.1',
      port: 0,
      metrics,
      checks: { journal: () => undefined, 'broker-link': () => missing },
      devices: {
        devices: () => detector.devices(AT),
        explain: (deviceClass, device) => detector.explain(deviceClass, device, AT),
        incidents: () => detector.incidents(),
      },
      pages: { '/api/v1/extra': (query) => json({ asked: query.get('for') }) },
      logger: pino({ level: 'silent' }),
    });
    base = `http://127.0.0.1:${server.address.port}`;
  });
  afterEach(() => server.close());

  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(base + path, init);
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
    };
  };

  it('lives whatever is missing, and is ready only when nothing is', async () => {
    missing = 'connecting to mqtt://nowhere';
    assert.equal((await get('/livez')).status, 200);
    const unready = await get('/readyz');
    assert.equal(unready.status, 503);
    assert.equal(
      unready.body,
      '[+]journal ok\n[-]broker-link failed: connecting to mqtt://nowhere\nnot ready\n',
    );
    missing = undefined;
    assert.deepEqual([(await get('/healthz')).status, (await get('/readyz')).body], [200, 'ok\n']);
    assert.equal((await get('/readyz?verbose')).body, '[+]journal ok\n[+]broker-link ok\nready\n');
  });

  it('serves metrics as Prometheus reads them', async () => {
    const { type, body } = await get('/metrics');
    assert.match(type ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(body, /^slowbeat_test\{class="a"\} 3$/m);
  });

  it('lists the fleet in pages, each device once, sorted by class and name', async () => {
    const names: string[] = [];
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null) {
      const page = JSON.parse((await get(`/api/v1/devices?limit=7&cursor=${cursor}`)).body) as DevicePage;
      names.push(...page.devices.map(({ deviceClass, device }) => `${deviceClass}/${device}`));
      cursor = page.next;
      pages++;
    }
    assert.equal(pages, Math.ceil(50 / 7));
    assert.deepEqual(names, [...new Set(names)].sort());
    assert.equal(names.length, 50);
  });

  it('narrows the list to a class and a state', async () => {
    const page = JSON.parse((await get('/api/v1/devices?class=pump&state=alive')).body) as DevicePage;
    assert.equal(page.devices.length, 25);
    assert.ok(page.devices.every(({ deviceClass, state }) => deviceClass === 'pump' && state === 'alive'));
    assert.equal(JSON.parse((await get('/api/v1/devices?state=dead')).body).devices.length, 0);
  });

  it('explains one device', async () => {
    const { status, body } = await get('/api/v1/devices/meter/d3');
    const explained = JSON.parse(body);
    assert.deepEqual([status, explained.state, explained.algorithm], [200, 'alive', 'adaptive']);
    assert.equal(typeof explained.deadAt, 'number');
  });

  const refusals: [string, RequestInit, number, RegExp][] = [
    ['/api/v1/devices/meter/nobody', {}, 404, /no device \\"nobody\\" of class \\"meter\\"/],
    ['/api/v1/devices?limit=0', {}, 400, /limit must be a whole number from 1 to 1000/],
    ['/api/v1/devices?limt=5', {}, 400, /unknown parameter \\"limt\\"/],
    ['/api/v1/devices?state=ill', {}, 400, /state must be one of unknown, alive/],
    ['/etc/passwd', {}, 404, /nothing is served at/],
    ['//', {}, 404, /nothing is served at/],
    ['/api/v1/devices', { method: 'POST', body: 'x'.repeat(100_000) }, 405, /read with GET/],
  ];
  for (const [path, init, status, detail] of refusals) {
    it(`answers ${status} with a problem document: ${init.method ?? 'GET'} ${path}`, async () => {
      const reply = await get(path, init);
      assert.deepEqual([reply.status, reply.type], [status, 'application/problem+json']);
      assert.match(reply.body, detail);
    });
  }

  it('survives bytes that are no HTTP', async () => {
    const socket = connect(server.address.port, '127.0.0.1');
    socket.end('\x00\x01\x02 nonsense\r\n\r\n');
    await new Promise((resolve) => socket.on('close', resolve).resume());
    assert.equal((await get('/livez')).status, 200);
  });

  it('says which port is taken', async () => {
    const { port } = server.address;
    const second = startHttp({
      host: '127.0.0.1',
      port,
      metrics: createMetrics(),
      checks: {},
      devices: { devices: () => [], explain: () => undefined, incidents: () => [] },
      logger: pino({ level: 'silent' }),
    });
    await assert.rejects(second, (error) => {
      assert.ok(error instanceof HttpListenError);
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use`));
      return true;
    });
  });

  it('serves the pages it is given beside its own', async () => {
    assert.equal((await get('/api/v1/extra?for=me')).body, '{"asked":"me"}\n');
    assert.equal((await get('/api/v1/extra', { method: 'POST' })).status, 405);
  });

  it('knows no devices where nobody is watched', async () => {
    const logger = pino({ level: 'silent' });
    await using alone = await startHttp({
      host: '127.0.0.1',
      port: 0,
      metrics: createMetrics(),
      checks: {},
      logger,
    });
    const { port } = alone.address;
    for (const path of ['/api/v1/devices', '/api/v1/devices/meter/d1', '/api/v1/incidents', '/toString']) {
      assert.equal((await fetch(`http://127.0.0.1:${port}${path}`)).status, 404, path);
    }
    assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  });
});
