/**
 * Sends one attempt to the queue of its execution location. The token is minted here and stands in the message alone;
 * a message about an attempt that somebody began, that ended, or that was sent again since is left out.
 */
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { DispatchMessage } from '#contracts/runs/locations.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { sentAttempt } from '#domain/run/sent-attempt.ts';
import type { TaskTokens } from '#adapters/tokens/task-token.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { LocationGate } from '#functions/shared/location-gate.ts';
import { taskEnvelope } from '#functions/shared/task-envelope.ts';

export interface DispatchPorts {
  readonly ledger: LedgerReader;
  readonly tokens: TaskTokens;
  readonly isOpen: LocationGate;
  /** Puts an envelope on the SQS queue of that name. */
  readonly sendTo: (queueName: string, envelope: DispatchEnvelope) => Promise<void>;
}

/** Whether a message of `inline-runs` asks for one attempt to be sent. */
export const isDispatch = (body: string): boolean => DispatchMessage.safeParse(JSON.parse(body)).success;

/** Takes such a message; it may come twice, and the worker then hears from `started` that it did. */
export const dispatchTask = async (
  { ledger, tokens, isOpen, sendTo }: DispatchPorts,
  body: string,
): Promise<void> => {
  const { stream, ...message } = DispatchMessage.parse(JSON.parse(body));
  const { state: run } = await loadStream(ledger, runAggregate, stream);
  const sent = sentAttempt(run, message);
  if (sent === undefined) return;
  const { origin, location } = sent;
  if (location.kind !== 'managed_queue') throw new Error('a message for a function came to the wrong queue');
  // It stays handed over: the sweeper asks for it to be sent again, as when a message was lost.
  if (!(await isOpen({ ...origin.header, ...location }))) return;
  const { queueName, kind: _kind, ...rest } = location;
  const { taskKey, attempt } = message;
  await sendTo(queueName, await taskEnvelope(tokens, { origin, taskKey, attempt, ...rest }));
};
