/**
 * Looks at one stream whose deadline has passed: issues the aggregate's own sweep command, performs everything it
 * still owes, and arms the next look. Nothing stays silent past its deadline. A stream that has been quiet for a quarter
 * of an hour is looked at once more, to see that what it said has arrived.
 */
import { CHECK_AFTER_MS, earliestDeadline } from '#domain/kernel/commit.ts';
import { dueBucket } from '#domain/kernel/due.ts';
import type { StreamState } from '#domain/kernel/stream.ts';
import type { Rearms } from '#domain/ports/control.ts';
import type { Queues, Telemetry } from '#domain/ports/outside.ts';
import type { OpaqueAggregate } from '#functions/shared/aggregates.ts';
import { arrearsOf, catchUpMessages } from '#functions/shared/delivery-check.ts';
import type { DeliveryCheckPorts } from '#functions/shared/delivery-check.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

/** What the plain sweep command of an aggregate cannot know, for example which offers are gone. */
export type SweepCommandOf = (
  aggregate: OpaqueAggregate,
  state: unknown,
) => Promise<{ readonly type: string }>;

export interface SweepPorts extends DeliveryCheckPorts {
  /** The stream as the ledger has it now, kept warm for the command that follows. */
  readonly load: (aggregate: OpaqueAggregate, stream: string) => Promise<StreamState<unknown>>;
  readonly mailbox: Mailbox;
  readonly rearms: Rearms;
  readonly queues: Queues;
  readonly telemetry: Telemetry;
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
  const loaded = await ports.load(aggregate, stream);
  const deadlineMs = earliestDeadline(aggregate, loaded.state);
  const nowMs = ports.nowMs();
  // A repeated message may be that of a look whose effects failed: what is owed is done whatever the time.
  if (deadlineMs === undefined || (deadlineMs > nowMs && !isRepeat))
    return check(ports, { stream, loaded, deadlineMs });
  const command = await ports.sweepCommand(aggregate, loaded.state);
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
  const next = Math.min(earliestDeadline(aggregate, outcome.state) ?? Infinity, nowMs + CHECK_AFTER_MS);
  await lookAgain(ports, stream, next > nowMs ? next : nowMs + AGAIN_MS);
};

/**
 * What a quiet stream said has arrived, or is asked for again until it has. Before a quarter of an hour is up whatever
 * lacks is on its way. A stream that waits for nothing and lacks nothing is done with.
 */
const check = async (
  ports: SweepPorts,
  {
    stream,
    loaded: { version, lastOccurredAtMs },
    deadlineMs = Infinity,
  }: {
    readonly stream: string;
    readonly loaded: StreamState<unknown>;
    readonly deadlineMs: number | undefined;
  },
): Promise<void> => {
  const nowMs = ports.nowMs();
  const lookBy = (atMs: number): Promise<void> => lookAgain(ports, stream, Math.min(atMs, deadlineMs));
  const arrears = await arrearsOf(ports, { stream, version, lastOccurredAtMs });
  if (!arrears) return deadlineMs === Infinity ? undefined : lookAgain(ports, stream, deadlineMs);
  const dueMs = lastOccurredAtMs + CHECK_AFTER_MS;
  if (dueMs > nowMs) return lookBy(dueMs);
  const { areRowsBehind, areOutputsBehind } = arrears;
  ports.telemetry.count('StreamsBehind');
  ports.telemetry.log('warn', 'a quiet stream has not arrived everywhere', {
    stream,
    sequence: version,
    areRowsBehind,
    areOutputsBehind,
  });
  await ports.queues.send(catchUpMessages(arrears));
  await lookBy(nowMs + CHECK_AFTER_MS);
};

const lookAgain = ({ rearms }: SweepPorts, stream: string, atMs: number): Promise<void> =>
  rearms.put(dueBucket(stream, atMs), stream);
