/** Setting limits of concurrency and reading them: one limit folds the ledger, the list counts from the read models. */
import { LimitId, SetLimitRequest } from '#contracts/runs/concurrency.ts';
import type { LimitItem, LimitRead } from '#contracts/runs/concurrency.ts';
import { concurrency } from '#contracts/runs/limits.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import type { ConfiguredLimits, RemoveLimit, SetLimit } from '#domain/manifest/configured-limits.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { holderOf } from '#domain/limit/limit.ts';
import type { Limit } from '#domain/limit/limit.ts';
import { limitRowKey } from '#domain/limit/limit-projection.ts';
import type { LimitRow } from '#domain/limit/limit-projection.ts';
import { limitStream } from '#domain/limit/limit-stream.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest, Operation } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';
import { manifestsStream } from '#functions/shared/streams.ts';

export interface LimitPorts {
  readonly ledger: LedgerReader;
  readonly mailbox: Mailbox;
  readonly views: ViewReader;
}

/** Every limit that is set, by id. */
export const listLimits =
  ({ ledger, views }: LimitPorts): Operation =>
  async (request) => {
    const { tenantId, workspaceId } = callerOf(request);
    const { byId } = await configured(ledger, request);
    const ids = Object.keys(byId).filter((id) => byId[id]?.capacity !== undefined);
    const keys = ids.map((limitId) => limitRowKey(limitStream({ tenantId, workspaceId, limitId })));
    const rows = new Map(
      (await views.getMany(keys)).map(({ pk, data }) => [pk, data as unknown as LimitRow]),
    );
    const limits = ids.sort(compareText).map((limitId) => ({
      ...configuredItem(byId, LimitId.parse(limitId)),
      ...(rows.get(limitStream({ tenantId, workspaceId, limitId })) ?? { held: 0, waiting: 0 }),
    }));
    return { status: 200, body: { limits } };
  };

/** One limit with the first of its holders and of its queue; also one that was removed while it is still held. */
export const getLimit =
  ({ ledger }: LimitPorts): Operation =>
  async (request) => {
    const { limitId, stream } = limitOf(request);
    const [{ byId }, { state }] = await Promise.all([
      configured(ledger, request),
      loadStream(ledger, limitAggregate, stream),
    ]);
    const read = { ...configuredItem(byId, limitId), ...stateOf(state) };
    if (read.capacity === undefined && read.held + read.waiting === 0) throw limitNotFound(limitId);
    return { status: 200, body: read };
  };

/** Sets the capacity of a limit: 200 with how it stands. */
export const setLimit =
  (ports: LimitPorts): Operation =>
  async (request) => {
    const { limitId } = limitOf(request);
    refuseSecrets(request.body);
    const { capacity } = parseBody(SetLimitRequest, request.body);
    return change(ports, request, { type: 'SetLimit', limitId, capacity });
  };

/** Removes what was set of a limit: 200 with how it stands, which is what the manifest declares, if anything. */
export const removeLimit =
  (ports: LimitPorts): Operation =>
  async (request) => {
    const { limitId } = limitOf(request);
    return change(ports, request, { type: 'RemoveLimit', limitId });
  };

const change = async (
  { ledger, mailbox }: LimitPorts,
  request: ApiRequest,
  command: SetLimit | RemoveLimit,
): Promise<ApiReply> => {
  const caller = callerOf(request);
  const { limitId } = command;
  const outcome = await mailbox.send(manifestsAggregate, {
    stream: manifestsStream(caller),
    command,
    // All limits of a workspace share one stream: a key belongs to one of them.
    ...caller.commandIdentity(`${command.type}/${limitId}`),
  });
  if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
  const { state } = await loadStream(ledger, limitAggregate, limitStream({ ...caller, limitId }));
  const { held, waiting } = stateOf(state);
  return { status: 200, body: { ...configuredItem(outcome.state.limits.byId, limitId), held, waiting } };
};

const limitOf = (request: ApiRequest): { readonly limitId: LimitId; readonly stream: string } => {
  const { tenantId, workspaceId } = callerOf(request);
  const given = request.path['limitId'] ?? '';
  const { success, data: limitId } = LimitId.safeParse(given);
  if (!success)
    throw new ApiError(
      'limit_not_found',
      `${given} names no limit; limits are workspace, queue:NAME and key:NAME`,
    );
  return { limitId, stream: limitStream({ tenantId, workspaceId, limitId }) };
};

const limitNotFound = (limitId: string): ApiError =>
  new ApiError('limit_not_found', `no limit ${limitId} is set in this workspace`);

const configured = async (ledger: LedgerReader, request: ApiRequest): Promise<ConfiguredLimits> =>
  (await loadStream(ledger, manifestsAggregate, manifestsStream(callerOf(request)))).state.limits;

const configuredItem = (
  byId: ConfiguredLimits['byId'],
  limitId: LimitId,
): Pick<LimitItem, 'limitId' | 'capacity' | 'source'> => {
  const { capacity, source } = byId[limitId] ?? {};
  return {
    limitId,
    ...(capacity === undefined ? {} : { capacity }),
    ...(source === undefined ? {} : { source }),
  };
};

const instant = (atMs: number): string => new Date(atMs).toISOString();

const stateOf = (limit: Limit): Pick<LimitRead, 'held' | 'waiting' | 'holders' | 'waiters'> => {
  if (limit.status === 'none') return { held: 0, waiting: 0, holders: [], waiters: [] };
  const { slots, waiters } = limit;
  return {
    held: slots.length,
    waiting: waiters.length,
    holders: slots.slice(0, concurrency.shownMax).map((slot) => ({
      ...holderOf(slot),
      grantedAt: instant(slot.grantedAtMs),
      leaseUntil: instant(slot.leaseUntilMs),
    })),
    waiters: waiters.slice(0, concurrency.shownMax).map((waiter, index) => ({
      ...holderOf(waiter),
      position: index + 1,
      priority: waiter.priority,
      requestedAt: instant(waiter.requestedAtMs),
    })),
  };
};
