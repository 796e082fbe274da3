/** What a device sends while it lives: when the next beat is due, what it says, and what became of it. */
import { BeatSchedule } from './beat-schedule.ts';
import type { Timer } from './clock.ts';
import type { DeviceMessages } from './device-messages.ts';
import type { DeviceEvents } from './events.ts';
import type { Link } from './link.ts';
import type { DeviceSettings } from './option-check.ts';

export interface HeartEvents {
  /** The instant of a planned beat. */
  due(): void;
  /** The broker answered, or the connection ended without an answer. Before any listener is told. */
  answered(): void;
  beat(event: DeviceEvents['beat']): void;
  missed(event: DeviceEvents['missed']): void;
}

export class Heart {
  /** A birth precedes the next beat: a session began, or what a birth says has changed. */
  birthDue = true;
  readonly #settings: DeviceSettings;
  readonly #messages: DeviceMessages;
  readonly #link: Link;
  readonly #events: HeartEvents;
  readonly #schedule: BeatSchedule;
  #birthAt = 0;
  #roundTripMs: number | undefined;
  /** Beats lost so far, and how many of these a beat that arrived has told of. */
  #lost = 0;
  #told = 0;
  #timer: Timer | undefined;

  constructor(settings: DeviceSettings, messages: DeviceMessages, link: Link, events: HeartEvents) {
    this.#settings = settings;
    this.#messages = messages;
    this.#link = link;
    this.#events = events;
    this.#schedule = new BeatSchedule(settings.intervalMs, settings.jitter, settings.random);
  }

  set intervalMs(intervalMs: number) {
    this.#schedule.intervalMs = intervalMs;
    this.birthDue = true;
  }

  /** How long ago the latest birth was sent, milliseconds. */
  get birthAgeMs(): number {
    return this.#settings.clock.now() - this.#birthAt;
  }

  /** Draws the gap to the next beat, sets the alarm for it, and returns it in milliseconds. */
  plan(): number {
    const gapMs = this.#schedule.drawGapMs();
    this.#timer?.cancel();
    this.#timer = this.#settings.clock.setTimer(gapMs, () => this.#events.due());
    return gapMs;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Only when the link is up. What it says is of this instant: nothing is ever kept to be sent later. */
  beat(session: number): void {
    this.birth(session);
    const { clock, qos } = this.#settings;
    const seq = this.#schedule.takeSeq();
    const nextMs = this.plan();
    const lost = this.#lost;
    const sentAt = clock.now();
    const facts = { seq, nextMs, missed: lost - this.#told, roundTripMs: this.#roundTripMs };
    this.#link.publish(this.#messages.beat(session, facts), (error) => {
      if (error !== undefined) {
        this.#events.answered();
        this.#miss(seq, 'not-acknowledged');
        return;
      }
      this.#told = Math.max(this.#told, lost);
      if (qos === 1) this.#roundTripMs = clock.now() - sentAt;
      this.#events.answered();
      this.#events.beat({ seq, nextMs, ...(qos === 1 ? { roundTripMs: this.#roundTripMs } : {}) });
    });
  }

  /** A planned beat for which there was no connection. */
  skip(): void {
    this.#miss(this.#schedule.takeSeq(), 'not-connected');
  }

  /** Says birth, if it is due. Only when the link is up. */
  birth(session: number): void {
    if (!this.birthDue) return;
    this.birthDue = false;
    this.#birthAt = this.#settings.clock.now();
    this.#link.publish(this.#messages.birth(session, this.#schedule.intervalMs), (error) => {
      if (error !== undefined) this.birthDue = true;
      this.#events.answered();
    });
  }

  #miss(seq: number, reason: DeviceEvents['missed']['reason']): void {
    this.#lost += 1;
    this.#events.missed({ seq, reason });
  }
}
