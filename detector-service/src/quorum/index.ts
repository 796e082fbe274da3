/** One verdict from several monitors. */
export { type MonitorVerdict, type QuorumVerdict, quorum } from './quorum.ts';
export { type Published, QuorumWatch, type QuorumWatchOptions } from './quorum-watch.ts';
