/** What the operations on a tenant's access share: their ports, the command, the page of a list. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { OperationId } from '#contracts/routes.ts';
import { ListQuery } from '#contracts/runs/read.ts';
import { accessAggregate, accessStream } from '#domain/access/access.ts';
import type { AccessCommand } from '#domain/access/decide.ts';
import type { Access } from '#domain/access/state.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { apiErrorOf } from '#functions/shared/api-error.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import { tenantCallerOf } from '#functions/shared/request.ts';

export interface AccessPorts {
  readonly mailbox: Mailbox;
  readonly ledger: LedgerReader;
  readonly nowMs: () => number;
}

/** What a command came to: the state after it, and the facts it recorded or, for a repeat, had recorded. */
export interface Settled {
  readonly access: Access;
  readonly events: readonly RecordedEvent[];
  readonly isRepeat: boolean;
}

/** Decides a command of the caller on the access of their tenant; throws the refusal. */
export const settle = async (
  { mailbox, ledger }: AccessPorts,
  request: ApiRequest,
  { operationId, command }: { readonly operationId: OperationId; readonly command: AccessCommand },
): Promise<Settled> => {
  const caller = tenantCallerOf(request);
  const stream = accessStream(caller.tenantId);
  const identity = caller.commandIdentity(operationId);
  const outcome = await mailbox.send(accessAggregate, { stream, command, ...identity });
  if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
  const access = outcome.state;
  if (outcome.kind === 'repeated') {
    const events = await readEvents(ledger, stream, outcome.sequence, () => true);
    return { access, events: events.slice(0, 1), isRepeat: true };
  }
  return { access, events: outcome.kind === 'committed' ? outcome.events : [], isRepeat: false };
};

/** The access of the caller's tenant as the ledger has it. */
export const accessOf = async ({ ledger }: AccessPorts, request: ApiRequest): Promise<Access> => {
  const { tenantId } = tenantCallerOf(request);
  return (await loadStream(ledger, accessAggregate, accessStream(tenantId))).state;
};

/** One page of what is in force, by id, from the ledger. */
export const pageOf = <Id extends string, Thing>(
  request: ApiRequest,
  list: string,
  things: ReadonlyMap<Id, Thing>,
): { readonly page: readonly (readonly [Id, Thing])[]; readonly nextCursor?: string } => {
  const { limit, cursor } = parseQuery(ListQuery, request.query);
  const listKey = `${list}#${tenantCallerOf(request).tenantId}`;
  const { after = '' } = positionOf(listKey, cursor);
  const rest = [...things].filter(([id]) => id > after).sort(([one], [other]) => (one < other ? -1 : 1));
  const page = rest.slice(0, limit);
  const last = page.at(-1)?.[0];
  return { page, ...(rest.length > limit && last !== undefined ? cursorOf(listKey, { next: last }) : {}) };
};

/** An instant as the wire has it. */
export const instant = (atMs: number): string => new Date(atMs).toISOString();
