/** Histories that are numbered from 1 without gaps and keep their last entries. */
import { HISTORY_CHARACTERS_MAX, HISTORY_MAX } from '#contracts/market/feed-layers.ts';

/** The history with more entries, each under the next number; the oldest leave when there are too many or too long. */
export const withEntries = <Entry extends { readonly number: number }>(
  history: readonly Entry[],
  added: readonly Omit<Entry, 'number'>[],
): Entry[] => {
  const before = history.at(-1)?.number ?? 0;
  const numbered = added.map(
    (entry, index) => ({ ...entry, number: before + 1 + index }) as unknown as Entry,
  );
  const all = [...history, ...numbered].slice(-HISTORY_MAX);
  const sizes = all.map((entry) => JSON.stringify(entry).length);
  let characters = sizes.reduce((sum, size) => sum + size, 0);
  // The newest entry stays whatever its size: the numbers go on from it.
  const first = sizes.slice(0, -1).findIndex((size) => {
    if (characters <= HISTORY_CHARACTERS_MAX) return true;
    characters -= size;
    return false;
  });
  return first < 0 ? all.slice(-1) : all.slice(first);
};
