/** Commands of ingestion as requests. Their actor is ingestion, whichever function does it. */
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { CommandOutcome, CommandRequest } from '#domain/kernel/commit.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import type { BatchRecord } from '#domain/market/feed/plan-batch.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { HandleOptions } from '#functions/shared/command-handler.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

/** Sends a command to a feed; the same batch planned on the same state is the same command, however often it comes. */
export const tellFeed = (
  { mailbox }: { readonly mailbox: Mailbox },
  stream: string,
  command: FeedCommand,
  options: HandleOptions = {},
): Promise<CommandOutcome<Feed>> => mailbox.send(feedAggregate, feedRequest(stream, command), options);

const feedRequest = (stream: string, command: FeedCommand): CommandRequest<FeedCommand> => ({
  stream,
  command,
  commandId: commandIdOf(command),
  actor: { kind: 'service', id: 'ingest-market' },
  correlationId: stream,
});

const commandIdOf = (command: FeedCommand): string => {
  if (command.type === 'IngestBatch')
    return `ingest:${command.basedOnVersion}:${command.ingested.chunk.hash}:${command.ingested.lastSequenceNumber}`;
  return command.type === 'PlanTicks'
    ? `ticks:${command.beforeMs}`
    : `${command.type}:${sha256Hex(JSON.stringify(command))}`;
};

/**
 * A batch that was taken in before may have failed after its commit, or its answer was lost: the feed is told that it
 * holds it, and what it owes is done again.
 */
export const confirmBatch = async (
  ports: { readonly mailbox: Mailbox },
  { stream }: ExistingFeed,
  { shardId, last }: { readonly shardId: string; readonly last: BatchRecord | undefined },
): Promise<void> => {
  const command = { type: 'ConfirmBatch', shardId, lastSequenceNumber: last?.sequenceNumber ?? '0' } as const;
  await tellFeed(ports, stream, command, { effectsMustSucceed: true, performAll: true });
};
