/** Called by the `feed-recovery` state machine: keeps the token it waits by, reminds of a halt, and ends with it. */
import { FeedRecoveryCall } from '#contracts/market/feed-recovery.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { isAwaited } from '#domain/market/feed/recovery.ts';
import type { Feed } from '#domain/market/feed/state.ts';
import { feedStream } from '#domain/market/streams.ts';
import type { ResumeTokens } from '#domain/ports/control.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

export interface FeedRecoveryPorts {
  readonly mailbox: Mailbox;
  readonly ledger: LedgerReader;
  readonly tokens: ResumeTokens;
  readonly telemetry: Telemetry;
}

/** What the execution learns: whether the feed still waits by it. */
export interface RecoveryAnswer {
  readonly outcome: 'waiting' | 'over';
}

/** The halt is over, or another execution waits; the state machine knows this error by its name. */
export class RecoveryOverError extends Error {
  constructor() {
    super('the feed does not wait by this execution any more');
    this.name = 'RecoveryOverError';
  }
}

/** Answers one call of an execution. Throws `RecoveryOverError` when there is nothing to wait for. */
export const feedRecovery = (ports: FeedRecoveryPorts, event: unknown): Promise<RecoveryAnswer> => {
  const call = FeedRecoveryCall.parse(event);
  switch (call.kind) {
    case 'wait':
      return wait(ports, call);
    case 'remind':
      return remind(ports, call);
    case 'end':
      return end(ports, call);
  }
};

type CallOf<Kind extends FeedRecoveryCall['kind']> = Extract<FeedRecoveryCall, { readonly kind: Kind }>;

const refOf = ({ openedSequence, generation }: FeedRecoveryCall) => ({ openedSequence, generation });

/** The token first: a resumption that comes in between is seen here, and a later one finds the token. */
const wait = async ({ tokens, ledger }: FeedRecoveryPorts, call: CallOf<'wait'>): Promise<RecoveryAnswer> => {
  const stream = feedStream(call);
  await tokens.keep({ feedStream: stream, ...refOf(call) }, call.taskToken);
  const { state } = await loadStream(ledger, feedAggregate, stream);
  if (!isAwaited(state, refOf(call))) throw new RecoveryOverError();
  return { outcome: 'waiting' };
};

const remind = async (ports: FeedRecoveryPorts, call: CallOf<'remind'>): Promise<RecoveryAnswer> => {
  const { reminderNo } = call;
  const outcome = await send(
    ports,
    call,
    { type: 'RemindRecovery', ...refOf(call), reminderNo },
    `remind-${reminderNo}`,
  );
  if (outcome.kind === 'committed') {
    ports.telemetry.count('ResumeReminders');
    ports.telemetry.log('warn', 'a feed waits for a person to resume it', {
      stream: feedStream(call),
      feedId: call.feedId,
      count: reminderNo,
    });
  }
  return { outcome: isAwaited(outcome.state, refOf(call)) ? 'waiting' : 'over' };
};

const end = async (ports: FeedRecoveryPorts, call: CallOf<'end'>): Promise<RecoveryAnswer> => {
  await send(ports, call, { type: 'EndRecovery', ...refOf(call) }, 'end');
  return { outcome: 'over' };
};

const send = (
  { mailbox }: FeedRecoveryPorts,
  call: FeedRecoveryCall,
  command: FeedCommand,
  act: string,
): Promise<CommandOutcome<Feed>> => {
  const stream = feedStream(call);
  return mailbox.send(
    feedAggregate,
    {
      stream,
      command,
      commandId: `recovery:${stream}:${call.openedSequence}:${call.generation}:${act}`,
      actor: { kind: 'service', id: 'feed-recovery' },
      correlationId: stream,
    },
    { effectsMustSucceed: true },
  );
};
