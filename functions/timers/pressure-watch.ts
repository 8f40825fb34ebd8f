/**
 * Watches the queue of engine runs, and what it spilled, for one feed: each look takes in spilled records there is room
 * for, decides what the queue means for it and asks for the next one.
 * A mark in `control` names the next look, so that of several messages one goes on; a watch that is lost, message or
 * mark, is begun again by whoever performs what the feed owes.
 */
import type { FeedPressureMessage } from '#contracts/market/feed-timer.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { pressureDelayMs } from '#domain/market/feed/pressure-watch.ts';
import { takesRecords } from '#domain/market/feed/lifecycle.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { Cursors } from '#domain/ports/control.ts';
import type { Queues } from '#domain/ports/outside.ts';
import {
  ageCommand,
  oldestRunMs,
  pressureCommand,
  reportPressure,
} from '#functions/shared/engine-pressure.ts';
import { tryIngestion } from '#functions/shared/ingestion-retry.ts';
import { drainSpill } from '#functions/shared/spill-records.ts';
import type { SpillPorts } from '#functions/shared/spill-records.ts';
import { existing } from '#functions/shared/take-in.ts';

export interface WatchPorts extends SpillPorts {
  readonly queues: Queues;
  readonly cursors: Cursors;
}

/** So long after its instant a look counts as lost, and a new watch may begin. */
const LOST_AFTER_MS = 30_000;
const DELAY_MAX_SECONDS = 900;

const markOf = (feedStream: string): string => `pressure#${feedStream}`;

/** Holds back what is planned from now on when the queue is too long; a feed that is held back has its watch. */
export const followDepth = async (ports: WatchPorts, feedStream: string): Promise<void> => {
  const feed = await ports.loadFeed(feedStream);
  if (feed.status === 'none' || feed.schedulingPaused) return;
  const command = await pressureCommand(ports, feed);
  if (command) await tell(ports, feed, command);
};

/** Takes one look, unless another message is the one to take it. */
export const watchPressure = async (ports: WatchPorts, message: FeedPressureMessage): Promise<void> => {
  const { feedStream, dueMs } = message;
  const { place } = await ports.cursors.read(markOf(feedStream));
  if (!isMine(place, dueMs, ports.nowMs())) return;
  // No append guards a look that finds nothing to do: it must not go by what this environment remembers.
  const feed = await ports.reloadFeed(feedStream);
  const delayMs = feed.status === 'none' ? undefined : await look(ports, feed);
  if (delayMs === undefined) {
    if (place !== undefined) await ports.cursors.removePlace(markOf(feedStream), place);
    return;
  }
  const nextMs = ports.nowMs() + delayMs;
  const delaySeconds = Math.min(DELAY_MAX_SECONDS, Math.ceil(delayMs / 1000));
  // The message first: a mark without one would keep new watches away until it counts as lost.
  const body: FeedPressureMessage = { kind: 'feed-pressure', feedStream, dueMs: nextMs };
  await ports.queues.send([{ queue: 'timers', body, delaySeconds }]);
  await ports.cursors.exchangePlace(markOf(feedStream), place, String(nextMs));
};

/** A look goes on with its own mark, or none; a first one begins where no watch is on. */
const isMine = (place: string | undefined, dueMs: number | undefined, nowMs: number): boolean => {
  if (place === undefined) return true;
  return dueMs === undefined ? nowMs > Number(place) + LOST_AFTER_MS : place === String(dueMs);
};

/** Tells the feed what the queue means for it; the time to the next look, or undefined when none is needed. */
const look = async (ports: WatchPorts, known: ExistingFeed): Promise<number | undefined> => {
  const feed = await drained(ports, known);
  const ageMs = isAgeBounded(feed) ? await oldestRunMs(ports, feed) : 0;
  const command = ageCommand(feed, ageMs) ?? (await pressureCommand(ports, feed));
  if (!command) return pressureDelayMs(feed, ageMs);
  const { state } = await tell(ports, feed, command);
  return state.status === 'none' ? undefined : pressureDelayMs(state, ageMs);
};

/** What is spilled is taken in where there is room, in the failure domain of ingestion. */
const drained = async (ports: WatchPorts, feed: ExistingFeed): Promise<ExistingFeed> => {
  if (!feed.spill || !takesRecords(feed)) return feed;
  const { stream, config } = feed;
  return tryIngestion(ports, { retry: config.ingestion_retry, stream }, async () =>
    drainSpill(ports, existing(await ports.loadFeed(stream), stream)),
  );
};

const tell = (ports: WatchPorts, feed: ExistingFeed, command: FeedCommand): Promise<CommandOutcome<Feed>> => {
  const { stream, version } = feed;
  reportPressure(ports, feed);
  return ports.mailbox.send(
    feedAggregate,
    {
      stream,
      command,
      commandId: `pressure:${stream}:${version}:${command.type}`,
      actor: { kind: 'service', id: 'timers' },
      correlationId: stream,
    },
    { effectsMustSucceed: true },
  );
};

const isAgeBounded = ({ config, schedulingPaused, unacknowledged }: ExistingFeed): boolean =>
  config.output_publish.max_block_ms !== null && unacknowledged !== undefined && !schedulingPaused;
