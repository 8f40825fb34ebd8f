/**
 * Looks at one stream whose deadline has passed: issues the aggregate's own sweep command, performs everything it
 * still owes, and arms the next look. Nothing stays silent past its deadline.
 */
import { earliestDeadline } from '#domain/kernel/commit.ts';
import { dueBucket } from '#domain/kernel/due.ts';
import type { Rearms } from '#domain/ports/control.ts';
import type { OpaqueAggregate } from '#functions/shared/aggregates.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

/** What the plain sweep command of an aggregate cannot know, for example which offers are gone. */
export type SweepCommandOf = (
  aggregate: OpaqueAggregate,
  state: unknown,
) => Promise<{ readonly type: string }>;

export interface SweepPorts {
  /** The state as the ledger has it now, kept warm for the command that follows. */
  readonly load: (aggregate: OpaqueAggregate, stream: string) => Promise<unknown>;
  readonly mailbox: Mailbox;
  readonly rearms: Rearms;
  readonly nowMs: () => number;
  readonly sweepCommand: SweepCommandOf;
}

/** One message of the `sweep` queue. */
export interface SweepRequest {
  readonly stream: string;
  readonly messageId: string;
  /** The queue has delivered it before. */
  readonly isRepeat: boolean;
}

/** The next look when something overdue did not move. */
const AGAIN_MS = 60_000;

/** Sweeps one stream and arms the next look if it still waits. */
export const sweepStream = async (
  ports: SweepPorts,
  aggregate: OpaqueAggregate,
  { stream, messageId, isRepeat }: SweepRequest,
): Promise<void> => {
  const state = await ports.load(aggregate, stream);
  const deadlineMs = earliestDeadline(aggregate, state);
  if (deadlineMs === undefined) return;
  const nowMs = ports.nowMs();
  // A repeated message may be that of a look whose effects failed: what is owed is done whatever the time.
  if (deadlineMs > nowMs && !isRepeat) return ports.rearms.put(dueBucket(stream, deadlineMs), stream);
  const command = await ports.sweepCommand(aggregate, state);
  const outcome = await ports.mailbox.send(
    aggregate,
    {
      stream,
      command,
      commandId: `sweep:${stream}:${messageId}`,
      actor: { kind: 'service', id: 'sweeper' },
      correlationId: stream,
    },
    { effectsMustSucceed: true, performAll: true },
  );
  const next = earliestDeadline(aggregate, outcome.state);
  if (next === undefined) return;
  await ports.rearms.put(dueBucket(stream, next > nowMs ? next : nowMs + AGAIN_MS), stream);
};
