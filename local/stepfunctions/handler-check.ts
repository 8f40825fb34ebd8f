/** Checks Retry and Catch. */
import { catcherFields, retrierFields } from './definition-fields.ts';
import { fieldsOf, listOf } from './definition-place.ts';
import type { Fields, Place } from './definition-place.ts';
import { checkFields, target } from './field-check.ts';

/** Checks both lists of a state and answers the states its catchers lead to. */
export const checkHandlers = (state: Fields, states: Fields, place: Place): readonly string[] => {
  for (const [field, rules] of [
    ['Retry', retrierFields],
    ['Catch', catcherFields],
  ] as const) {
    const handlers = state[field] === undefined ? [] : listOf(state[field], place.at(field));
    for (const [index, value] of handlers.entries()) {
      const at = place.at(field).at(index);
      const handler = fieldsOf(value, at);
      if (!handler) continue;
      checkFields(handler, rules, at);
      checkErrorNames(handler['ErrorEquals'], index === handlers.length - 1, at.at('ErrorEquals'));
      if (field === 'Retry') checkRetrier(handler, at);
      else if (handler['Next'] === undefined) at.at('Next').refuse('is missing');
    }
  }
  const catchers = Array.isArray(state['Catch']) ? (state['Catch'] as readonly unknown[]) : [];
  return catchers.flatMap((catcher, index) => {
    const next =
      typeof catcher === 'object' && catcher !== null && 'Next' in catcher ? catcher.Next : undefined;
    return target(next, states, place.at('Catch').at(index).at('Next'));
  });
};

const checkErrorNames = (value: unknown, isLast: boolean, place: Place): void => {
  const names = listOf(value, place);
  if (names.some((name) => typeof name !== 'string')) place.refuse('must be a list of error names');
  if (names.includes('States.ALL') && (names.length > 1 || !isLast))
    place.refuse('States.ALL must stand alone and in the last entry');
};

const checkRetrier = (retrier: Fields, place: Place): void => {
  const rate = retrier['BackoffRate'];
  if (rate !== undefined && !(typeof rate === 'number' && rate >= 1))
    place.at('BackoffRate').refuse('must be a number of at least 1');
  const jitter = retrier['JitterStrategy'];
  if (jitter !== undefined && jitter !== 'FULL' && jitter !== 'NONE')
    place.at('JitterStrategy').refuse('must be FULL or NONE');
};
