import { Refusal } from './errors.ts';

/**
 * Runs one of Aedes' hooks so that Aedes hears from it exactly once and no mistake of either side escapes: a
 * throw inside a hook, or inside what Aedes does with the answer, would end the process. After a throw, `refuse`
 * gives the answer.
 */
export function runHook<Values extends unknown[]>(
  answer: (...values: Values) => void,
  onMistake: (error: unknown) => void,
  run: (answer: (...values: Values) => void) => void,
  refuse: (answer: (...values: Values) => void, refusal: Refusal) => void,
): void {
  let answered = false;
  const answerOnce = (...values: Values): void => {
    if (answered) return;
    answered = true;
    try {
      answer(...values);
    } catch (error) {
      onMistake(error);
    }
  };
  try {
    run(answerOnce);
  } catch (error) {
    onMistake(error);
    refuse(answerOnce, new Refusal('internal', 'an unexpected error', 3));
  }
}
