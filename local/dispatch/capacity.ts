/** Capacity units of DynamoDB by table, as the engine reports them, and the writes they were consumed by. */
import type { Json } from '#local/kernel/engine.ts';
import type { EngineRequest } from '#local/dispatch/dispatcher.ts';

export interface Capacity {
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Requests that wrote to the table; refused ones consume nothing and are not among them. */
  readonly writes: number;
  /** Write units by the kind of item: what its first attribute, its key, has before its first `#`. */
  readonly writeUnitsByKind: Readonly<Record<string, number>>;
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
  let byTable = new Map<string, Units>();

  const add = ({ operation, input }: EngineRequest, reported: unknown): void => {
    if (!isReport(reported)) return;
    const { TableName: table, CapacityUnits: units } = reported;
    const sum = byTable.get(table) ?? { readUnits: 0, writeUnits: 0, writes: 0, writeUnitsByKind: {} };
    byTable.set(table, sum);
    if (READS.has(operation)) {
      sum.readUnits += units;
      return;
    }
    const kind = kindOf(input);
    sum.writeUnits += units;
    sum.writes += 1;
    sum.writeUnitsByKind[kind] = (sum.writeUnitsByKind[kind] ?? 0) + units;
  };

  return {
    measure: async (request, act) => {
      const { service, operation: name, input } = request;
      const isCapacity = service === 'dynamodb' && (READS.has(name) || WRITES.has(name));
      if (!isCapacity) return act(input);
      const asked = input['ReturnConsumedCapacity'] ?? 'NONE';
      const output = await act(asked === 'NONE' ? { ...input, ReturnConsumedCapacity: 'TOTAL' } : input);
      const { ConsumedCapacity: consumed, ...rest } = output;
      for (const reported of Array.isArray(consumed) ? consumed : [consumed]) add(request, reported);
      return asked === 'NONE' ? rest : output;
    },
    byTable: () => structuredClone(Object.fromEntries(byTable)),
    reset: () => {
      byTable = new Map();
    },
  };
};

interface Units {
  readUnits: number;
  writeUnits: number;
  writes: number;
  readonly writeUnitsByKind: Record<string, number>;
}

/** What is written under one key names it first; batches and transactions are of no one kind. */
const kindOf = ({ Item, Key }: Json): string => {
  const [first] = Object.values((Item ?? Key ?? {}) as Readonly<Record<string, { readonly S?: string }>>);
  return first?.S?.split('#')[0] ?? 'other';
};

const isReport = (value: unknown): value is { readonly TableName: string; readonly CapacityUnits: number } =>
  typeof value === 'object' &&
  value !== null &&
  'TableName' in value &&
  typeof value.TableName === 'string' &&
  'CapacityUnits' in value &&
  typeof value.CapacityUnits === 'number';
