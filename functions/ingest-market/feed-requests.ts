/** Commands of ingestion as requests. */
import type { CommandRequest } from '#domain/kernel/commit.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';

/** The request of a command; the same batch planned on the same state is the same command, however often it comes. */
export const feedRequest = (stream: string, command: FeedCommand): CommandRequest<FeedCommand> => ({
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
