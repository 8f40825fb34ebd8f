/** Capacity units of DynamoDB by table, as the engine reports them, and the writes they were consumed by. */
import type { Json } from '#local/kernel/engine.ts';
import type { EngineRequest } from '#local/dispatch/dispatcher.ts';

export interface Capacity {
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Requests that wrote to the table; refused ones consume nothing and are not among them. */
  readonly writes: number;
}

export interface CapacityMeter {
  /** Runs the operation with the request for capacity added, and the answer to it taken away again. */
  readonly measure: (request: EngineRequest, act: (input: Json) => Promise<Json>) => Promise<Json>;
  readonly byTable: () => Readonly<Record<string, Capacity>>;
  readonly reset: () => void;
}

const READS: ReadonlySet<string> = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems']);
const WRITES: ReadonlySet<string> = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
]);

/** Counts from nothing. */
export const createCapacityMeter = (): CapacityMeter => {
  let byTable = new Map<string, { readUnits: number; writeUnits: number; writes: number }>();

  const add = (operation: string, reported: unknown): void => {
    if (!isReport(reported)) return;
    const units = byTable.get(reported.TableName) ?? { readUnits: 0, writeUnits: 0, writes: 0 };
    byTable.set(reported.TableName, units);
    units[READS.has(operation) ? 'readUnits' : 'writeUnits'] += reported.CapacityUnits;
    if (WRITES.has(operation)) units.writes += 1;
  };

  return {
    measure: async ({ service, operation: name, input }, act) => {
      const isCapacity = service === 'dynamodb' && (READS.has(name) || WRITES.has(name));
      if (!isCapacity) return act(input);
      const asked = input['ReturnConsumedCapacity'] ?? 'NONE';
      const output = await act(asked === 'NONE' ? { ...input, ReturnConsumedCapacity: 'TOTAL' } : input);
      const { ConsumedCapacity: consumed, ...rest } = output;
      for (const reported of Array.isArray(consumed) ? consumed : [consumed]) add(name, reported);
      return asked === 'NONE' ? rest : output;
    },
    byTable: () => Object.fromEntries([...byTable].map(([table, units]) => [table, { ...units }])),
    reset: () => {
      byTable = new Map();
    },
  };
};

const isReport = (value: unknown): value is { readonly TableName: string; readonly CapacityUnits: number } =>
  typeof value === 'object' &&
  value !== null &&
  'TableName' in value &&
  typeof value.TableName === 'string' &&
  'CapacityUnits' in value &&
  typeof value.CapacityUnits === 'number';
