/**
 * The limits of a workspace as its manifest declares them and people set them over the API, whose word a deploy leaves
 * alone. They lie in the stream of what is deployed, which every trigger reads in any case: runs without limits pay
 * nothing. Each change has a number, and the limit itself is told of it until it has heard.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';
import type { LimitSource, PlannedLimit } from '#contracts/runs/concurrency.ts';
import { concurrency } from '#contracts/runs/limits.ts';
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import type { ManifestDeployed, ManifestEvent } from '#contracts/runs/manifest-events.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';

/** One limit; one that was removed stays, without a capacity, until the limit itself has heard of it. */
export interface ConfiguredLimit {
  readonly capacity?: number;
  readonly source?: LimitSource;
  /** What the manifest declares of a limit that is set over the API, and holds again once that is removed. */
  readonly declared?: number;
  readonly changeNo: number;
  /** Since when the limit itself has not heard of the change; absent once it has. */
  readonly untoldSinceMs?: number;
}

export interface ConfiguredLimits {
  /** The stream they stand in; absent before the first. */
  readonly stream?: string;
  readonly lastChangeNo: number;
  readonly byId: Readonly<Record<string, ConfiguredLimit>>;
}

/** What a workspace begins with. */
export const noLimits: ConfiguredLimits = { lastChangeNo: 0, byId: {} };

/** A limit a manifest asks for. */
export interface Declared {
  readonly limitId: LimitId;
  readonly capacity: number;
}

/** Somebody sets a limit. */
export interface SetLimit {
  readonly type: 'SetLimit';
  readonly limitId: LimitId;
  readonly capacity: number;
}

/** Somebody removes a limit that was set: what the manifest declares holds again, or all who wait for it go. */
export interface RemoveLimit {
  readonly type: 'RemoveLimit';
  readonly limitId: LimitId;
}

/** The limit itself has heard of a change. */
export interface ConfirmLimit {
  readonly type: 'ConfirmLimit';
  readonly limitId: LimitId;
  readonly changeNo: number;
}

export type LimitConfigCommand = SetLimit | RemoveLimit | ConfirmLimit;

type LimitChange = Extract<ManifestEvent, { readonly type: 'LimitSet' | 'LimitRemoved' | 'LimitTold' }>;

/** The limit of a concurrency key. */
export const keyLimitId = (concurrencyKey: string): LimitId => LimitId.parse(`key:${concurrencyKey}`);

/** What a manifest declares: its limits, and one for each key it names and gives no capacity. */
export const declaredLimits = ({ assets, limits = [] }: DeployManifestRequest): readonly Declared[] => {
  const named = limits.map(({ limit, capacity }) => ({ limitId: limit, capacity }));
  const known = new Set<string>(named.map(({ limitId }) => limitId));
  const keys = new Set(
    assets.flatMap(({ execution }) =>
      execution?.concurrencyKey === undefined ? [] : [keyLimitId(execution.concurrencyKey)],
    ),
  );
  const implied = [...keys]
    .filter((limitId) => !known.has(limitId))
    .map((limitId) => ({ limitId, capacity: concurrency.keyCapacity }));
  return [...named, ...implied];
};

/** The limits that hold, by id. */
export const limitsInForce = ({ byId }: ConfiguredLimits): ReadonlyMap<string, PlannedLimit> =>
  new Map(
    Object.entries(byId).flatMap(([id, { capacity, changeNo }]) =>
      capacity === undefined ? [] : [[id, { limitId: LimitId.parse(id), capacity, changeNo }] as const],
    ),
  );

/** What a deploy changes of the limits, in the order of its declarations and then of what it declares no more. */
export const deployLimits = (
  declared: readonly Declared[],
  limits: ConfiguredLimits,
): readonly ManifestEvent[] => {
  const changes: ManifestEvent[] = [];
  const nextNo = (): number => limits.lastChangeNo + changes.length + 1;
  for (const { limitId, capacity } of declared) {
    const known = limits.byId[limitId];
    if (known?.source === 'api' || known?.capacity === capacity) continue;
    changes.push(setEvent({ limitId, capacity, source: 'manifest', changeNo: nextNo() }));
  }
  const wanted = new Set<string>(declared.map(({ limitId }) => limitId));
  for (const [id, { source }] of Object.entries(limits.byId))
    if (source === 'manifest' && !wanted.has(id)) changes.push(removedEvent(LimitId.parse(id), nextNo()));
  return changes;
};

/** What a manifest declares of limits that are set over the API, as its deploy says it. */
export const overriddenLimits = (
  declared: readonly Declared[],
  { byId }: ConfiguredLimits,
): Pick<ManifestDeployed['data'], 'overriddenLimits'> => {
  const overridden = declared
    .filter(({ limitId }) => byId[limitId]?.source === 'api')
    .map(({ limitId, capacity }) => ({ limit: limitId, capacity }));
  return overridden.length === 0 ? {} : { overriddenLimits: overridden };
};

