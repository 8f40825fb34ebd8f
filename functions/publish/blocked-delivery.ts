/**
 * A stream whose outputs could not be delivered is blocked: its mark stands as the place of its cursor, and a message
 * with growing delay tries it again, while other streams go on. Blocked for too long, it halts and its aggregate is
 * told, because somebody has to look (docs/guide/design.md §5). Nothing is passed over: the cursor stays where it is.
 */
import type { PublicationMessage } from '#contracts/delivery.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import type { Cursors } from '#domain/ports/control.ts';
import type { Queues, Telemetry } from '#domain/ports/outside.ts';
import { deliveryCursor, deliveryMarkOf } from '#functions/shared/delivery-cursor.ts';
import type { DeliveryMark } from '#functions/shared/delivery-cursor.ts';
import { queuedCommand } from '#functions/shared/queued-command.ts';

/** What a halted delivery tells its aggregate. */
export interface DeliveryHalt {
  readonly stream: string;
  readonly blockedSinceMs: number;
  readonly attempts: number;
  readonly errorDetail: string;
}

/** What a delivery tells its aggregate when it halts, and when it has caught up after it was resumed. */
export interface DeliveryCommands {
  readonly halted: (halt: DeliveryHalt) => CommandRequest<{ readonly type: string }>;
  readonly recovered: (delivery: {
    readonly stream: string;
    readonly blockedSinceMs: number;
  }) => CommandRequest<{ readonly type: string }>;
}

export interface BlockedPorts {
  readonly cursors: Cursors;
  readonly queues: Queues;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  readonly commands: DeliveryCommands;
}

/** How a stream's delivery stands, with the text the mark was read from. */
export interface Blocked extends DeliveryMark {
  readonly text: string;
}

/** How long a delivery may be blocked before it halts: a quarter of an hour. */
export const BLOCKED_MAX_MS = 900_000;
/** After this long without a word a try counts as lost, and whoever comes next may take it. */
const LOST_AFTER_MS = 600_000;
const DELAY_MAX_S = 60;
const DETAIL_MAX = 200;

/**
 * Reads a mark; undefined when the stream is not blocked. A mark that cannot be read counts as one that was lost, like
 * everything in `control` may be: its stream is tried at once.
 */
export const blockedOf = (
  { telemetry, nowMs }: Pick<BlockedPorts, 'telemetry' | 'nowMs'>,
  { stream, place }: { readonly stream: string; readonly place: string | undefined },
): Blocked | undefined => {
  if (place === undefined) return undefined;
  const mark = deliveryMarkOf(place);
  if (mark) return { ...mark, text: place };
  telemetry.log('warn', 'the mark of a blocked delivery cannot be read and counts as lost', { stream });
  return { attempt: 1, sinceMs: nowMs(), nextAtMs: 0, isHalted: false, errorDetail: '', text: place };
};

/** A look at a stream: what asked for it, and a name of its own that stays the same when it is delivered again. */
export interface Look extends Omit<PublicationMessage, 'stream'> {
  readonly holder: string;
}

/** Whether a look may try a blocked stream now. */
export const mayTry = (blocked: Blocked, look: Look, nowMs: number): boolean => {
  if (blocked.isHalted) return look.resumedBlockMs === blocked.sinceMs;
  if (look.attempt === blocked.attempt || look.holder === blocked.holder) return true;
  return nowMs - blocked.nextAtMs > LOST_AFTER_MS;
};

/** Takes the try for one holder; the new mark, or undefined when somebody else was quicker. */
export const takeTry = async (
  { cursors, nowMs }: BlockedPorts,
  stream: string,
  { blocked, holder }: { readonly blocked: Blocked; readonly holder: string },
): Promise<Blocked | undefined> => {
  const { text: seen, holder: _holder, ...mark } = blocked;
  const resumed: DeliveryMark = blocked.isHalted
    ? {
        attempt: 1,
        sinceMs: nowMs(),
        nextAtMs: nowMs(),
        isHalted: false,
        errorDetail: blocked.errorDetail,
        resumedBlockMs: blocked.sinceMs,
        holder,
      }
    : { ...mark, attempt: mark.attempt + 1, nextAtMs: nowMs(), holder };
  const text = JSON.stringify(resumed);
  return (await cursors.exchangePlace(deliveryCursor(stream), seen, text)) ? { ...resumed, text } : undefined;
};

/** Notes that a try failed: the next one is sent for, or the delivery halts. */
export const block = async (
  ports: BlockedPorts,
  stream: string,
  { blocked, error }: { readonly blocked: Blocked | undefined; readonly error: unknown },
): Promise<void> => {
  const nowMs = ports.nowMs();
  const { attempt = 1, sinceMs = nowMs, resumedBlockMs } = blocked ?? {};
  const isHalted = nowMs - sinceMs >= BLOCKED_MAX_MS;
  const delaySeconds = Math.min(DELAY_MAX_S, 2 ** Math.min(attempt - 1, 10));
  const errorDetail = (error instanceof Error ? error.message : String(error)).slice(0, DETAIL_MAX);
  ports.telemetry.count(isHalted ? 'PublishHalted' : 'PublishBlocked');
  ports.telemetry.log('warn', 'orchestrator.failure', {
    stream,
    attempt,
    isHalted,
    failure_domain: 'publish',
    error_kind: 'publish_failure',
    error_detail: errorDetail,
  });
  // The message first: a mark without one would wait until somebody finds it lost.
  if (isHalted) await tellHalt(ports, stream, { sinceMs, attempt, errorDetail });
  else await ports.queues.send([{ queue: 'publications', body: { stream, attempt }, delaySeconds }]);
  const mark: DeliveryMark = {
    attempt,
    sinceMs,
    nextAtMs: nowMs + delaySeconds * 1_000,
    isHalted,
    errorDetail,
    ...(resumedBlockMs === undefined ? {} : { resumedBlockMs }),
  };
  await ports.cursors.exchangePlace(deliveryCursor(stream), blocked?.text, JSON.stringify(mark));
};

/**
 * Tells the aggregate that its delivery has halted. It is told again by each message that finds the delivery halted: a
 * person could not resume a halt that the aggregate did not learn of. The same word twice changes nothing.
 */
export const tellHalt = (
  { queues, commands }: BlockedPorts,
  stream: string,
  { sinceMs, attempt, errorDetail }: Pick<DeliveryMark, 'sinceMs' | 'attempt' | 'errorDetail'>,
): Promise<void> =>
  queues.send([
    queuedCommand(
      'halt',
      commands.halted({ stream, blockedSinceMs: sinceMs, attempts: attempt, errorDetail }),
    ),
  ]);

/** Tells the aggregate that a delivery which a person had resumed is at its end again. */
export const recover = async (ports: BlockedPorts, stream: string, blockedSinceMs: number): Promise<void> =>
  ports.queues.send([queuedCommand('recovery', ports.commands.recovered({ stream, blockedSinceMs }))]);
