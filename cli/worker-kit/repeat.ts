/** Repeats what was not answered: the server takes a claim and a report once, however often they come. */
import { pauseFor } from '#cli/worker-kit/pause.ts';
import type { Answer } from '#cli/worker-kit/request.ts';

/** Tries of one request; with the pauses between them about eight minutes. */
export const TRIES_MAX = 20;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** The longest a server may have us wait. */
const AFTER_MAX_MS = 60_000;

export interface Repetition {
  /** Told each failed try. */
  readonly onAgain: (message: string) => void;
  /** Ends the repeating, and the pause under way. */
  readonly signal: AbortSignal;
  /** A number from 0 to below 1 for each pause, so that many workers do not come back at once. */
  readonly chance: () => number;
}

/** Asks until the answer is final, twenty times at most or until the signal; `again` then means nobody answered. */
export const untilAnswered = async (
  ask: () => Promise<Answer>,
  { onAgain, signal, chance }: Repetition,
): Promise<Answer> => {
  const isEnded = (): boolean => signal.aborted;
  for (let tries = 1; ; tries++) {
    const answer = await ask();
    if (answer.kind !== 'again' || isEnded()) return answer;
    onAgain(answer.message);
    if (tries === TRIES_MAX) return answer;
    await pauseFor(pauseMs(tries, chance(), answer.afterMs), signal);
    if (isEnded()) return answer;
  }
};

/** Doubles from one second to thirty, less up to a half by chance, and never less than the server asks for. */
export const pauseMs = (tries: number, chance: number, afterMs = 0): number => {
  const wholeMs = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
  return Math.max(wholeMs * (1 - chance / 2), Math.min(afterMs, AFTER_MAX_MS));
};
