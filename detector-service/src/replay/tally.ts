/** What is counted of one detector's verdicts on one class. */
import { DetectionTimes } from './detection-times.ts';
import { LogHistogram } from './log-histogram.ts';

export class Tally {
  devices = 0;
  /** Live devices called dead. */
  falseAlarms = 0;
  /** Called dead and not heard again: without truth nobody knows. */
  unresolved = 0;
  /** Silences of live devices, and how soon a death in them would have been noticed. */
  readonly silences = new DetectionTimes();
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
  /** Detection times of the deaths that were detected. */
  readonly detection = new LogHistogram();
  detectionMs = 0;

  /** A death that was called so after `ms`. */
  detect(ms: number): void {
    this.detected += 1;
    this.detectionMs += ms;
    this.detection.add(ms);
  }
}
