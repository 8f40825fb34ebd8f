/**
 * Delivers the outputs of commits in order. The ledger stream is only a doorbell: per stream a cursor in `control`
 * says what was delivered, the ledger is read from there, and the cursor moves after the destination took it.
 */
import { groupBy } from '#domain/kernel/group-by.ts';
import type { Cursors } from '#domain/ports/control.ts';
import type { LedgerReader, StoredCommit } from '#domain/ports/ledger.ts';
import type { OutputStream, Telemetry } from '#domain/ports/outside.ts';

export interface PublicationPorts {
  readonly ledger: LedgerReader;
  readonly cursors: Cursors;
  readonly output: OutputStream;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
}

const READ_LIMIT = 50;

/**
 * Publishes what the streams of these commits still owe; streams go in parallel, one put in flight per key. A stream
 * that fails keeps what it delivered and holds up no other; its failure is thrown once all have come to their end.
 */
export const publish = async (ports: PublicationPorts, commits: readonly StoredCommit[]): Promise<void> => {
  const streams = groupBy(commits, (commit) => commit.stream);
  const results = await Promise.allSettled(
    [...streams].map(([stream, rung]) => publishStream(ports, stream, rung)),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
};

/** Sequence of the last event whose outputs were taken, and what the cursor in `control` says of it. */
interface Position {
  delivered: number;
  marked: number;
}

const publishStream = async (
  ports: PublicationPorts,
  stream: string,
  rung: readonly StoredCommit[],
): Promise<void> => {
  const cursor = `publish#${stream}`;
  const marked = (await ports.cursors.get(cursor)) ?? 0;
  const position: Position = { delivered: marked, marked };
  const mark = async (): Promise<void> => {
    if (position.delivered === position.marked) return;
    await ports.cursors.advance(cursor, position.delivered);
    position.marked = position.delivered;
  };
  try {
    for (const commit of [...rung].sort((one, other) => one.sequence - other.sequence)) {
      while (position.delivered + 1 < commit.sequence) {
        await publishMissing(ports, position, { stream, until: commit.sequence });
        await mark();
      }
      if (commit.sequence === position.delivered + 1) await publishCommit(ports, position, commit);
    }
  } finally {
    await mark();
  }
};

/** Commits between the cursor and the doorbell: without outputs, or rung by a batch that failed or never came. */
const publishMissing = async (
  ports: PublicationPorts,
  position: Position,
  { stream, until }: { readonly stream: string; readonly until: number },
): Promise<void> => {
  const next = position.delivered + 1;
  for (const commit of await ports.ledger.read(stream, next, READ_LIMIT))
    if (commit.sequence < until) await publishCommit(ports, position, commit);
  if (position.delivered < next) throw new Error(`ledger stream ${stream} has no event ${next}`);
};

const publishCommit = async (
  { output, telemetry, nowMs }: PublicationPorts,
  position: Position,
  { outputs = [], sequence, events, committedAtMs }: StoredCommit,
): Promise<void> => {
  for (const { key, bodies } of outputs) {
    await output.put(key, bodies);
    telemetry.count('OutputsPublished', bodies.length);
  }
  if (outputs.length > 0) telemetry.count('PublishLagMs', Math.max(0, nowMs() - committedAtMs));
  position.delivered = sequence + events.length - 1;
};