/** What somebody's word on a limit adds. */
export const decideLimit = (
  command: LimitConfigCommand,
  limits: ConfiguredLimits,
): Decision<ManifestEvent, Rejection> => {
  const known = limits.byId[command.limitId];
  switch (command.type) {
    case 'SetLimit':
      return setLimit(command, limits, known);
    case 'RemoveLimit':
      return removeLimit(command, known, limits.lastChangeNo + 1);
    case 'ConfirmLimit':
      return known?.changeNo === command.changeNo && known.untoldSinceMs !== undefined
        ? accept(toldEvent(command))
        : accept();
  }
};

const setLimit = (
  { limitId, capacity }: SetLimit,
  limits: ConfiguredLimits,
  known: ConfiguredLimit | undefined,
): Decision<ManifestEvent, Rejection> => {
  if (known?.source === 'api' && known.capacity === capacity) return accept();
  const others = Object.entries(limits.byId).filter(([id, { source }]) => source === 'api' && id !== limitId);
  if (others.length >= concurrency.limitsMax)
    return reject({
      code: 'too_many_limits',
      message: `${others.length} limits are set over the API, as many as may be`,
      details: { limit: concurrency.limitsMax },
    });
  return accept(setEvent({ limitId, capacity, source: 'api', changeNo: limits.lastChangeNo + 1 }));
};

const removeLimit = (
  { limitId }: RemoveLimit,
  known: ConfiguredLimit | undefined,
  changeNo: number,
): Decision<ManifestEvent, Rejection> => {
  if (known?.capacity === undefined)
    return reject({ code: 'limit_not_found', message: `no limit ${limitId} is set in this workspace` });
  if (known.source === 'manifest')
    return reject({
      code: 'limit_declared',
      message: `the deployed manifest gives ${limitId} a capacity of ${known.capacity}; set another, or deploy without it`,
    });
  return known.declared === undefined
    ? accept(removedEvent(limitId, changeNo))
    : accept(setEvent({ limitId, capacity: known.declared, source: 'manifest', changeNo }));
};

type SetData = Extract<LimitChange, { readonly type: 'LimitSet' }>['data'];

const setEvent = (data: SetData): ManifestEvent => ({
  type: 'LimitSet',
  idempotencyKey: `limit_set:${data.changeNo}`,
  data,
});

const removedEvent = (limitId: LimitId, changeNo: number): ManifestEvent => ({
  type: 'LimitRemoved',
  idempotencyKey: `limit_removed:${changeNo}`,
  data: { limitId, changeNo },
});

const toldEvent = ({ limitId, changeNo }: ConfirmLimit): ManifestEvent => ({
  type: 'LimitTold',
  idempotencyKey: `limit_told:${changeNo}`,
  data: { limitId, changeNo },
});

/** The limits after a change of one of them; a change older than the last of its limit says nothing. */
export const evolveLimits = (
  limits: ConfiguredLimits,
  { type, data }: LimitChange,
  { stream, occurredAtMs }: Pick<RecordedEvent, 'stream' | 'occurredAtMs'>,
): ConfiguredLimits => {
  const { [data.limitId]: known, ...others } = limits.byId;
  const { changeNo } = data;
  if (type === 'LimitTold') {
    if (known?.changeNo !== changeNo) return limits;
    const { untoldSinceMs: _since, ...told } = known;
    return { ...limits, byId: told.capacity === undefined ? others : { ...others, [data.limitId]: told } };
  }
  if (changeNo <= limits.lastChangeNo) return limits;
  const changed = { changeNo, untoldSinceMs: occurredAtMs };
  const entry = type === 'LimitSet' ? { ...changed, ...setEntry(data, known) } : changed;
  return { stream, lastChangeNo: changeNo, byId: { ...others, [data.limitId]: entry } };
};

/** A word over the API keeps what the manifest declares beside it. */
const setEntry = (
  { capacity, source }: SetData,
  known: ConfiguredLimit | undefined,
): Pick<ConfiguredLimit, 'capacity' | 'source' | 'declared'> => {
  const declared = known?.source === 'manifest' ? known.capacity : known?.declared;
  return { capacity, source, ...(source === 'manifest' || declared === undefined ? {} : { declared }) };
};

/** The limits after a deploy that declares these of those that are set over the API. */
export const deployed = (
  limits: ConfiguredLimits,
  overridden: ManifestDeployed['data']['overriddenLimits'] = [],
): ConfiguredLimits => {
  const capacities = new Map<string, number>(overridden.map(({ limit, capacity }) => [limit, capacity]));
  const entries = Object.entries(limits.byId).map(([id, { declared: _before, ...limit }]) => {
    const declared = capacities.get(id);
    return [id, declared === undefined ? limit : { ...limit, declared }] as const;
  });
  return { ...limits, byId: Object.fromEntries(entries) };
};
