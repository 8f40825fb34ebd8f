/**
 * The wait for a person. While outputs are halted or the feed is degraded, an execution of `feed-recovery` reminds
 * of it and waits by task token. The ledger alone says whether a feed waits: an execution that is lost costs reminders,
 * gives no sign, and is replaced by the next generation.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { FeedResumedMessage } from '#contracts/market/feed-timer.ts';
import type { FeedRecovery } from '#contracts/market/feed-config.ts';
import type {
  EndRecovery,
  FeedRecoveryInput,
  RecoveryRef,
  RecoveryReminded,
  RecoveryRestarted,
  RemindRecovery,
  RestartRecovery,
} from '#contracts/market/feed-recovery.ts';
import type { ProposedEvent, Rejection, Waiting } from '#domain/kernel/aggregate.ts';
import { accept } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { effectName } from '#domain/kernel/ids.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { parseFeedStream } from '#domain/market/streams.ts';
import type * as z from 'zod';

/** How the wait stands; `over` until its execution has ended. */
export interface Recovery extends RecoveryRef {
  readonly status: 'waiting' | 'over';
  /** Of this generation. */
  readonly reminderCount: number;
  /** When it began, or was last heard of. */
  readonly seenAtMs: number;
}

/** How much later than its instant a reminder may come before its execution counts as lost. */
export const REMINDER_SLACK_MS = 600_000;
/** How long an execution may take to end after the halt. */
export const END_DEADLINE_MS = 120_000;

type RecoveryDecision = Decision<ProposedEvent, Rejection>;
type Place = Pick<ExistingFeed, 'recovery' | 'stream'>;

const needsPerson = ({ halts, status }: Pick<ExistingFeed, 'halts' | 'status'>): boolean =>
  status === 'degraded' || [...halts.values()].some((halt) => halt.status === 'halted');

/** The feed after an event that may have begun or ended a halt. */
export const withRecovery = (feed: ExistingFeed, event: RecordedEvent): ExistingFeed => {
  const isWaiting = feed.recovery?.status === 'waiting';
  if (isWaiting === needsPerson(feed)) return feed;
  const seenAtMs = event.occurredAtMs;
  if (feed.recovery && isWaiting)
    return { ...feed, recovery: { ...feed.recovery, status: 'over', seenAtMs } };
  const opened = { openedSequence: event.sequence, generation: 1, reminderCount: 0, seenAtMs };
  return { ...feed, recovery: { status: 'waiting', ...opened } };
};

/** The feed after an event of its recovery. */
export const recoveryAfter = (
  { recovery, ...feed }: ExistingFeed,
  type: 'RecoveryReminded' | 'RecoveryRestarted' | 'RecoveryEnded',
  { data, occurredAtMs: seenAtMs }: RecordedEvent,
): ExistingFeed => {
  if (!recovery) return feed;
  switch (type) {
    case 'RecoveryReminded':
      return {
        ...feed,
        recovery: { ...recovery, reminderCount: (data as RecoveryReminded).reminderNo, seenAtMs },
      };
    case 'RecoveryRestarted': {
      const { generation } = data as RecoveryRestarted;
      return { ...feed, recovery: { ...recovery, generation, reminderCount: 0, seenAtMs } };
    }
    case 'RecoveryEnded':
      return feed;
  }
};

/** Whether this execution is the one the feed waits by. */
export const isAwaited = (feed: Feed, ref: RecoveryRef): boolean =>
  feed.status !== 'none' && isOf(feed.recovery, 'waiting', ref);

const isOf = (
  recovery: Recovery | undefined,
  status: Recovery['status'],
  { openedSequence, generation }: RecoveryRef,
): boolean =>
  recovery?.status === status &&
  recovery.openedSequence === openedSequence &&
  recovery.generation === generation;

const named = (type: string, { stream }: Place, ref: RecoveryRef & { readonly reminderNo?: number }) => {
  const { openedSequence, generation, reminderNo } = ref;
  const part = reminderNo === undefined ? '' : `:${reminderNo}`;
  return accept({
    type,
    idempotencyKey: `${type}:${stream}:${openedSequence}:${generation}${part}`,
    data: { openedSequence, generation, ...(reminderNo === undefined ? {} : { reminderNo }) },
  });
};

/** Notes a reminder, once. */
export const remindRecovery = (feed: Place, ref: z.infer<typeof RemindRecovery>): RecoveryDecision =>
  feed.recovery && isOf(feed.recovery, 'waiting', ref) && ref.reminderNo > feed.recovery.reminderCount
    ? named('RecoveryReminded', feed, ref)
    : accept();

/** Puts the next generation in the place of an execution that gave no sign. */
export const restartRecovery = (feed: Place, ref: z.infer<typeof RestartRecovery>): RecoveryDecision =>
  isOf(feed.recovery, 'waiting', ref)
    ? named('RecoveryRestarted', feed, {
        openedSequence: ref.openedSequence,
        generation: ref.generation + 1,
      })
    : accept();

/** Notes that an execution has ended after its halt. */
export const endRecovery = (feed: Place, ref: z.infer<typeof EndRecovery>): RecoveryDecision =>
  isOf(feed.recovery, 'over', ref) ? named('RecoveryEnded', feed, ref) : accept();

/** What a sweep does about a recovery whose deadline has passed; undefined when it is in time. */
export const overdueRecovery = (
  { recovery, config }: Pick<ExistingFeed, 'recovery' | 'config'>,
  nowMs: number,
): z.infer<typeof RestartRecovery> | z.infer<typeof EndRecovery> | undefined => {
  if (!recovery || deadlineOf(recovery, config.recovery) > nowMs) return undefined;
  const { status, openedSequence, generation } = recovery;
  const type = status === 'waiting' ? 'RestartRecovery' : 'EndRecovery';
  return { type, openedSequence, generation };
};

const deadlineOf = ({ status, seenAtMs }: Recovery, { reminder_ms: reminderMs }: FeedRecovery): number =>
  seenAtMs + (status === 'waiting' ? reminderMs + REMINDER_SLACK_MS : END_DEADLINE_MS);

/** What a recovery waits for: a person, or the end of its execution. */
export const recoveryWaiting = ({
  recovery,
  config,
}: Pick<ExistingFeed, 'recovery' | 'config'>): readonly Waiting[] =>
  recovery
    ? [
        {
          reason: recovery.status === 'waiting' ? 'resume' : 'recovery',
          deadlineMs: deadlineOf(recovery, config.recovery),
        },
      ]
    : [];

/** The execution of a feed that waits, or the word to it that the halt is over. */
export const recoveryEffects = ({
  recovery,
  config,
  stream,
}: Pick<ExistingFeed, 'recovery' | 'config' | 'stream'>): readonly Effect[] => {
  if (!recovery) return [];
  const { status, openedSequence, generation } = recovery;
  const id = `recovery:${stream}:${openedSequence}`;
  if (status === 'over') {
    const body: FeedResumedMessage = { kind: 'feed-resumed', feedStream: stream, openedSequence, generation };
    return [{ kind: 'send-message', name: effectName('resumed', id, generation), queue: 'timers', body }];
  }
  const input: FeedRecoveryInput = {
    ...parseFeedStream(stream),
    openedSequence,
    generation,
    reminderSeconds: Math.ceil(config.recovery.reminder_ms / 1000),
    remindersMax: config.recovery.max_reminders,
  };
  const name = effectName('recovery', id, generation);
  return [{ kind: 'start-execution', name, machine: 'feed-recovery', input }];
};
