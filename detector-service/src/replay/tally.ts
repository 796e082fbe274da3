/** What is counted of one detector's verdicts on one class. */
import { LogHistogram } from './log-histogram.ts';

export class Tally {
  devices = 0;
  /** Live devices called dead. */
  falseAlarms = 0;
  /** Called dead and not heard again: without truth nobody knows. */
  unresolved = 0;
  /** How soon a death would have been noticed at any instant of live devices' silences; weighted by time, ms. */
  readonly silences = new LogHistogram();
  /** Time in which verdict and truth were compared, and the part of it in which they differed. */
  judgedMs = 0;
  wrongMs = 0;
  /** Time that live devices were called dead. */
  mistakeMs = 0;
  /** Deaths by the truth, and what became of them. */
  deaths = 0;
  detected = 0;
  /** Over before they were called so. */
  missed = 0;
  /** Detection times of the deaths that were detected, ms. */
  readonly detection = new LogHistogram();

  /** Time in which live devices were observed. */
  get observedMs(): number {
    return this.silences.total;
  }
}
