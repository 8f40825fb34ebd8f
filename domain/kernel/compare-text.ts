/** Order of texts by code unit, for `sort`: -1, 0 or 1. */
export const compareText = (left: string, right: string): number =>
  left < right ? -1 : left > right ? 1 : 0;
