/** How each refusal that a route of feeds documents is met, by `operation code`. */
import type { OperationId } from '#contracts/routes.ts';
import { minuteFeed } from '#test/support/cloud-market.ts';
import { asked, CURSOR, reused } from '#test/support/refusal-asking.ts';
import type { Recipe, Recipes } from '#test/support/refusal-asking.ts';
import type { Scene } from '#test/support/refusal-scene.ts';

const pages = [
  ...(['listFeedRuns', 'listFeedOutputs', 'replayFeed', 'listFeedBuffer', 'listFeedSymbols'] as const),
  ...(['listFeedGates', 'listFeedAnalyses', 'listFeedRegimes', 'getFeedDashboard'] as const),
];
const moves = ['startFeed', 'drainFeed', 'stopFeed'] as const;

/** Has a feed that runs. */
const feed = async ({ ask }: Scene, feedId: string): Promise<{ readonly feedId: string }> => {
  const { status } = await ask('putFeed', { feedId }, { body: minuteFeed() });
  if (status !== 200 && status !== 201) throw new Error(`the feed ${feedId} is not there: ${status}`);
  return { feedId };
};

/** A move of a feed that runs, or was drained before. */
const moved =
  (operationId: OperationId, feedId: string, before: readonly OperationId[] = []): Recipe =>
  async (scene) => {
    const names = await feed(scene, feedId);
    for (const operation of before) await scene.ask(operation, names);
    return scene.ask(operationId, names);
  };

const movedTwice =
  (operationId: OperationId, feedId: string, before: readonly OperationId[] = []): Recipe =>
  async (scene) => {
    const names = await feed(scene, feedId);
    for (const operation of before) await scene.ask(operation, names);
    return reused(operationId, [names], [names, { another: 'request' }])(scene);
  };

export const feedRecipes: Recipes = {
  ...Object.fromEntries(
    pages.flatMap((page) => [
      [`${page} feed_not_found`, asked(page)],
      [
        `${page} invalid_cursor`,
        async (scene: Scene) => scene.ask(page, await feed(scene, 'pages'), { query: CURSOR }),
      ],
    ]),
  ),
  ...Object.fromEntries(moves.map((move) => [`${move} feed_not_found`, asked(move)])),
  'listFeeds invalid_cursor': ({ ask }) => ask('listFeeds', {}, { query: CURSOR }),
  'getFeed feed_not_found': asked('getFeed'),
  'getFeedHealth feed_not_found': asked('getFeedHealth'),
  'planFeedTicks feed_not_found': asked('planFeedTicks', {}, { passedMs: 1 }),
  'putFeed invalid_feed_config': asked('putFeed', { feedId: 'bad' }, { sources: [] }),
  'putFeed feed_exists': async (scene) =>
    scene.ask('putFeed', await feed(scene, 'taken'), { body: minuteFeed({ emit_skipped: false }) }),
  'putFeed idempotency_key_reused': reused(
    'putFeed',
    [{ feedId: 'keyed' }, minuteFeed()],
    [{ feedId: 'keyed' }, minuteFeed({ emit_skipped: false })],
  ),
  'startFeed feed_state_conflict': moved('startFeed', 'runs'),
  'startFeed idempotency_key_reused': movedTwice('startFeed', 'starts', ['drainFeed']),
  'drainFeed feed_state_conflict': moved('drainFeed', 'drained', ['drainFeed']),
  'drainFeed idempotency_key_reused': movedTwice('drainFeed', 'drains'),
  'stopFeed idempotency_key_reused': movedTwice('stopFeed', 'stops'),
  'resumeFeed feed_not_found': asked('resumeFeed', {}, { reason: 'mended' }),
  'resumeFeed feed_not_halted': async (scene) =>
    scene.ask('resumeFeed', await feed(scene, 'runs'), { body: { reason: 'mended' } }),
};
