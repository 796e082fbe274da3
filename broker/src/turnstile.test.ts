import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Passenger, Turnstile } from './turnstile.ts';

/** Says its name with each packet; each takes `costMs` of the processor. */
class Talker implements Passenger {
  isBehind = false;
  isInLine = false;
  readonly #name: string;
  readonly #said: string[];
  readonly #costMs: number;
  left: number;

  constructor(name: string, packets: number, said: string[], costMs = 0) {
    this.#name = name;
    this.left = packets;
    this.#said = said;
    this.#costMs = costMs;
  }

  pass(): boolean {
    if (this.left === 0) return false;
    for (const until = performance.now() + this.#costMs; performance.now() < until; );
    this.left -= 1;
    this.#said.push(this.#name);
    return this.left > 0;
  }
}

async function allToPass(turnstile: Turnstile): Promise<void> {
  for (let turns = 0; turnstile.waiting > 0; turns += 1) {
    assert.ok(turns < 10_000, 'somebody waits for ever');
    await nextTurn();
  }
}

describe('the turnstile', () => {
  it('lets who comes to an empty one pass at once, with all it has', () => {
    const said: string[] = [];
    new Turnstile().arrive(new Talker('a', 3, said));
    assert.deepEqual(said, ['a', 'a', 'a']);
  });

  it('gives the event loop its turn while one talks on', async () => {
    const turnstile = new Turnstile();
    const endless = new Talker('a', 40, [], 2);
    turnstile.arrive(endless);
    assert.ok(endless.left > 0, 'it talked on to the end');
    await allToPass(turnstile);
    assert.equal(endless.left, 0);
  });

  it('lets a crowd pass one packet at a time, in turn', async () => {
    const said: string[] = [];
    const turnstile = new Turnstile();
    turnstile.arrive(new Talker('x', 1, [], 15)); // uses the turn up
    for (const name of ['a', 'b', 'c']) turnstile.arrive(new Talker(name, 30, said));
    await allToPass(turnstile);
    const passed = new Map([...'abc'].map((name) => [name, 0]));
    for (const name of said) {
      passed.set(name, (passed.get(name) ?? 0) + 1);
      const counts = [...passed.values()];
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 3, JSON.stringify([...passed]));
    }
    assert.equal(said.length, 90);
  });

  it('lets one that comes with a single packet pass before the backlog of a crowd', async () => {
    const said: string[] = [];
    const turnstile = new Turnstile();
    turnstile.arrive(new Talker('x', 1, [], 15));
    for (let index = 0; index < 50; index += 1) turnstile.arrive(new Talker('greedy', 20, said, 0.2));
    while (said.length < 100) await nextTurn(); // now all of them are behind
    const before = said.length;
    turnstile.arrive(new Talker('good', 1, said));
    await allToPass(turnstile);
    assert.ok(said.indexOf('good') <= before + 2, `after ${said.indexOf('good') - before} others`);
  });

  it('starves nobody: a backlog moves on although newcomers never end', async () => {
    const said: string[] = [];
    const turnstile = new Turnstile();
    turnstile.arrive(new Talker('x', 1, [], 15));
    turnstile.arrive(new Talker('behind', 10, said, 0.5));
    for (let turns = 0; said.filter((name) => name === 'behind').length < 10; turns += 1) {
      assert.ok(turns < 1_000, 'the backlog waits for ever');
      for (let index = 0; index < 30; index += 1) turnstile.arrive(new Talker('new', 1, said, 0.5));
      await nextTurn();
    }
  });

  it('has each wait once, however often it arrives', async () => {
    const said: string[] = [];
    const turnstile = new Turnstile();
    turnstile.arrive(new Talker('x', 1, [], 15));
    const one = new Talker('a', 1, said);
    for (let times = 0; times < 5; times += 1) turnstile.arrive(one);
    assert.equal(turnstile.waiting, 1);
    await allToPass(turnstile);
    assert.deepEqual(said, ['a']);
  });
});
