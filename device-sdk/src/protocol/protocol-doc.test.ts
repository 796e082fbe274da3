/** PROTOCOL.md is held to the code: every example decodes, every field is described. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { decode, encode, PAYLOAD_BYTES_MAX } from './codec.ts';
import { SCHEMAS, SHORT_KEYS } from './messages.ts';
import { DETECTOR_KINDS, DEVICE_KINDS, parseTopic, type TopicKind } from './topics.ts';

const DOCUMENT = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8');
const KINDS: readonly TopicKind[] = [...DEVICE_KINDS, ...DETECTOR_KINDS];

interface Block {
  readonly language: string;
  readonly kind: string | undefined;
  readonly text: string;
  readonly line: number;
}

const BLOCKS: readonly Block[] = [...DOCUMENT.matchAll(/^```(\S+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(
  (match) => ({
    language: match[1] as string,
    kind: match[2],
    text: match[3] as string,
    line: DOCUMENT.slice(0, match.index).split('\n').length,
  }),
);

function section(kind: TopicKind): string {
  const start = DOCUMENT.indexOf(`\n### ${kind}\n`);
  assert.ok(start >= 0, `a section on ${kind}`);
  const rest = DOCUMENT.slice(start + 5);
  return rest.slice(0, rest.search(/^##/m));
}

/** Keys and names in the table of a section. */
function described(kind: TopicKind): [string, string][] {
  return [...section(kind).matchAll(/^\| `(\w+)` +\| (\w+) +\|/gm)].map((row) => [
    row[1] as string,
    row[2] as string,
  ]);
}

function bytesOf({ language, text }: Block): Uint8Array {
  return language === 'hex'
    ? new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'))
    : Buffer.from(text.trim());
}

describe('PROTOCOL.md', () => {
  const examples = BLOCKS.filter(({ language }) => language !== 'sh');

  it('labels every block that is not for the shell with a kind', () => {
    for (const { language, kind, line } of BLOCKS) {
      assert.ok(language === 'sh' || KINDS.includes(kind as TopicKind), `line ${line}`);
    }
  });

  for (const block of examples) {
    it(`gives a ${block.kind} in line ${block.line} that decodes, every field of it`, () => {
      const kind = block.kind as TopicKind;
      const decoded = decode(kind, bytesOf(block));
      assert.ok(decoded.ok, decoded.ok ? '' : decoded.detail);
      assert.ok(
        Object.values(decoded.message).every((value) => value !== undefined),
        'a reading was dropped',
      );
      if (block.language === 'hex') {
        assert.deepEqual(encode(kind, decoded.message, 'cbor'), bytesOf(block));
        return;
      }
      assert.deepEqual(
        JSON.parse(new TextDecoder().decode(encode(kind, decoded.message))),
        JSON.parse(block.text),
      );
    });
  }

  it('gives an example of every kind', () => {
    for (const kind of KINDS)
      assert.ok(
        examples.some((block) => block.kind === kind),
        kind,
      );
  });

  it('says the sizes of its two typical beats as they are', () => {
    const json = examples.find(({ kind }) => kind === 'beat') as Block;
    const decoded = decode('beat', bytesOf(json));
    assert.ok(decoded.ok);
    const [cborBytes, jsonBytes] = [encode('beat', decoded.message, 'cbor'), encode('beat', decoded.message)];
    assert.ok(DOCUMENT.includes(`${cborBytes.length} bytes instead of ${jsonBytes.length}`));
    assert.deepEqual(bytesOf(examples.find(({ language }) => language === 'hex') as Block), cborBytes);
  });

  for (const kind of KINDS) {
    it(`describes every field of a ${kind} with its key, and no other`, () => {
      const expected = Object.keys(SCHEMAS[kind].shape).map((name) => [
        kind === 'state' ? name : (SHORT_KEYS[name] ?? name),
        name,
      ]);
      assert.deepEqual(described(kind).sort(), expected.sort());
    });
  }

  it('marks as describing exactly the fields that are dropped when they make no sense', () => {
    for (const kind of KINDS) {
      for (const [key] of described(kind)) {
        const row = new RegExp(`^\\| \`${key}\` .*$`, 'm').exec(section(kind))?.[0] ?? '';
        // As a further key, so that a verdict has all it needs.
        const rest = kind === 'state' ? { state: 'dead', at: 1, reason: 'late' } : {};
        const isDropped = decode(kind, Buffer.from(JSON.stringify({ ...rest, [key]: {} }))).ok;
        assert.equal(row.includes('_Describing_'), isDropped, `${kind} ${key}`);
      }
    }
  });

  it('gives shell commands whose topics and payloads are of this protocol', () => {
    const commands = BLOCKS.filter(({ language }) => language === 'sh').map(({ text }) => text.trim());
    const publishing = commands.filter((command) => command.startsWith('mosquitto_pub'));
    assert.ok(publishing.length >= 4);
    for (const command of publishing) {
      const pairs = [
        [/ -t (\S+)/, / -m '([^']*)'/],
        [/ --will-topic (\S+)/, / --will-payload '([^']*)'/],
      ] as const;
      for (const [topicPattern, payloadPattern] of pairs) {
        const topic = topicPattern.exec(command)?.[1];
        if (topic === undefined) continue;
        const parsed = parseTopic('hb/v1', topic);
        assert.ok(parsed !== undefined, command);
        assert.ok(decode(parsed.kind, Buffer.from(payloadPattern.exec(command)?.[1] ?? '')).ok, command);
      }
    }
  });

  it('names every reason of refusal, and the limit', () => {
    for (const reason of ['payload-too-large', 'not-json-or-cbor', 'malformed', 'invalid-field']) {
      assert.match(DOCUMENT, new RegExp(`^\\| \`${reason}\` +\\|`, 'm'));
    }
    assert.ok(DOCUMENT.includes(`At most ${PAYLOAD_BYTES_MAX} bytes`));
  });
});
