/** Capacity units as the service counts them: 4 KB a read, half when eventually consistent, 1 KB a write. */
import type { Json } from '#local/kernel/engine.ts';
import { compareEntries } from './key-index.ts';
import { optionalChoice } from './request.ts';
import { placementIn } from './table.ts';
import type { ItemChange, Placement, Table } from './table.ts';
import { equalItems } from './value.ts';

/** What one operation consumed of one table and of its indexes. */
export interface Consumption {
  readonly table: Table;
  readonly tableUnits: number;
  readonly indexUnits: ReadonlyMap<string, number>;
}

export type CapacityDetail = 'INDEXES' | 'TOTAL' | 'NONE';

const READ_UNIT_BYTES = 4_096;
const WRITE_UNIT_BYTES = 1_024;
const NO_INDEXES: ReadonlyMap<string, number> = new Map();

/** What the request wants to be told. */
export const capacityDetail = (input: Json): CapacityDetail =>
  optionalChoice(input, 'ReturnConsumedCapacity', ['INDEXES', 'TOTAL', 'NONE']) ?? 'NONE';

/** The units of reading so many bytes; reading nothing costs as much as the smallest item. */
export const readUnits = (bytes: number, isConsistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) * (isConsistent ? 1 : 0.5);

/** A read of a table, or of one of its indexes. */
export const readConsumption = (table: Table, units: number, indexName?: string): Consumption =>
  indexName === undefined
    ? { table, tableUnits: units, indexUnits: NO_INDEXES }
    : { table, tableUnits: 0, indexUnits: new Map([[indexName, units]]) };

/** A write of one item, with every index it moves in. */
export const writeConsumption = ({ table, before, after }: ItemChange): Consumption => {
  const indexUnits = new Map<string, number>();
  for (const [name, { definition }] of table.indexes) {
    const from = placementIn(table, definition, before);
    const to = placementIn(table, definition, after);
    const units = indexWriteUnits(from, to);
    if (units > 0) indexUnits.set(name, units);
  }
  return {
    table,
    tableUnits: writeUnits(Math.max(before?.bytes ?? 0, after?.bytes ?? 0)),
    indexUnits,
  };
};

/** The consumption of several operations, by table. */
export const sumConsumptions = (consumptions: readonly Consumption[]): readonly Consumption[] => {
  const byTable = new Map<Table, Consumption>();
  for (const consumption of consumptions) {
    const sum = byTable.get(consumption.table);
    byTable.set(consumption.table, sum === undefined ? consumption : add(sum, consumption));
  }
  return [...byTable.values()];
};

/** Transactions prepare and commit: every unit counts twice. */
export const doubled = ({ table, tableUnits, indexUnits }: Consumption): Consumption => ({
  table,
  tableUnits: tableUnits * 2,
  indexUnits: new Map([...indexUnits].map(([name, units]) => [name, units * 2])),
});

/** The `ConsumedCapacity` structure; empty when it was not asked for. */
export const printConsumption = (detail: CapacityDetail, consumption: Consumption): Json => {
  if (detail === 'NONE') return {};
  return { ConsumedCapacity: printOne(detail, consumption) };
};

/** The `ConsumedCapacity` list of operations on several tables. */
export const printConsumptions = (detail: CapacityDetail, consumptions: readonly Consumption[]): Json => {
  if (detail === 'NONE') return {};
  return { ConsumedCapacity: sumConsumptions(consumptions).map((one) => printOne(detail, one)) };
};

const printOne = (detail: CapacityDetail, { table, tableUnits, indexUnits }: Consumption): Json => ({
  TableName: table.definition.name,
  CapacityUnits: [...indexUnits.values()].reduce((total, units) => total + units, tableUnits),
  ...(detail === 'INDEXES' ? { Table: { CapacityUnits: tableUnits } } : {}),
  ...(detail === 'INDEXES' && indexUnits.size > 0
    ? {
        GlobalSecondaryIndexes: Object.fromEntries(
          [...indexUnits].map(([name, units]) => [name, { CapacityUnits: units }]),
        ),
      }
    : {}),
});

const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));

/** A new index key is a deletion and an insertion; an unchanged entry costs nothing. */
const indexWriteUnits = (from: Placement | undefined, to: Placement | undefined): number => {
  if (from === undefined) return to === undefined ? 0 : writeUnits(to.entry.bytes);
  if (to === undefined) return writeUnits(from.entry.bytes);
  if (from.partition === to.partition && compareEntries(from.entry, to.entry) === 0) {
    if (equalItems(from.entry.item, to.entry.item)) return 0;
    return writeUnits(Math.max(from.entry.bytes, to.entry.bytes));
  }
  return writeUnits(from.entry.bytes) + writeUnits(to.entry.bytes);
};

const add = (left: Consumption, right: Consumption): Consumption => {
  const indexUnits = new Map(left.indexUnits);
  for (const [name, units] of right.indexUnits) indexUnits.set(name, (indexUnits.get(name) ?? 0) + units);
  return { table: left.table, tableUnits: left.tableUnits + right.tableUnits, indexUnits };
};
