/**
 * Whose packet is next.
 *
 * One thread serves all connections. If each were read to the end when its turn comes, as streams do by themselves, a
 * crowd that floods would make everybody else wait for what all of it has sent. So connections pass one packet at a
 * time, in turn; and who has sent nothing for a while and now says one thing does not stand behind those that have
 * a backlog: both queues move alternately, so that neither starves (sparse flows first, after RFC 8290 section 3.2).
 * What is not let through stays unread, and TCP slows its sender down.
 *
 * While nobody waits, whoever comes passes at once.
 */

/** A connection, as far as the turnstile is concerned. */
export interface Passenger {
  /** It had more than one packet when it passed last, or is for another reason in less of a hurry. */
  isBehind: boolean;
  /** It waits for its turn. The turnstile's own note. */
  isInLine: boolean;
  /** Lets one packet through. `at` is monotonic, in milliseconds. True when there is another one to come. */
  pass(at: number): boolean;
}

/** After so long the event loop has a chance to see who else has come, and to send what is to be sent. */
const TURN_MS = 10;
/** At most so many pass in a turn: much of what a packet costs comes after it has passed. */
const PASSING_MAX = 256;
/** So many that have passed already may keep their places in memory. */
const LINE_LEFT_MAX = 1024;

/** First come, first served. */
class Line {
  #passengers: Passenger[] = [];
  #first = 0;

  get length(): number {
    return this.#passengers.length - this.#first;
  }

  push(one: Passenger): void {
    one.isInLine = true;
    this.#passengers.push(one);
  }

  shift(): Passenger | undefined {
    const one = this.#passengers[this.#first];
    if (one === undefined) return undefined;
    one.isInLine = false;
    this.#first += 1;
    if (this.#first === this.#passengers.length || this.#first > LINE_LEFT_MAX) {
      this.#passengers = this.#passengers.slice(this.#first);
      this.#first = 0;
    }
    return one;
  }
}

export class Turnstile {
  readonly #fresh = new Line();
  readonly #behind = new Line();
  #isPassing = false;
  #isTurnOn = false;
  #turnEndsAt = 0;

  /** Connections that wait for their turn. */
  get waiting(): number {
    return this.#fresh.length + this.#behind.length;
  }

  /** This one has, or may have, something to say. */
  arrive(one: Passenger): void {
    const now = performance.now();
    if (!this.#isTurnOn) this.#beginTurn(now);
    if (this.waiting > 0 || this.#isPassing || now >= this.#turnEndsAt) {
      this.#line(one);
      return;
    }
    this.#isPassing = true;
    let at = now;
    let hasMore = one.pass(at);
    while (hasMore && at < this.#turnEndsAt && this.waiting === 0) {
      at = performance.now();
      hasMore = one.pass(at);
    }
    this.#isPassing = false;
    this.#settle(one, hasMore);
  }

  #beginTurn(now: number): void {
    this.#isTurnOn = true;
    this.#turnEndsAt = now + TURN_MS;
    setImmediate(this.#nextTurn);
  }

  readonly #nextTurn = (): void => {
    this.#isTurnOn = false;
    if (this.waiting === 0) return;
    let at = performance.now();
    this.#beginTurn(at);
    this.#isPassing = true;
    for (let passed = 0; passed < PASSING_MAX && this.waiting > 0 && at < this.#turnEndsAt; passed += 2) {
      this.#letPass(this.#fresh, at);
      this.#letPass(this.#behind, at);
      at = performance.now();
    }
    this.#isPassing = false;
  };

  #letPass(line: Line, at: number): void {
    const first = line.shift();
    if (first !== undefined) this.#settle(first, first.pass(at));
  }

  #settle(one: Passenger, hasMore: boolean): void {
    if (!hasMore) return;
    one.isBehind = true;
    this.#line(one);
  }

  #line(one: Passenger): void {
    if (!one.isInLine) (one.isBehind ? this.#behind : this.#fresh).push(one);
  }
}
