/**
 * Keeps the achieved false alarms of a class at its budget, whatever the model got wrong.
 *
 * Adaptive conformal inference (Gibbs and Candès 2021) in the logarithm: every gap pays in the mistakes it was
 * allowed, every mistake is paid out, and the threshold follows the balance. The promise does not rest on the
 * model being right: over a long time the two sides cannot drift apart while the threshold is within its bounds.
 */
const GAIN = 0.1;
const LOWEST = Math.log(0.01);
const HIGHEST = Math.log(6);

export class BudgetPace {
  #balance = 0;

  /** `inFlight`: mistakes allowed while a change of the threshold takes to show, which must not overshoot. */
  gap(allowed: number, mistake: boolean, inFlight: number): void {
    const gain = GAIN / Math.max(1, inFlight);
    this.#balance = Math.min(HIGHEST, Math.max(LOWEST, this.#balance + gain * (allowed - (mistake ? 1 : 0))));
  }

  /** Factor on the allowed survival. */
  get factor(): number {
    return Math.exp(this.#balance);
  }
}
