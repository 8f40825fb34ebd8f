/** The read model of a limit: one row that counts, so that its size does not grow with those who wait. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';
import { asLimitEvent } from '#domain/limit/evolve.ts';

/** What a list shows of a limit beside what is configured. */
export interface LimitRow {
  readonly held: number;
  readonly waiting: number;
}

/** The row of one limit. */
export const limitRowKey = (stream: string): RowKey => ({ pk: stream, sk: 'limit' });

const rowAfter = (row: LimitRow, event: RecordedEvent): LimitRow => {
  const known = asLimitEvent(event);
  const { held, waiting } = row;
  switch (known?.type) {
    case 'SlotRequested':
      return { held, waiting: waiting + 1 };
    case 'SlotGranted':
      return { held: held + 1, waiting: waiting - 1 };
    case 'SlotReleased':
      return known.data.wasHeld ? { held: held - 1, waiting } : { held, waiting: waiting - 1 };
    case 'SlotExpired':
      return { held: held - 1, waiting };
    case 'LimitOpened':
    case 'LimitCapacitySet':
    case 'SlotRefused':
    case 'SlotRenewed':
    case 'LimitRestated':
    case undefined:
      return row;
  }
};

const apply = (row: RowContent | undefined, _key: RowKey, event: RecordedEvent): RowContent => {
  const before = (row?.data as LimitRow | undefined) ?? { held: 0, waiting: 0 };
  return { data: { ...rowAfter(before, event) } };
};

/** Folds a limit into its row. */
export const limitProjection: Projection = {
  kind: 'limit',
  cursor: limitRowKey,
  details: () => [],
  apply,
  operational: [],
};
