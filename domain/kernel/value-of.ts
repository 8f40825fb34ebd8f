/** The value of a key that is there by construction; a missing one is a broken invariant and throws. */
export const valueOf = <Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value => {
  const value = map.get(key);
  if (value === undefined) throw new Error(`there is no entry for ${String(key)}`);
  return value;
};
