/** Picks what a failure leads to: another try after a delay, a catcher, or nothing. */
import type { Catcher, Retrier } from './definition.ts';
import { selects } from './state-error.ts';
import type { StateError } from './state-error.ts';

export interface Retrial {
  /** Index of the retrier, under which its attempts are counted. */
  readonly index: number;
  readonly delayMs: number;
}

const defaults = { intervalSeconds: 1, attemptsMax: 3, backoffRate: 2 } as const;

/** The first retrier that selects the failure decides; undefined when it has no attempt left, or there is none. */
export const nextRetrial = (
  retriers: readonly Retrier[] | undefined,
  failure: StateError,
  used: { readonly tries: Readonly<Record<string, number>>; readonly chance: () => number },
): Retrial | undefined => {
  const index = retriers?.findIndex((retrier) => selects(retrier.ErrorEquals, failure)) ?? -1;
  const retrier = retriers?.[index];
  if (!retrier) return undefined;
  const tried = used.tries[String(index)] ?? 0;
  if (tried >= (retrier.MaxAttempts ?? defaults.attemptsMax)) return undefined;
  return { index, delayMs: delayMsOf(retrier, tried, used.chance) };
};

const delayMsOf = (retrier: Retrier, tried: number, chance: () => number): number => {
  const grown =
    (retrier.IntervalSeconds ?? defaults.intervalSeconds) *
    (retrier.BackoffRate ?? defaults.backoffRate) ** tried;
  const seconds = Math.min(grown, retrier.MaxDelaySeconds ?? Infinity);
  return Math.round(1_000 * seconds * (retrier.JitterStrategy === 'FULL' ? chance() : 1));
};

/** The first catcher that selects the failure. */
export const catcherFor = (
  catchers: readonly Catcher[] | undefined,
  failure: StateError,
): (Catcher & { readonly index: number }) | undefined => {
  const index = catchers?.findIndex((catcher) => selects(catcher.ErrorEquals, failure)) ?? -1;
  const catcher = catchers?.[index];
  return catcher && { ...catcher, index };
};
