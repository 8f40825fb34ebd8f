/**
 * Configurations of feeds as their runs need them: a configuration changes only while no run is at work, and each change
 * is an event, so that a message that names the event may be answered from memory.
 */
import type { EngineRunsMessage } from '#contracts/market/engine-run.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { Feed } from '#domain/market/feed/state.ts';

const FEEDS_MAX = 100;

/** Answers from memory, or loads the feed. */
export const feedConfigs = (
  loadFeed: (stream: string) => Promise<Feed>,
): ((message: Pick<EngineRunsMessage, 'feedStream' | 'configSequence'>) => Promise<FeedConfig>) => {
  const known = new Map<string, { readonly sequence: number; readonly config: FeedConfig }>();
  return async ({ feedStream, configSequence }) => {
    const entry = known.get(feedStream);
    if (entry && entry.sequence === configSequence) return entry.config;
    const feed = await loadFeed(feedStream);
    if (feed.status === 'none') throw new Error(`there is no feed ${feedStream}`);
    known.delete(feedStream);
    known.set(feedStream, { sequence: feed.configSequence, config: feed.config });
    const [oldest] = known.keys();
    if (known.size > FEEDS_MAX && oldest !== undefined) known.delete(oldest);
    return feed.config;
  };
};
