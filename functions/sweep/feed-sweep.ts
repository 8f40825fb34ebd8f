/**
 * A sweep of a feed: looks whether what paused its schedule is over, sends what was held back, tells the feed which of
 * its runs are terminal and sends the others again, and replaces an execution that should have reminded of a halt. A feed with a live clock plans the ticks that have passed.
 */
import type { FeedCommand } from '#contracts/market/feed.ts';
import { sendRuns } from '#domain/market/feed/effects.ts';
import { isSchedulingPaused } from '#domain/market/feed/flow-control.ts';
import type { HeldRuns } from '#domain/market/feed/flow-control.ts';
import { overdueRecovery } from '#domain/market/feed/recovery.ts';
import { messagesOf, runsToResend } from '#domain/market/feed/resend.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { QueueDepth, Queues, Telemetry } from '#domain/ports/outside.ts';
import { pressureCommand, reportPressure } from '#functions/shared/engine-pressure.ts';
import { feedProgress, readSome } from '#functions/shared/feed-acknowledgement.ts';

export interface FeedSweepPorts {
  readonly ledger: LedgerReader;
  readonly queues: Queues;
  readonly engineDepth: QueueDepth;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
}

/** Messages one sweep sends at most; the next one goes on from there. */
const SENDS_MAX = 200;

/** The sweep command of a feed, after what is missing was sent. */
export const feedSweepCommand = async (ports: FeedSweepPorts, feed: Feed): Promise<FeedCommand> => {
  const plan: FeedCommand = { type: 'PlanTicks', clock: 'arrival', beforeMs: ports.nowMs() };
  if (feed.status === 'none') return plan;
  const overdue = overdueRecovery(feed, ports.nowMs());
  if (overdue) return overdue;
  const relief = feed.schedulingPaused && (await pressureCommand(ports, feed));
  if (relief) {
    reportPressure(ports, feed);
    return relief;
  }
  if (feed.held && !isSchedulingPaused(feed)) return sendHeld(ports, feed, feed.held);
  const progress = await feedProgress(ports.ledger, feed);
  if (!progress) return plan;
  const { events, terminal, command } = progress;
  const heldFrom = feed.held?.fromSequence ?? Number.POSITIVE_INFINITY;
  const sent = events.filter(({ sequence }) => sequence < heldFrom);
  const messages = runsToResend(feed, sent, terminal).slice(0, SENDS_MAX);
  await ports.queues.send(messages.map((message) => sendRuns(message, ports.nowMs())));
  return command;
};

/** Sends held runs in the order of the plan, as many as one sweep may; what is left asks for the next one. */
const sendHeld = async (
  { ledger, queues }: FeedSweepPorts,
  feed: ExistingFeed,
  { fromSequence, lastSequence }: HeldRuns,
): Promise<FeedCommand> => {
  const events = await readSome(ledger, feed.stream, fromSequence);
  let throughSequence = fromSequence;
  let sentCount = 0;
  for (const event of events) {
    const messages = messagesOf(feed, event);
    if (event.sequence > lastSequence || sentCount + messages.length > Math.max(SENDS_MAX, messages.length))
      break;
    await queues.send(messages.map((message) => sendRuns(message)));
    sentCount += messages.length;
    throughSequence = event.sequence;
  }
  return { type: 'RecordDispatch', throughSequence };
};
