/**
 * Every refusal that a route documents is met: here, or in the test that is named for it. That no other answer is given, `test/support/documented.ts` sees to at every request.
 */
import { expect, it } from 'vitest';
import { errorCatalogue } from '#contracts/errors.ts';
import type { ErrorCode } from '#contracts/errors.ts';
import { routeShapes } from '#contracts/route-shapes.ts';
import { routes } from '#contracts/routes.ts';
import { refusalRecipes } from '#test/support/refusal-recipes.ts';
import type { Pair, Recipe } from '#test/support/refusal-asking.ts';
import { refusalScene } from '#test/support/refusal-scene.ts';
import { testTitles } from '#test/support/test-titles.ts';
import { refusalsOf } from '#tools/generate/refusals.ts';

const guarded = routes.filter(({ access }) => access !== 'public');

/** Met on every route that takes a body or a query, in this file. */
const OF_THE_INPUT: readonly ErrorCode[] = [
  'invalid_request',
  'invalid_json',
  'unsupported_media_type',
  'payload_too_large',
];

const json = { 'content-type': 'application/json' };
/** Routes that take more than the 1 MiB of the others. */
const takesMore: readonly string[] = ['deployManifest', 'uploadRunLog', 'uploadAttemptLog'];
const bodyOf = (bytes: number): string => `{"none":"${'a'.repeat(bytes)}"}`;

type Elsewhere = readonly [file: string, title: string];

/** Met by what all routes have in common, or on every route, in these tests. */
const inCommon: Readonly<Partial<Record<ErrorCode, Elsewhere>>> = {
  missing_token: [
    'test/local/flows/route-matrix.test.ts',
    'refuses whoever shows nothing, garbage, or what is over',
  ],
  invalid_token: [
    'test/local/flows/route-matrix.test.ts',
    'refuses whoever shows nothing, garbage, or what is over',
  ],
  token_expired: [
    'test/local/flows/route-matrix.test.ts',
    'refuses whoever shows nothing, garbage, or what is over',
  ],
  forbidden: ['test/local/flows/route-matrix.test.ts', 'is for its role and those that include it: %s'],
  not_found: [
    'test/local/flows/route-matrix.test.ts',
    'answers 404 in a foreign workspace, whatever the role, and 403 where it reaches over the tenant',
  ],
  rate_limited: [
    'test/unit/functions/api-runs/rate-limits.test.ts',
    'is told when to come again, is served then, and keeps nobody else out',
  ],
  unavailable: [
    'test/unit/functions/shared/http.test.ts',
    'does not call a token bad while the issuer is away',
  ],
  internal: [
    'test/unit/functions/shared/http.test.ts',
    'says nothing of an unexpected fault but where to find it',
  ],
  contention: [
    'test/unit/functions/shared/command-handler.test.ts',
    'gives up after its tries and has written nothing',
  ],
  unknown_event: [
    'test/unit/functions/shared/embedded-state.test.ts',
    'refuses commands when it must understand them',
  ],
  commit_too_large: [
    'test/unit/functions/shared/mailbox.test.ts',
    'refuses one command that is too much for a commit',
  ],
};

const unknownTask: Elsewhere = [
  'test/unit/domain/run/callback.test.ts',
  'is not found when the run, the task or the id is unknown',
];
const pruned: Elsewhere = [
  'test/local/flows/feed-pruning.test.ts',
  'keeps what it promises, replays that, and names what is left to who asks for more',
];
const tooManyTasks: Elsewhere = [
  'test/unit/domain/run/plan.test.ts',
  'refuses a plan of too many tasks and takes one at the limit',
];
const tooMuchWaiting: Elsewhere = [
  'test/local/flows/limits.test.ts',
  'are refused with 429 while too many wait, but a repeat of what was taken in is not',
];

