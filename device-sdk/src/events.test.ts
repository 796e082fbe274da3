import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { Emitter } from './events.ts';

describe('Emitter', () => {
  it('tells listeners in the order of their adding, and each as often as it was added', () => {
    const emitter = new Emitter<{ tick: number }>();
    const heard: string[] = [];
    const twice = (n: number) => void heard.push(`twice ${n}`);
    emitter.on('tick', twice);
    const remove = emitter.on('tick', twice);
    emitter.on('tick', (n) => void heard.push(`once ${n}`));
    emitter.emit('tick', 1);
    remove();
    remove();
    emitter.emit('tick', 2);
    assert.deepEqual(heard, ['twice 1', 'twice 1', 'once 1', 'twice 2', 'once 2']);
  });

  it('does not mind listeners that come and go while it tells', () => {
    const emitter = new Emitter<{ tick: number }>();
    const heard: number[] = [];
    const remove = emitter.on('tick', (n) => {
      heard.push(n);
      remove();
      emitter.on('tick', (later) => void heard.push(later * 10));
    });
    emitter.emit('tick', 1);
    emitter.emit('tick', 2);
    assert.deepEqual(heard, [1, 20]);
  });

  it('lets a listener that throws harm neither the emitter nor the others, and does not hide it', () => {
    const program = `
      import { Emitter } from ${JSON.stringify(new URL('./events.js', import.meta.url).href)};
      const emitter = new Emitter();
      emitter.on('tick', () => { throw new Error('in a listener'); });
      emitter.on('tick', () => process.stdout.write('the other;'));
      emitter.emit('tick', 1);
      process.stdout.write('the emitter;');`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    assert.equal(run.stdout, 'the other;the emitter;');
    assert.match(run.stderr, /Error: in a listener/);
    assert.notEqual(run.status, 0);
  });
});
