/** Sort keys of list indexes. */
const LATEST_MS = 9_999_999_999_999;

/** Ascending order of these texts is newest first, then by id. */
export const newestFirst = (atMs: number, id: string): string =>
  `${String(LATEST_MS - atMs).padStart(13, '0')}#${id}`;
