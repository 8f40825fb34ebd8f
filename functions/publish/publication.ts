/**
 * Delivers the outputs of commits in order. The ledger stream is only a doorbell: per stream a cursor in `control`
 * says what was delivered, the ledger is read from there, and the cursor moves after the destination took it.
 */
import type { RetryBounds } from '#domain/kernel/backoff.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import type { LedgerReader, StoredCommit } from '#domain/ports/ledger.ts';
import type { OutputStream } from '#domain/ports/outside.ts';
import { block, blockedOf, mayTry, recover, takeTry, tellHalt } from '#functions/publish/blocked-delivery.ts';
import type { Blocked, BlockedPorts, Look } from '#functions/publish/blocked-delivery.ts';
import { deliveryCursor } from '#functions/shared/delivery-cursor.ts';
import { LedgerGapError } from '#functions/shared/ledger-gap.ts';
import { withRetries } from '#functions/shared/with-retries.ts';

export interface PublicationPorts extends BlockedPorts {
  readonly ledger: LedgerReader;
  readonly output: OutputStream;
  readonly sleep: (waitMs: number) => Promise<void>;
}

const READ_LIMIT = 50;

/** How an output whose commit says nothing else is tried again at once: the reference's defaults of `publish_retry`. */
export const PUBLISH_RETRY: RetryBounds = { minDelayMs: 100, maxDelayMs: 1_000, attemptsMax: 3 };

/**
 * Publishes what the streams of these commits still owe; streams go in parallel, one put in flight per key. A stream
 * whose outputs are not taken keeps what it delivered, is tried again later, and holds up no other.
 */
export const publish = async (ports: PublicationPorts, commits: readonly StoredCommit[]): Promise<void> => {
  const streams = [...groupBy(commits, (commit) => commit.stream)];
  const results = await Promise.allSettled(
    streams.map(([stream, rung]) =>
      lookAt(ports, { stream, rung, look: { holder: `${stream}:${String(rung[0]?.sequence)}` } }),
    ),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
};

/** Publishes what one stream owes up to its head, because a message asked for it. */
export const publishStream = (ports: PublicationPorts, stream: string, look: Look): Promise<void> =>
  lookAt(ports, { stream, rung: [], look });

interface Asked {
  readonly stream: string;
  /** The commits that rang; none means up to the head. */
  readonly rung: readonly StoredCommit[];
  readonly look: Look;
}

/** Sequence of the last event whose outputs were taken, and what the cursor in `control` says of it. */
interface Position {
  delivered: number;
  marked: number;
}

const lookAt = async (ports: PublicationPorts, { stream, rung, look }: Asked): Promise<void> => {
  const { position = 0, place } = await ports.cursors.read(deliveryCursor(stream));
  let blocked = blockedOf(ports, { stream, place });
  if (blocked) {
    if (!mayTry(blocked, look, ports.nowMs()))
      return blocked.isHalted && rung.length === 0 ? tellHalt(ports, stream, blocked) : undefined;
    blocked = await takeTry(ports, stream, { blocked, holder: look.holder });
    if (!blocked) return;
  }
  const resumedBlockMs = look.resumedBlockMs ?? blocked?.resumedBlockMs;
  const delivery: Delivery = { stream, rung, position: { delivered: position, marked: position } };
  try {
    await deliver(ports, delivery);
  } catch (error) {
    if (!isOfStream(error)) throw error;
    // A cursor that moved has taken the mark of the earlier block away: what blocks now is another output.
    const isMoved = delivery.position.marked !== position;
    return block(ports, stream, { error, blocked: isMoved ? undefined : blocked });
  }
  if (resumedBlockMs !== undefined) await recover(ports, stream, resumedBlockMs);
  if (blocked && delivery.position.marked === position) await endBlock(ports, stream, { blocked, look });
};

/**
 * Takes away a mark that nothing is owed under any more, because others delivered it meanwhile, and looks once more:
 * the doorbells since were left to whoever held the mark.
 */
const endBlock = async (
  ports: PublicationPorts,
  stream: string,
  { blocked, look }: { readonly blocked: Blocked; readonly look: Look },
): Promise<void> => {
  if (!(await ports.cursors.removePlace(deliveryCursor(stream), blocked.text))) return;
  await publishStream(ports, stream, { holder: look.holder });
};

/** The destination did not take an output. */
class OutputError extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Whether a failure blocks one stream alone; any other is the infrastructure's, and fails the batch. */
const isOfStream = (error: unknown): boolean =>
  error instanceof OutputError || error instanceof LedgerGapError;

/** The waits of one output in one look together; after them the stream counts as blocked, and messages go on. */
const LOOK_WAITS_MAX_MS = 10_000;

const withinLook = ({ elapsedMaxMs = LOOK_WAITS_MAX_MS, ...bounds }: RetryBounds): RetryBounds => ({
  ...bounds,
  elapsedMaxMs: Math.min(elapsedMaxMs, LOOK_WAITS_MAX_MS),
});

interface Delivery extends Pick<Asked, 'stream' | 'rung'> {
  readonly position: Position;
}

const deliver = async (ports: PublicationPorts, { stream, rung, position }: Delivery): Promise<void> => {
  const mark = async (): Promise<void> => {
    if (position.delivered === position.marked) return;
    await ports.cursors.advance(deliveryCursor(stream), position.delivered);
    position.marked = position.delivered;
  };
  try {
    for (const commit of [...rung].sort((one, other) => one.sequence - other.sequence)) {
      while (position.delivered + 1 < commit.sequence) {
        const next = position.delivered + 1;
        await deliverNext(ports, position, { stream, until: commit.sequence });
        if (position.delivered < next) throw new LedgerGapError(stream, next);
        await mark();
      }
      if (commit.sequence === position.delivered + 1) await deliverCommit(ports, position, commit);
    }
    while (rung.length === 0 && (await deliverNext(ports, position, { stream, until: Infinity })))
      await mark();
  } finally {
    await mark();
  }
};

/** Commits behind the cursor: without outputs, or rung by a batch that failed or never came; false at the head. */
const deliverNext = async (
  ports: PublicationPorts,
  position: Position,
  { stream, until }: { readonly stream: string; readonly until: number },
): Promise<boolean> => {
  const next = position.delivered + 1;
  const commits = await ports.ledger.read(stream, next, READ_LIMIT);
  const [first] = commits;
  if (first && first.sequence > next) throw new LedgerGapError(stream, next);
  for (const commit of commits)
    if (commit.sequence < until && commit.sequence === position.delivered + 1)
      await deliverCommit(ports, position, commit);
  return commits.length > 0;
};

const deliverCommit = async (
  { output, telemetry, nowMs, sleep }: PublicationPorts,
  position: Position,
  { outputs = [], sequence, events, committedAtMs }: StoredCommit,
): Promise<void> => {
  for (const { key, bodies, retry = PUBLISH_RETRY } of outputs) {
    try {
      // Most refusals of a destination are over in a moment.
      await withRetries({ bounds: withinLook(retry), sleep }, () => output.put(key, bodies));
    } catch (cause) {
      throw new OutputError(cause);
    }
    telemetry.count('orchestrator.publish.count', bodies.length);
  }
  if (outputs.length > 0)
    telemetry.count('orchestrator.publish.latency_ms', Math.max(0, nowMs() - committedAtMs));
  position.delivered = sequence + events.length - 1;
};
