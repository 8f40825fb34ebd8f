/**
 * The limits of a workspace as its manifest declares them and people set them over the API, whose word a deploy leaves
 * alone. They lie in the stream of what is deployed, which every trigger reads in any case: runs without limits pay
 * nothing. Each change has a number, and the limit itself is told of it until it has heard.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';
import type { LimitSource, PlannedLimit } from '#contracts/runs/concurrency.ts';
import { concurrency, runTiming } from '#contracts/runs/limits.ts';
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import type { ManifestEvent } from '#contracts/runs/manifest-events.ts';
import type { Rejection, Waiting } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { effectName } from '#domain/kernel/ids.ts';
import type { SetCapacity } from '#domain/limit/command.ts';

/** One limit; one that was removed stays, without a capacity, until the limit itself has heard of it. */
export interface ConfiguredLimit {
  readonly capacity?: number;
  readonly source?: LimitSource;
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

/** Somebody removes a limit: all who wait for it go. */
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

/** What somebody's word on a limit adds. */
export const decideLimit = (
  command: LimitConfigCommand,
  limits: ConfiguredLimits,
): Decision<ManifestEvent, Rejection> => {
  const known = limits.byId[command.limitId];
  const changeNo = limits.lastChangeNo + 1;
  switch (command.type) {
    case 'SetLimit':
      return setLimit(command, limits, known);
    case 'RemoveLimit':
      return known?.capacity === undefined
        ? reject({ code: 'limit_not_found', message: `no limit ${command.limitId} is set in this workspace` })
        : accept(removedEvent(command.limitId, changeNo));
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
  const entry = type === 'LimitSet' ? { ...changed, capacity: data.capacity, source: data.source } : changed;
  return { stream, lastChangeNo: changeNo, byId: { ...others, [data.limitId]: entry } };
};

type Untold = ConfiguredLimit & { readonly limitId: LimitId; readonly untoldSinceMs: number };

const untold = ({ byId }: ConfiguredLimits): readonly Untold[] =>
  Object.entries(byId).flatMap(([id, limit]) => {
    const { untoldSinceMs } = limit;
    return untoldSinceMs === undefined ? [] : [{ ...limit, untoldSinceMs, limitId: LimitId.parse(id) }];
  });

/** Tells each limit of the last change of its capacity, until it has heard. */
export const limitEffects = (limits: ConfiguredLimits): readonly Effect[] => {
  const { stream } = limits;
  if (stream === undefined) return [];
  const place = stream.slice(stream.indexOf('#') + 1);
  return untold(limits).map(({ limitId, changeNo, capacity }) => {
    const word = { changeNo, ...(capacity === undefined ? {} : { capacity }) };
    const command: SetCapacity = { type: 'SetCapacity', word };
    const confirm: ConfirmLimit = { type: 'ConfirmLimit', limitId, changeNo };
    return {
      kind: 'issue-command',
      name: effectName('limit', `${place}/${limitId}`, changeNo),
      stream: `limit#${place}/${limitId}`,
      command: { ...command },
      ifDone: { stream, command: { ...confirm } },
    };
  });
};

/** Limits that have not heard of a change. */
export const limitsWaiting = (limits: ConfiguredLimits): readonly Waiting[] =>
  untold(limits).map(({ limitId, untoldSinceMs }) => ({
    reason: 'limit',
    deadlineMs: untoldSinceMs + runTiming.silenceMs,
    subject: limitId,
  }));
