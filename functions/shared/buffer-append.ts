/**
 * The failure domain `buffer` (market reference, section 6.1): a chunk and the commit that refers to it are tried again
 * in place; a buffer that still cannot be written degrades its feed.
 */
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import { ingestCommand } from '#domain/market/feed/plan-batch.ts';
import type { BatchPlan } from '#domain/market/feed/plan-batch.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { Ledger } from '#domain/ports/ledger.ts';
import {
  DETAIL_MAX,
  messageOf,
  patience,
  reportFailure,
  SettledError,
} from '#functions/shared/ingestion-retry.ts';
import type { PatiencePorts } from '#functions/shared/ingestion-retry.ts';
import { tellFeed } from '#functions/shared/feed-requests.ts';
import { ContentionError, EffectsFailedError } from '#functions/shared/command-handler.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { storeChunk } from '#functions/shared/market-chunks.ts';
import { withRetries } from '#functions/shared/with-retries.ts';

export interface AppendPorts extends PatiencePorts {
  readonly ledger: Ledger;
  readonly mailbox: Mailbox;
}

/** The buffer could not be written although it was tried again; its feed is degraded. */
export class BufferAppendError extends SettledError {
  readonly code = 'buffer_append_failure';
  constructor(cause: unknown) {
    super('BufferAppendError', messageOf(cause), { cause });
  }
}

/** Stores the chunk of a plan and commits it, trying again as the feed says. */
export const appendToBuffer = async (
  ports: AppendPorts,
  feed: ExistingFeed,
  plan: BatchPlan,
): Promise<CommandOutcome<Feed>> => {
  const { stream, config } = feed;
  try {
    return await withRetries(
      { ...patience(ports, config.buffer_retry), isTransient: isOfBuffer },
      async () => {
        const location = await storeChunk(ports.ledger, feed, plan.chunk);
        return tellFeed(ports, stream, ingestCommand(plan, location), { effectsMustSucceed: true });
      },
    );
  } catch (error) {
    if (!isOfBuffer(error)) throw error;
    await degrade(ports, feed, error);
    throw new BufferAppendError(error);
  }
};

/** The facts stand when an effect fails, and a lost race is no failure of the buffer. */
const isOfBuffer = (error: unknown): boolean =>
  !(error instanceof EffectsFailedError || error instanceof ContentionError);

const degrade = async (
  ports: AppendPorts,
  { stream, status }: ExistingFeed,
  error: unknown,
): Promise<void> => {
  const { telemetry } = ports;
  const errorDetail = messageOf(error).slice(0, DETAIL_MAX);
  const failure = { failureDomain: 'buffer', errorKind: 'buffer_append_failure', errorDetail } as const;
  telemetry.count('orchestrator.buffer.append_failures');
  reportFailure(telemetry, {
    stream,
    failure_domain: failure.failureDomain,
    error_kind: failure.errorKind,
    error_detail: errorDetail,
  });
  if (status === 'degraded') return;
  try {
    await tellFeed(ports, stream, { type: 'DegradeFeed', ...failure });
  } catch (cause) {
    // The ledger itself does not answer: the batch fails either way, and its next delivery says so again.
    telemetry.log('error', 'a feed could not be marked as degraded', {
      stream,
      errorMessage: messageOf(cause),
    });
  }
};
