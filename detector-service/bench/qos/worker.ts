import { parentPort } from 'node:worker_threads';
import { type Job, perform } from './job.ts';

parentPort?.on('message', (job: Job) => parentPort?.postMessage(perform(job)));
