/**
 * Digests of read models: equal tables give equal text, whatever order their rows are read in. A digest is the sum
 * of its rows' hashes modulo 2^256, so that it takes no memory, and a row that changed meanwhile can be replaced.
 */
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import type { Projection, Row } from '#domain/kernel/projection.ts';

/** A digest in the making. */
export interface Digest {
  readonly rowCount: number;
  readonly sum: bigint;
}

/** The digest of no rows. */
export const emptyDigest: Digest = { rowCount: 0, sum: 0n };

const MODULUS = 1n << 256n;

/** The digest with one row more, given by its hash. */
export const withRow = ({ rowCount, sum }: Digest, hash: string): Digest => ({
  rowCount: rowCount + 1,
  sum: (sum + BigInt(`0x${hash}`)) % MODULUS,
});

/** The digest with one row less, which must have been added before. */
export const withoutRow = ({ rowCount, sum }: Digest, hash: string): Digest => ({
  rowCount: rowCount - 1,
  sum: (sum + MODULUS - BigInt(`0x${hash}`)) % MODULUS,
});

/** 64 hex characters that stand for the rows and their number. */
export const digestText = ({ rowCount, sum }: Digest): string =>
  sha256Hex(`${rowCount}:${sum.toString(16).padStart(64, '0')}`);

/** Says which members of a row's data are operational, by its key. */
export type OperationalOf = (key: Pick<Row, 'pk'>) => ReadonlySet<string>;

const NONE: ReadonlySet<string> = new Set();

/** The operational members that these projections declare for the kinds of rows they write. */
export const operationalOf = (projections: Iterable<Projection>): OperationalOf => {
  const byKind = new Map<string, ReadonlySet<string>>();
  for (const { kind, rowKinds = [kind], operational } of projections)
    for (const rowKind of rowKinds) byKind.set(rowKind, new Set(operational));
  return ({ pk }) => byKind.get(pk.slice(0, pk.indexOf('#'))) ?? NONE;
};

/** 64 hex characters over key, version, list keys and the data without its operational members. */
export const rowHash = (row: Row, operational: ReadonlySet<string>): string =>
  sha256Hex(canonicalJson({ ...row, data: lasting(row.data, operational) }));

const lasting = (
  data: Readonly<Record<string, unknown>>,
  operational: ReadonlySet<string>,
): Readonly<Record<string, unknown>> =>
  operational.size === 0
    ? data
    : Object.fromEntries(Object.entries(data).filter(([name]) => !operational.has(name)));

/** Names of what differs between two rows of one key, in order: members of the data by name, the rest by its own. */
export const differingMembers = (
  one: Row,
  other: Row,
  operational: ReadonlySet<string>,
): readonly string[] => {
  const [left, right] = [members(one, operational), members(other, operational)];
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names].filter((name) => left.get(name) !== right.get(name)).sort();
};

const members = (row: Row, operational: ReadonlySet<string>): ReadonlyMap<string, string> =>
  new Map(
    [
      ...Object.entries(lasting(row.data, operational)).map(
        ([name, value]) => [`data.${name}`, value] as const,
      ),
      ['version', row.version] as const,
      ['listKey', row.listKey] as const,
      ['listSort', row.listSort] as const,
      ['expiresAtSec', row.expiresAtSec] as const,
    ].map(([name, value]) => [name, canonicalJson(value)]),
  );
