/** JSON with sorted keys and no blanks: equal values give equal text, so text can be hashed and compared. */

/**
 * Serializes by code-unit order of keys (RFC 8785 for the values we use). Members that are undefined are left
 * out, as JSON does; a bigint is written with all its digits; a number that is not finite is refused, because JSON would
 * turn it into null.
 */
export const canonicalJson = (value: unknown): string => {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RangeError(`cannot serialize ${String(value)}: only finite numbers have a JSON form`);
  }
  if (value === undefined) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
};
