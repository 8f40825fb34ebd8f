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
}

const READ_LIMIT = 50;

/** Publishes what the streams of these commits still owe; streams go in parallel, one put in flight per key. */
export const publish = async (ports: PublicationPorts, commits: readonly StoredCommit[]): Promise<void> => {
  const streams = groupBy(commits, (commit) => commit.stream);
  await Promise.all([...streams].map(([stream, rung]) => publishStream(ports, stream, rung)));
};

const cursorName = (stream: string): string => `publish#${stream}`;

const publishStream = async (
  ports: PublicationPorts,
  stream: string,
  rung: readonly StoredCommit[],
): Promise<void> => {
  const delivered = (await ports.cursors.get(cursorName(stream))) ?? 0;
  let next = delivered + 1;
  for (const commit of [...rung].sort((one, other) => one.sequence - other.sequence)) {
    while (next < commit.sequence)
      next = await publishMissing(ports, stream, { next, until: commit.sequence });
    if (commit.sequence === next) next = await publishCommit(ports, commit);
  }
  if (next > delivered + 1) await ports.cursors.advance(cursorName(stream), next - 1);
};

/** Commits between the cursor and the doorbell: without outputs, or rung by a batch that failed. */
const publishMissing = async (
  ports: PublicationPorts,
  stream: string,
  { next, until }: { readonly next: number; readonly until: number },
): Promise<number> => {
  let position = next;
  for (const commit of await ports.ledger.read(stream, next, READ_LIMIT)) {
    if (commit.sequence >= until) break;
    position = await publishCommit(ports, commit);
  }
  if (position === next) throw new Error(`ledger stream ${stream} has no event ${next}`);
  return position;
};

const publishCommit = async (ports: PublicationPorts, commit: StoredCommit): Promise<number> => {
  for (const output of commit.outputs ?? []) {
    await ports.output.put(output.key, output.bodies);
    ports.telemetry.count('OutputsPublished', output.bodies.length);
  }
  return commit.sequence + commit.events.length;
};
