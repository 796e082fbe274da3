/** The demo on stage: rounds of a story, drawn on a terminal or line by line elsewhere. */
import { pathsIn } from '@slowbeat/detector-service';
import { STATES, type Transition } from '@slowbeat/detector-service/detector';
import { journalSource } from '@slowbeat/detector-service/uptime';
import { type RunRecord, runSimLive } from '@slowbeat/firmware-sim';
import type { Monitor } from '../monitor.ts';
import { span } from '../span.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../text-table.ts';
import { Chronicle } from './chronicle.ts';
import { LiveView } from './live-view.ts';
import { roundReport } from './round-report.ts';
import { stateColors, transitionLine } from './words.ts';

const LATEST_SHOWN = 12;

export interface Round {
  readonly seed: number;
  readonly for?: string;
  readonly count?: number;
  readonly signal: AbortSignal;
}

/** Plays rounds and shows them: drawn on a terminal, line by line elsewhere. */
export class Stage {
  readonly #monitor: Monitor;
  readonly #terminal: Terminal;
  readonly #dataDirectory: string;
  readonly #chronicle = new Chronicle();
  #latest: string[] = [];
  #heardFirst = 0;
  /** The devices' goodbyes after a round are no news. */
  #isOver = false;

  constructor(monitor: Monitor, terminal: Terminal, dataDirectory: string) {
    this.#monitor = monitor;
    this.#terminal = terminal;
    this.#dataDirectory = dataDirectory;
    const paint = stateColors(terminal);
    monitor.service.onTransition((transition) => {
      this.#chronicle.addTransition(transition);
      if (this.#isOver) return;
      const line = transitionLine(transition, this.#chronicle.truthBehind(transition), paint);
      this.#latest = [...this.#latest.slice(1 - LATEST_SHOWN), line];
      if (!terminal.interactive) this.#printVerdict(transition, line);
    });
    const { host, port } = monitor.http.address;
    this.#print([
      `Slowbeat demo: broker ${monitor.url} (open), http://${host}:${port}/api/v1/devices`,
      `Watch the verdicts:  mosquitto_sub -h 127.0.0.1 -p ${new URL(monitor.url).port} -v -t 'hb/v1/+/+/state'`,
    ]);
  }

  async play(round: Round): Promise<void> {
    this.#chronicle.beginRound();
    this.#isOver = false;
    const startedAt = Date.now();
    const { signal, ...options } = round;
    let view: LiveView | undefined;
    try {
      await runSimLive(
        { ...options, scenario: 'demo', url: this.#monitor.url },
        {
          signal,
          onStart: (record) => {
            this.#print([`Playing ${record.count} devices for ${record.for}, seed ${record.seed}`, '']);
            if (this.#terminal.interactive)
              view = new LiveView(this.#terminal, () => this.#scene(record, startedAt));
          },
          onTruth: (line) => this.#chronicle.addTruth(line),
          beforeLeaving: async () => {
            // The goodbyes that follow would be drawn over the report.
            view?.draw();
            view?.[Symbol.dispose]();
            await this.#conclude(startedAt);
          },
        },
      );
    } finally {
      view?.[Symbol.dispose]();
    }
  }

  async #conclude(startedAt: number): Promise<void> {
    const to = this.#monitor.service.now();
    await this.#monitor.service.settled();
    this.#isOver = true;
    const source = journalSource(pathsIn(this.#dataDirectory).journal);
    const { lines } = await roundReport(this.#chronicle, source, startedAt, to);
    this.#print(['', ...lines, '']);
  }

  #scene(record: RunRecord, startedAt: number): string[] {
    const { colors } = this.#terminal;
    const elapsed = span(Math.floor((Date.now() - startedAt) / 1000) * 1000);
    return [
      `${colors.bold('Slowbeat demo')}  ${elapsed} of ${record.for}  seed ${record.seed}  Ctrl-C ends`,
      '',
      ...this.#states(),
      '',
      ...this.#latest,
    ];
  }

  #states(): string[] {
    const counts = new Map<string, Map<string, number>>();
    for (const { deviceClass, state } of this.#monitor.service.devices()) {
      const own = counts.get(deviceClass) ?? new Map<string, number>();
      counts.set(deviceClass, own.set(state, (own.get(state) ?? 0) + 1));
    }
    const states = STATES.filter((state) => state !== 'retired');
    const paint = stateColors(this.#terminal);
    const rows = [...counts]
      .sort()
      .map(([name, own]) => [name, ...states.map((state) => String(own.get(state) ?? '·'))]);
    return textTable(
      [{ title: 'class' }, ...states.map((state) => ({ title: state, align: 'right' }) as const)],
      rows,
      (cell, _row, column) => {
        const state = states[column - 1];
        return state === undefined ? cell : paint[state](cell);
      },
    );
  }

  /** A whole fleet that is heard for the first time is one line. */
  #printVerdict({ reason }: Transition, line: string): void {
    if (reason === 'first-seen') {
      this.#heardFirst++;
      return;
    }
    if (this.#heardFirst > 0) this.#print([`${this.#heardFirst} devices are heard for the first time`]);
    this.#heardFirst = 0;
    this.#print([line]);
  }

  #print(lines: readonly string[]): void {
    this.#terminal.stdout.write(lines.map((line) => `${line}\n`).join(''));
  }
}
