import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { brokerConfigSchema, describeConfigProblems } from './config.ts';
import { REASONS } from './counters.ts';

const README = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly oneOf?: readonly Node[];
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly const?: unknown;
  readonly description?: string;
}

/** One table row per setting; the alternatives of a mode are told apart by it. */
function rows(node: Node, path: string, isRequired = true): string[] {
  if (node.oneOf !== undefined) return node.oneOf.flatMap((alternative) => rows(alternative, path));
  if (node.properties === undefined) {
    const value = node.const ?? node.default;
    const without = isRequired ? 'required' : '–';
    const shown = value === undefined ? without : `\`${JSON.stringify(value)}\``;
    return [`| \`${path}\` | ${shown} | ${node.description ?? 'NOT DESCRIBED'} |`];
  }
  return Object.entries(node.properties).flatMap(([key, child]) =>
    rows(child, path === '' ? key : `${path}.${key}`, node.required?.includes(key) === true),
  );
}

function tableBelow(heading: string): string[] {
  const section = README.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.replace(/ +\|/g, ' |')); // the formatter pads columns
}

describe('the README', () => {
  it('names every setting with its default and meaning, and no other', () => {
    const expected = rows(z.toJSONSchema(brokerConfigSchema, { io: 'input' }) as Node, '');
    assert.deepEqual(tableBelow('Configuration'), expected, `the right table:\n${expected.join('\n')}`);
  });

  it('names every reason that is counted', () => {
    const expected = Object.entries(REASONS).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`);
    assert.deepEqual(tableBelow('What it counts'), expected, `the right table:\n${expected.join('\n')}`);
  });
});

describe('the configuration', () => {
  it('may be empty', () => {
    const config = brokerConfigSchema.parse({});
    assert.deepEqual(config.tcp, { enabled: true, host: '127.0.0.1', port: 1883, proxies: [] });
    assert.deepEqual(config.access, { mode: 'open', allowOpenOnNetwork: false });
  });

  for (const [input, problem] of [
    [{ limits: { connections: 1 } }, /^broker\.limits: unknown "connections"; known are connectionsMax, /],
    [
      { acess: {} },
      /^broker: unknown "acess"; known are tcp, tls, ws, wss, root, topics, access, redis, limits$/,
    ],
    [{ tcp: { port: 70_000 } }, /^broker\.tcp\.port: 70000 is not a whole number from 0 to 65535 \(port\); /],
    [{ tcp: { port: 'mqtt' } }, /^broker\.tcp\.port: "mqtt" is not a whole number/],
    [{ tcp: 5 }, /^broker\.tcp: 5 is not a section; known keys are enabled, host, port, proxies$/],
    [{ tcp: { host: '' } }, /^broker\.tcp\.host: is empty; use a name or address/],
    [
      { limits: { keepaliveMaxS: 0.5 } },
      /^broker\.limits\.keepaliveMaxS: 0\.5 is not a whole number from 1 to 65535 \(seconds\)/,
    ],
    [
      { access: { mode: 'closed' } },
      /^broker\.access\.mode: "closed" is not a mode; set "open" .* or "users"/,
    ],
    [{ access: {} }, /^broker\.access\.mode: nothing is not a mode; set "open"/],
    [
      { access: { mode: 'users' } },
      /^broker\.access: names no way to log in; set credentialsFile, tokens or certificates$/,
    ],
    [
      { access: { mode: 'open', credentialsFile: 'x' } },
      /^broker\.access: unknown "credentialsFile"; known are mode, allow/,
    ],
    [
      { access: { mode: 'users', tokens: {} } },
      /^broker\.access\.tokens: wants exactly one of secretFile, jwksFile and jwksUrl$/,
    ],
    [
      { access: { mode: 'users', tokens: { jwksUrl: 'http://127.0.0.1.keys.example/' } } },
      /^broker\.access\.tokens\.jwksUrl: "http:\/\/127.0.0.1.keys\.example\/" is no https:\/\/ URL/,
    ],
    [
      { access: { mode: 'users', tokens: { jwksUrl: 'http://keys.example/' } } },
      /^broker\.access\.tokens\.jwksUrl: "http:\/\/keys\.example\/" is no https:\/\/ URL/,
    ],
    [
      { tls: { certFile: 'c', keyFile: 'k', clientCrlFile: 'l' } },
      /^broker\.tls\.clientCrlFile: revokes nothing without clientCaFile/,
    ],
    [
      { ws: { proxies: ['10.0.0.0/33'] } },
      /^broker\.ws\.proxies\.0: "10\.0\.0\.0\/33" is neither an address nor/,
    ],
    [
      { topics: 'all' },
      /^broker\.topics: "all" is no choice of topics; set "scheme" \(heartbeats only\), "any"/,
    ],
    [{ root: 'a/#' }, /^broker\.root: "a\/#" is no topic prefix; use levels without wildcards/],
    [
      { limits: { trustedAddresses: 'all' } },
      /^broker\.limits\.trustedAddresses: "all" is not a list of addresses and networks$/,
    ],
    [
      { limits: { trustedAddresses: ['gateway.example'] } },
      /^broker\.limits\.trustedAddresses\.0: "gateway\.example" is neither an address nor a network such as/,
    ],
    [
      { tcp: { proxies: ['10.0.0.0/'] } },
      /^broker\.tcp\.proxies\.0: "10\.0\.0\.0\/" is neither an address nor a network such as/,
    ],
  ] as const) {
    it(`${JSON.stringify(input)} is refused naming field, value and remedy`, () => {
      const result = brokerConfigSchema.safeParse(input);
      assert.ok(!result.success);
      const problems = describeConfigProblems(result.error);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', problem);
    });
  }
});
