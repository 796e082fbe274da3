/**
 * Interprets golden scripts for the detector: stories in plain text, with what the detector said.
 *
 *   class meter intervalMs=10000 algorithm=missed     declares a class (before the first event)
 *   at 12s beat meter/d1 seq=1 nextMs=10000           evidence, with the fields of evidence.ts
 *   advance 40s                                       judges what is due
 *   blind 50s · hear 60s                              the monitor cannot hear, and can again
 *   restore                                           goes through a snapshot
 *   show meter/d1                                     the device at the latest instant
 *   ----                                              below: every transition, refused outcome and answer
 */
import {
  type ClassConfig,
  classConfig,
  Detector,
  type Evidence,
  type Transition,
} from '@slowbeat/detector-service/detector';

interface Story {
  readonly classes: Record<string, ClassConfig>;
  detector: Detector | undefined;
  now: number;
}

/** Runs a script and returns it with the answers it got, blocks and comments as they stood. */
export function runGolden(script: string): string {
  const story: Story = { classes: {}, detector: undefined, now: 0 };
  return script
    .split(/\n{2,}/)
    .map((block) => {
      const commands = (block.split('\n----')[0] as string).trimEnd();
      const answers = commands
        .split('\n')
        .filter((line) => line.trim() !== '' && !line.startsWith('#'))
        .flatMap((line) => obey(story, line.trim()));
      return answers.length === 0 ? commands : `${commands}\n----\n${answers.join('\n')}`;
    })
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

function obey(story: Story, line: string): string[] {
  const [verb, ...words] = line.split(/\s+/) as [string, ...string[]];
  if (verb === 'class') {
    const [name, ...knobs] = words as [string, ...string[]];
    story.classes[name] = classConfig(fields(knobs) as { intervalMs: number });
    return [];
  }
  story.detector ??= new Detector({ classes: story.classes });
  const { detector } = story;
  switch (verb) {
    case 'at': {
      story.now = seconds(words[0] as string);
      const [kind, who, ...rest] = words.slice(1) as [string, string, ...string[]];
      const [deviceClass, device] = who.split('/') as [string, string];
      const evidence = { kind, deviceClass, device, ...fields(rest) } as Evidence;
      const { outcome, transitions } = detector.observe(evidence, story.now);
      const answers = transitions.map(told);
      return outcome === 'renewed' || outcome === 'recorded' ? answers : [...answers, outcome];
    }
    case 'advance':
      story.now = seconds(words[0] as string);
      return detector.advance(story.now).map(told);
    case 'blind':
    case 'hear':
      story.now = seconds(words[0] as string);
      return detector.observe({ kind: 'monitor', up: verb === 'hear' }, story.now).transitions.map(told);
    case 'restore':
      story.detector = Detector.restore({ classes: story.classes }, detector.snapshot());
      return [];
    case 'show':
      return [shown(story, words[0] as string)];
    default:
      throw new Error(`golden script: unknown command "${verb}" in "${line}"`);
  }
}

function shown({ detector, now }: Story, who: string): string {
  const [deviceClass, device] = who.split('/') as [string, string];
  const view = detector?.device(deviceClass, device, now);
  if (view === undefined) return `${who} not known`;
  const instants = (['lastSeenAt', 'expectedBy', 'suspectAt', 'deadAt'] as const)
    .filter((name) => view[name] !== undefined)
    .map((name) => `${name}=${instant(view[name] as number)}`);
  return `${who} ${view.state} since ${instant(view.since)}, ${instants.join(' ')} φ=${view.phi.toFixed(2)}`;
}

function told(transition: Transition): string {
  const { at, noticedAt, deviceClass, device, from, to, reason, restated } = transition;
  const noticed = noticedAt === at ? '' : `, noticed ${instant(noticedAt)}`;
  const change = restated ? `was ${to}, not ${from}` : `${from} → ${to}`;
  return `${instant(at)} ${deviceClass}/${device} ${change} (${reason}${noticed})`;
}

function fields(words: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    words.map((word) => {
      const [name, text] = word.split('=') as [string, string];
      return [name, /^[\d.]+$/.test(text) ? Number(text) : text === 'true' ? true : text];
    }),
  );
}

function seconds(text: string): number {
  return Number(text.replace(/s$/, '')) * 1000;
}

function instant(at: number): string {
  return `${Math.round(at) / 1000}s`;
}
