/** How a selection is refused that names what there is not. */
import type { Rejection } from '#domain/kernel/aggregate.ts';

/** What is wrong with the items of a selection. */
export interface SelectionFaults {
  /** No keys at all. */
  readonly malformed: readonly string[];
  /** Keys of nothing that is there. */
  readonly unknown: readonly string[];
}

/** Items the message names; the details have them all. */
const NAMED_MAX = 10;

/** The refusal, which says where the unknown are missing and what a key looks like; undefined when nothing is wrong. */
export const selectionFault = (
  { malformed, unknown }: SelectionFaults,
  where: 'the manifest' | 'the run',
): Rejection | undefined => {
  const words = [
    ...(unknown.length > 0 ? [`not in ${where}: ${named(unknown)}`] : []),
    ...(malformed.length > 0
      ? [`malformed: ${named(malformed)}; a key is namespace.name in lower case, for example markets.bars_1m`]
      : []),
  ];
  return words.length === 0
    ? undefined
    : { code: 'invalid_selection', message: words.join('; '), details: { malformed, unknown } };
};

/** The items, ten at most and how many more there are. */
export const named = (items: readonly string[]): string => {
  const words = items.slice(0, NAMED_MAX).map((item) => (item.trim() === '' ? '(blank)' : item));
  return `${words.join(', ')}${items.length > NAMED_MAX ? ` and ${items.length - NAMED_MAX} more` : ''}`;
};
