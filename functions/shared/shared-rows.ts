/**
 * Rows that several streams share (docs/guide/design.md §4): no sequence orders their events, so each writer merges what
 * it knows into the row it sees and puts the result in its place. Whoever loses that race reads again and merges again.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import type { Projection, Row, RowKey, SharedContent, SharedRow } from '#domain/kernel/projection.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { ViewWriter } from '#domain/ports/views.ts';
import { reportFault } from '#functions/shared/projection-fault.ts';

/** Of so many writers that meet at one row at once, the last still gets its turn. */
const TRIES_MAX = 50;
const WRITES_AT_ONCE = 25;

type Views = Pick<ViewWriter, 'get' | 'replace'>;

/** Everything the events say of shared rows; a fault in the projection holds nothing up, and is told of when given `telemetry`. */
export const sharedStatements = (
  { shared }: Projection,
  events: readonly RecordedEvent[],
  telemetry?: Telemetry,
): readonly SharedRow[] =>
  events.flatMap((event) => {
    try {
      return shared?.statements(event) ?? [];
    } catch (error) {
      if (telemetry) reportFault(telemetry, event, error);
      return [];
    }
  });

/**
 * Merges statements into the rows they are of, which `seenOf` answers as they were last read; answers how many rows
 * changed. Fails when others change a row at every try.
 */
export const mergeShared = async (
  views: Views,
  { shared }: Projection,
  {
    statements,
    seenOf,
  }: { readonly statements: readonly SharedRow[]; readonly seenOf: (key: RowKey) => Row | undefined },
): Promise<number> => {
  if (!shared) return 0;
  const said = [...groupBy(statements, ({ pk, sk }) => `${pk}\u0000${sk}`).values()].map((group) =>
    group.reduce((one, other) => ({ ...one, ...shared.merge(one, other) })),
  );
  let changedCount = 0;
  for (let start = 0; start < said.length; start += WRITES_AT_ONCE) {
    const part = said.slice(start, start + WRITES_AT_ONCE);
    const changes = await Promise.all(
      part.map((row) => mergeOne(views, shared.merge, { row, seen: seenOf(row) })),
    );
    changedCount += changes.filter(Boolean).length;
  }
  return changedCount;
};

type Merge = (one: SharedContent, other: SharedContent) => SharedContent;

const mergeOne = async (
  views: Views,
  merge: Merge,
  { row: said, seen }: { readonly row: SharedRow; readonly seen: Row | undefined },
): Promise<boolean> => {
  let row = seen;
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const known = contentOf(row);
    const { version, data } = known ? merge(known, said) : said;
    if (version === known?.version) return false;
    if (await views.replace({ pk: said.pk, sk: said.sk, version, data }, row?.version)) return true;
    row = await views.get(said);
  }
  throw new Error(`the row ${said.pk} ${said.sk} was changed by others at each of ${TRIES_MAX} tries`);
};

/** A damaged row, which has lost its version, says nothing. */
const contentOf = (row: Row | undefined): SharedContent | undefined =>
  typeof row?.version === 'string' ? { version: row.version, data: row.data } : undefined;
