import { Worker } from 'node:worker_threads';
import type { Job, Outcome } from './job.ts';

/**
 * Performs jobs on several threads, and gives the outcomes in the order of the jobs whoever was faster.
 *
 * @param onDone told after each job how many are done
 */
export async function performAll(
  jobs: readonly Job[],
  threads: number,
  onDone: (done: number) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.js', import.meta.url));
    try {
      for (let index = next++; index < jobs.length; index = next++) {
        outcomes[index] = await performed(worker, jobs[index] as Job);
        onDone(++done);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, work));
  return outcomes;
}

function performed(worker: Worker, job: Job): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (outcome: Outcome) => {
      worker.off('error', reject);
      resolve(outcome);
    });
    worker.postMessage(job);
  });
}
