/**
 * Which heartbeats become facts. A run's stream grows with time and with progress, and not with the zeal of its
 * workers: what is left out is at most an interval old, and the deadline of a silent worker makes up for it.
 */
import type { HeartbeatRequest } from '#contracts/runs/callbacks.ts';
import { runTiming, taskDefaults } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';
import { isCapable } from '#domain/run/capabilities.ts';
import { policyOf } from '#domain/run/run.ts';
import type { OpenTask, Progress } from '#domain/run/run.ts';
import { safeText } from '#domain/run/safe-text.ts';
import { REPORT_HASH_LENGTH } from '#domain/run/state-codec.ts';

type Running = Extract<OpenTask, { readonly status: 'RUNNING' }>;
type Said = Pick<HeartbeatRequest, 'progressPct' | 'message'>;

/** Parts of a heartbeat timeout of which each is recorded at most once. */
const RECORDS_PER_TIMEOUT = 4;

/** How old a recorded sign of life must be before one that says nothing new is recorded. */
export const heartbeatIntervalMs = (heartbeatTimeoutSec: number): number =>
  Math.min((heartbeatTimeoutSec * 1000) / RECORDS_PER_TIMEOUT, runTiming.heartbeatIntervalMs);

const BEATS_PER_TIMEOUT = 5;

/** How often a worker beats that is to be heard in good time: a fifth of the timeout, within 5 and 60 seconds. */
export const beatEveryMs = (heartbeatTimeoutSec: number): number =>
  Math.min(Math.max((heartbeatTimeoutSec * 1000) / BEATS_PER_TIMEOUT, 5_000), 60_000);

/**
 * Whether a heartbeat of a running attempt is recorded: the first is, one after an interval is, and one that says
 * something new is after a shorter one.
 */
export const isWorthRecording = (
  plan: Plan,
  taskIndex: number,
  beat: { readonly task: Running; readonly report: Said; readonly nowMs: number },
): boolean => {
  const { task, report, nowMs } = beat;
  if (task.progress === undefined) return true;
  const silentMs = nowMs - task.lastSeenMs;
  return (
    silentMs >= heartbeatIntervalMs(policyOf(plan, taskIndex).heartbeatTimeoutSec) ||
    (silentMs >= runTiming.progressIntervalMs && saysMore(task.progress, report))
  );
};

const saysMore = (known: Progress, { progressPct, message }: Said): boolean =>
  (progressPct !== undefined && progressPct !== known.pct) ||
  (message !== undefined && messageHash(safeText(message)) !== known.messageHash);

/** What is known of the progress after a recorded heartbeat; what it leaves out stays as it was. */
export const progressAfter = (known: Progress | undefined, { progressPct, message }: Said): Progress => {
  const pct = progressPct ?? known?.pct;
  return {
    ...(pct === undefined ? {} : { pct }),
    messageHash: message === undefined ? (known?.messageHash ?? '') : messageHash(message),
  };
};

const messageHash = (message: string): string => sha256Base32(message, REPORT_HASH_LENGTH);

/** When the attempt has run too long; undefined when it may run as long as it is heard, and it can be. */
export const attemptDeadlineMs = (
  plan: Plan,
  taskIndex: number,
  { startedAtMs }: Running,
): number | undefined => {
  const { attemptTimeoutSec = silentTimeoutSec(plan, taskIndex) } = policyOf(plan, taskIndex);
  return attemptTimeoutSec === undefined ? undefined : startedAtMs + attemptTimeoutSec * 1_000;
};

const silentTimeoutSec = (plan: Plan, taskIndex: number): number | undefined =>
  isCapable(plan, taskIndex, 'heartbeat') ? undefined : taskDefaults.silentAttemptSec;

/**
 * When the attempt is given up unless its worker is heard before. From the first heartbeat on the worker may have been
 * heard up to an interval after what is recorded, so that much is added: nobody is given up before timeout and grace.
 * Undefined where no signs of life are given.
 */
export const heartbeatDeadlineMs = (
  plan: Plan,
  taskIndex: number,
  { lastSeenMs, progress }: Running,
): number | undefined => {
  if (!isCapable(plan, taskIndex, 'heartbeat')) return undefined;
  const { heartbeatTimeoutSec } = policyOf(plan, taskIndex);
  const unrecordedMs = progress === undefined ? 0 : heartbeatIntervalMs(heartbeatTimeoutSec);
  return lastSeenMs + unrecordedMs + heartbeatTimeoutSec * 1000 + runTiming.heartbeatGraceMs;
};
