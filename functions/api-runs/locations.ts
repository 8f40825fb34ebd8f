/** Registering, listing and removing execution locations. */
import type { Stage } from '#contracts/naming.ts';
import {
  ExecutionLocationId,
  ExecutionLocationQuery,
  SetExecutionLocationRequest,
} from '#contracts/runs/locations.ts';
import type { ExecutionLocation } from '#contracts/runs/locations.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import type { RemoveLocation, SetLocation } from '#domain/manifest/locations.ts';
import { workerQueuesOf } from '#domain/manifest/worker-queues.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody, parseQuery } from '#functions/shared/http.ts';
import type { ApiRequest, Operation } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';
import { manifestsStream } from '#functions/shared/streams.ts';

export interface LocationPorts {
  readonly ledger: LedgerReader;
  readonly mailbox: Mailbox;
  readonly stage: Stage;
}

/** The locations of the workspace by id, archived ones when they are asked for, and what the names of its queues and functions begin with. */
export const listExecutionLocations =
  ({ ledger, stage }: LocationPorts): Operation =>
  async (request) => {
    const caller = callerOf(request);
    const { state } = await loadStream(ledger, manifestsAggregate, manifestsStream(caller));
    const { includeArchived } = parseQuery(ExecutionLocationQuery, request.query);
    const executionLocations = Object.values(state.locations.byId)
      .filter(({ lifecycle }) => lifecycle !== 'archived' || includeArchived === 'true')
      .sort((left, right) => compareText(left.executionLocationId, right.executionLocationId));
    return { status: 200, body: { executionLocations, queuePrefix: workerQueuesOf(stage, caller) } };
  };

/** Registers or changes a location: 200 with it, or 400 for a queue or function that is out of the workspace's reach. */
export const setExecutionLocation =
  (ports: LocationPorts): Operation =>
  async (request) => {
    const executionLocationId = idOf(request);
    refuseSecrets(request.body);
    const wish = parseBody(SetExecutionLocationRequest, request.body);
    refuseOutOfReach(wish, workerQueuesOf(ports.stage, callerOf(request)));
    const location: ExecutionLocation = { executionLocationId, ...wish, callbackBaseUrl: request.baseUrl };
    await change(ports, request, { type: 'SetLocation', location });
    return { status: 200, body: location };
  };

const refuseOutOfReach = (wish: SetExecutionLocationRequest, prefix: string): void => {
  const [code, what, name] =
    wish.kind === 'lambda'
      ? (['function_not_allowed', 'function', wish.functionName] as const)
      : (['queue_not_allowed', 'queue', wish.queueName] as const);
  if (name.startsWith(prefix)) return;
  throw new ApiError(code, `the ${what} ${name} does not begin with ${prefix}; name it so`, {
    details: { prefix },
  });
};

/** Removes a location: 200 with its id, or 404. */
export const removeExecutionLocation =
  (ports: LocationPorts): Operation =>
  async (request) => {
    const executionLocationId = idOf(request);
    await change(ports, request, { type: 'RemoveLocation', executionLocationId });
    return { status: 200, body: { executionLocationId } };
  };

const change = async (
  { mailbox }: LocationPorts,
  request: ApiRequest,
  command: SetLocation | RemoveLocation,
): Promise<void> => {
  const caller = callerOf(request);
  const id = (command.type === 'SetLocation' ? command.location : command).executionLocationId;
  const outcome = await mailbox.send(manifestsAggregate, {
    stream: manifestsStream(caller),
    command,
    // All locations of a workspace share one stream: a key belongs to one of them.
    ...caller.commandIdentity(`${command.type}/${id}`),
  });
  if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
};

const idOf = (request: ApiRequest): string => {
  const { success, data } = ExecutionLocationId.safeParse(request.path['executionLocationId']);
  if (success) return data;
  throw new ApiError(
    'location_not_found',
    'an execution location has a lower-case name of at most 64 characters',
  );
};