/** What is too large or takes too long to build here, or wants the token of a task that never was. */
const elsewhere: Readonly<Partial<Record<Pair, Elsewhere>>> = {
  'reportTaskStarted task_not_found': unknownTask,
  'reportTaskHeartbeat task_not_found': unknownTask,
  'reportTaskCompleted task_not_found': unknownTask,
  'claimTasks task_not_found': unknownTask,
  'reportAttemptVisibility task_not_found': unknownTask,
  'uploadAttemptLog task_not_found': unknownTask,
  'replayFeed range_pruned': pruned,
  'listFeedBuffer range_pruned': pruned,
  'putFeed feed_state_conflict': [
    'test/unit/domain/market/feed-spill.test.ts',
    'keeps what its waiting records are placed by: %j',
  ],
  'resumeFeed idempotency_key_reused': [
    'test/local/flows/feed-recovery.test.ts',
    'is resumed once under a key, and another request under it is refused',
  ],
  'backfillRunKey plan_too_large': tooManyTasks,
  'rerunRun plan_too_large': [
    'test/unit/domain/run/rerun.test.ts',
    'is refused when its plan has more bytes than one may have',
  ],
  'triggerRun too_much_waiting': tooMuchWaiting,
  'rerunRun too_much_waiting': tooMuchWaiting,
  'summarizePartitions too_many_partitions': [
    'test/unit/functions/api-runs/partitions.test.ts',
    'are counted up to twenty thousand',
  ],
  'setExecutionLocation too_many_locations': [
    'test/unit/domain/manifest/locations.test.ts',
    'are bounded, and those that are registered can still be changed',
  ],
  'setLimit too_many_limits': [
    'test/unit/domain/manifest/configured-limits.test.ts',
    'are so many at most, and what is set may still be changed then',
  ],
  'removeLimit limit_declared': [
    'test/local/flows/limits.test.ts',
    'fall back to what is declared when the word over the API is removed, and are not removed beyond it',
  ],
  'createApiKey access_limit_reached': [
    'test/unit/domain/access/access.test.ts',
    'is refused above the bound, and makes room when it is revoked',
  ],
  'grantRole access_limit_reached': ['test/unit/domain/access/access.test.ts', 'is refused above the bound'],
  'registerWorkspace access_limit_reached': [
    'test/unit/domain/access/access.test.ts',
    'is refused above the bound, unless it is known',
  ],
};

const codeOf = (pair: string): ErrorCode => pair.split(' ')[1] as ErrorCode;

const documented = new Set(
  guarded.flatMap((route) =>
    refusalsOf(route, routeShapes[route.operationId]).map((code): Pair => `${route.operationId} ${code}`),
  ),
);

it('knows how each documented refusal is met, and of no other', () => {
  const unmet = [...documented].filter(
    (pair) =>
      !(pair in refusalRecipes || pair in elsewhere || codeOf(pair) in inCommon) &&
      !OF_THE_INPUT.includes(codeOf(pair)),
  );
  const surplus = [...Object.keys(refusalRecipes), ...Object.keys(elsewhere)].filter(
    (pair) => !documented.has(pair as Pair),
  );

  expect(documented.size).toBeGreaterThan(400);
  expect(unmet).toEqual([]);
  expect(surplus).toEqual([]);
});

it('names tests that are there for what is met elsewhere', () => {
  const missing = [...Object.entries(inCommon), ...Object.entries(elsewhere)].filter(
    ([, [file, title]]) => testTitles(file)?.has(title) !== true,
  );

  expect(missing).toEqual([]);
});

it('meets every refusal that a route has of its own', async () => {
  const scene = await refusalScene();
  const wrong: string[] = [];
  for (const [pair, recipe] of Object.entries(refusalRecipes) as readonly (readonly [Pair, Recipe])[]) {
    const { status, body } = await recipe(scene);
    const { status: expected } = errorCatalogue[codeOf(pair)];
    if (status !== expected || body['code'] !== codeOf(pair))
      wrong.push(`${pair}: ${status} ${JSON.stringify(body)}`);
  }

  expect(wrong).toEqual([]);
  await scene.api.cloud.settle();
  expect(scene.api.cloud.faultLines()).toEqual([]);
});

it('meets what every route refuses of a body, a key and a query', async () => {
  const { ask, working } = await refusalScene();
  const wrong: string[] = [];
  for (const { operationId, access, mutating } of guarded) {
    const bearer = access === 'task-token' ? { bearer: working.taskToken } : {};
    const refused = async (code: ErrorCode, asked: Parameters<typeof ask>[2]): Promise<void> => {
      const { status, body } = await ask(operationId, {}, { ...bearer, ...asked });
      if (body['code'] !== code) wrong.push(`${operationId} ${code}: ${status} ${JSON.stringify(body)}`);
    };
    if (routeShapes[operationId].query) await refused('invalid_request', { query: '?nonsense=1' });
    if (!mutating) continue;
    await refused('invalid_request', { headers: { 'idempotency-key': 'two words' }, body: {} });
    await refused('invalid_json', { body: '{', headers: json });
    await refused('unsupported_media_type', { body: 'x', headers: { 'content-type': 'text/plain' } });
    await refused('payload_too_large', {
      body: bodyOf(takesMore.includes(operationId) ? 6_291_456 : 1_048_576),
      headers: json,
    });
  }

  expect(wrong).toEqual([]);
});
