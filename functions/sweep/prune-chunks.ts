/**
 * Releases the chunks a feed needs no more, a bounded number with each of its sweeps; their store deletes them days
 * later. The feed records them as pruned first; a release that fails, or whose word is lost, is made again by the next
 * sweep and harms nobody.
 */
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { chunksToDelete, mayPrune, prunableChunks } from '#domain/market/feed/pruning.ts';
import type { GoneChunks } from '#domain/market/feed/pruning.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { Feed } from '#domain/market/feed/state.ts';
import type { DocumentRelease, LedgerReader } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { readSome } from '#functions/shared/feed-acknowledgement.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { chunkStream } from '#functions/shared/market-chunks.ts';

export interface PruningPorts {
  readonly ledger: LedgerReader;
  readonly release: DocumentRelease;
  readonly mailbox: Mailbox;
  readonly telemetry: Telemetry;
}

const DELETIONS_AT_ONCE = 16;

/** Goes on with what is being deleted, or prunes what can be and deletes it; a failure is told and left to the next sweep. */
export const pruneFeed = async (ports: PruningPorts, feed: Feed): Promise<void> => {
  if (feed.status === 'none') return;
  try {
    const deleting = feed.gone.deleting ?? (mayPrune(feed) ? await prune(ports, feed) : undefined);
    if (deleting) await deleteChunks(ports, feed.stream, deleting);
  } catch (error) {
    ports.telemetry.log('warn', 'chunks that are pruned could not be released; the next sweep tries again', {
      stream: feed.stream,
      errorMessage: error instanceof Error ? error.message : String(error),
    });
  }
};

type Existing = Exclude<Feed, { readonly status: 'none' }>;

const prune = async (ports: PruningPorts, feed: Existing): Promise<GoneChunks['deleting']> => {
  const chunks = prunableChunks(feed, await readSome(ports.ledger, feed.stream, feed.gone.nextSequence));
  if (!chunks) return undefined;
  const { kind, state } = await tell(ports, feed.stream, { type: 'PruneChunks', ...chunks });
  // Whoever recorded it deletes; several looks at a feed may come together.
  return kind === 'committed' && state.status !== 'none' ? state.gone.deleting : undefined;
};

const deleteChunks = async (
  ports: PruningPorts,
  stream: string,
  deleting: NonNullable<GoneChunks['deleting']>,
): Promise<void> => {
  const events = await readSome(ports.ledger, stream, deleting.fromSequence);
  const chunks = chunksToDelete(deleting, events);
  for (let start = 0; start < chunks.length; start += DELETIONS_AT_ONCE)
    await Promise.all(
      chunks
        .slice(start, start + DELETIONS_AT_ONCE)
        .map(({ hash }) => ports.release.releaseDocument(chunkStream(stream, hash))),
    );
  const { kind } = await tell(ports, stream, {
    type: 'ConfirmDeletion',
    throughSequence: deleting.throughSequence,
  });
  if (kind === 'committed') ports.telemetry.count('ChunksDeleted', chunks.length);
};

type Pruning = Extract<FeedCommand, { readonly type: 'PruneChunks' | 'ConfirmDeletion' }>;

const tell = ({ mailbox }: PruningPorts, stream: string, command: Pruning): Promise<CommandOutcome<Feed>> =>
  mailbox.send(feedAggregate, {
    stream,
    command,
    commandId: `${command.type}:${stream}:${command.throughSequence}`,
    actor: { kind: 'service', id: 'sweeper' },
    correlationId: stream,
  });
