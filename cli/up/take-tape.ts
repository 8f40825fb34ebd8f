/** Plays a tape into a feed of its own and waits until all that follows from it has come out. */
import type { Client } from '#cli/client.ts';
import { awaitOver } from '#cli/up/await-over.ts';
import type { Look, Patience } from '#cli/up/await-over.ts';
import { physicalNameOf } from '#cli/up/physical-names.ts';
import { playTape } from '#cli/up/producer.ts';
import type { Speed } from '#cli/up/producer.ts';
import type { Progress } from '#cli/up/progress.ts';
import type { Stack } from '#cli/up/stack.ts';
import type { TapeSource } from '#cli/up/tape-source.ts';

/** What a tape is played from, into what, and what is told of it. */
export interface Taking extends Pick<Patience, 'stallMaxMs' | 'signal'> {
  readonly stack: Pick<Stack, 'cloud' | 'awsUrl'>;
  readonly client: Client;
  readonly source: TapeSource;
  readonly speed: Speed;
  readonly progress: Progress;
}

/** Creates the feed, plays the tape, and waits until every planned run has been published. */
export const takeTape = async (taking: Taking): Promise<void> => {
  const { stack, client, source, progress, signal } = taking;
  const feed = `{ws}/feeds/${source.feedId}`;
  await client.request('PUT', feed, { body: source.feedConfig });
  await awaitOver(() => lookForFeed(taking), taking);
  progress.startedAtMs = Date.now();
  await playTape({
    awsUrl: stack.awsUrl,
    streamName: physicalNameOf(stack.cloud, 'market-events'),
    tape: source.records,
    speed: taking.speed,
    signal,
    onProgress: (acknowledged) => (progress.events = acknowledged),
  });
  await awaitOver(() => Promise.resolve(lookForQuiet(taking)), taking);
  if (!signal.aborted) await closeTape(taking, feed);
  await awaitOver(() => lookForRuns(taking, feed), taking);
};

/** Nothing follows the tape's last record, so the feed is told that its time has passed that instant. */
const closeTape = async ({ client, source }: Taking, feed: string): Promise<void> => {
  let passedMs = 0;
  for await (const { recvTsMs } of source.records()) passedMs = Math.max(passedMs, recvTsMs ?? 0);
  await client.request('POST', `${feed}/ticks`, { body: { passedMs } });
};

/** Ingest finds feeds through the read models: records wait until the feed stands there. */
const lookForFeed = async ({ client, source, stack }: Taking): Promise<Look> => {
  const { feeds } = (await client.request('GET', '{ws}/feeds', { query: { limit: 200 } })) as {
    feeds: readonly { feedId: string }[];
  };
  return {
    isOver: feeds.some(({ feedId }) => feedId === source.feedId),
    moved: delivered(stack),
    waitsFor: `the feed ${source.feedId} in the list of feeds`,
  };
};

const lookForQuiet = ({ stack }: Taking): Look => {
  const busy = [...stack.cloud.mappings.values()].filter((mapping) => !mapping.idle());
  const named = busy.map(({ setting, counts }) => {
    const { failedInvocations } = counts();
    return failedInvocations === 0 ? setting.id : `${setting.id} (${failedInvocations} deliveries failed)`;
  });
  return {
    isOver: busy.length === 0,
    moved: delivered(stack),
    waitsFor: `deliveries to functions: ${named.join(', ')}`,
  };
};

const lookForRuns = async (taking: Taking, feed: string): Promise<Look> => {
  const { stack, client, progress } = taking;
  const { plannedRunCount } = (await client.request('GET', feed)) as { plannedRunCount: number };
  progress.planned = plannedRunCount;
  const endedCount = progress.published.terminal.size;
  const quiet = lookForQuiet(taking);
  return {
    isOver: quiet.isOver && endedCount >= plannedRunCount,
    moved: `${delivered(stack)} ${endedCount} ${plannedRunCount}`,
    waitsFor: quiet.isOver
      ? `${plannedRunCount - endedCount} of ${plannedRunCount} engine runs`
      : quiet.waitsFor,
  };
};

/** What mappings are through with; an attempt that failed has moved nothing. */
const delivered = ({ cloud }: Taking['stack']): string =>
  [...cloud.mappings.values()]
    .map((mapping) => mapping.counts())
    .map((counts) => counts.delivered + counts.discarded + counts.filteredOut)
    .join(' ');
