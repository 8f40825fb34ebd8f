/** How each refusal that a route of its own documents is met, by `operation code`. */
import type { OperationId } from '#contracts/routes.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { Answer } from '#test/support/cloud.ts';
import { callback, manifestOf, trigger, wideAssets } from '#test/support/cloud-assets.ts';
import { feedRecipes } from '#test/support/feed-refusals.ts';
import { asked, CURSOR, reused, withQuery } from '#test/support/refusal-asking.ts';
import type { Names, Recipe, Recipes } from '#test/support/refusal-asking.ts';
import type { Scene } from '#test/support/refusal-scene.ts';

const onRun =
  (operationId: OperationId, of: (scene: Scene) => DispatchEnvelope, body?: object): Recipe =>
  (scene) => {
    const { runId, taskKey } = of(scene);
    return scene.ask(operationId, { runId, taskKey }, body ? { body } : {});
  };

const namesOf = ({ runId, taskKey }: DispatchEnvelope): Names => ({ runId, taskKey });

const say =
  (kind: Parameters<typeof callback>[1], of: (scene: Scene) => DispatchEnvelope, more: object = {}): Recipe =>
  (scene) =>
    callback(scene.api, kind, of(scene), more);

/** Reports with a claim instead of by the callback. */
const claimAfter =
  (of: (scene: Scene) => DispatchEnvelope, more: object = {}): Recipe =>
  (scene) => {
    const { taskId, taskToken, attempt, attemptId } = of(scene);
    const report = { attempt, attemptId, workerId: 'w1', outcome: 'SUCCEEDED', ...more };
    const body = { workerId: 'w1', queue: 'empty', completed: { taskId, taskToken, report } };
    return scene.ask('claimTasks', {}, { body });
  };

const working = (scene: Scene): DispatchEnvelope => scene.working;
const ended = (scene: Scene): DispatchEnvelope => scene.ended;
const stale = (scene: Scene): DispatchEnvelope => scene.stale;
const retrying = (scene: Scene): DispatchEnvelope => scene.retrying;
/** A task of a run that exists, in the run of another. */
const elsewhere = (scene: Scene): DispatchEnvelope => ({ ...scene.ended, taskKey: scene.working.taskKey });

const lists = [
  ...(['listAssets', 'listSchedules', 'listPartitions', 'listManifests', 'listRuns'] as const),
  ...(['listAudit', 'listWorkspaces', 'listApiKeys', 'listRoleGrants'] as const),
];
const runReads = [
  ...(['getRun', 'listRunTasks', 'getRunTask', 'listTaskAttempts', 'getRunWhy', 'listRunEvents'] as const),
  ...(['streamRunEvents', 'readRunLogs'] as const),
];
const select = (...names: readonly string[]) => ({ selection: names.map((name) => `demo.${name}`) });
const partition = { ...select('a'), partitions: [{ key: 'date', value: '2026-01-02' }] };
const visible = { attempt: 1, visibilityState: 'VISIBLE' };
const log = (name: string, attempt = 1) => ({ taskKey: `demo.${name}`, attempt, stdout: 'x' });

const reads: Recipes = {
  ...Object.fromEntries(lists.map((list) => [`${list} invalid_cursor`, withQuery(list, CURSOR)])),
  ...Object.fromEntries(runReads.map((read) => [`${read} run_not_found`, asked(read)])),
  'listRunTasks invalid_cursor': ({ ask, working: { runId } }) =>
    ask('listRunTasks', { runId }, { query: CURSOR }),
  'readRunLogs invalid_cursor': ({ ask, working: { runId } }) =>
    ask('readRunLogs', { runId }, { query: CURSOR }),
  'readRunLogs log_not_found': onRun('readRunLogs', ended),
  'getRunTask task_not_found': onRun('getRunTask', elsewhere),
  'listTaskAttempts task_not_found': onRun('listTaskAttempts', elsewhere),
  'listPartitions invalid_asset_key': withQuery('listPartitions', '?assetKey=a'),
  'summarizePartitions invalid_asset_key': asked('summarizePartitions', { assetKey: 'a' }),
  'summarizePartitions partitions_not_found': asked('summarizePartitions'),
};

/** Has a workspace whose assets are one more than a run may have tasks. */
const wide = async ({ ask }: Scene): Promise<object> => {
  const assets = wideAssets(2_001);
  await ask('deployManifest', { workspaceId: 'wide' }, { body: manifestOf(assets) });
  return select(...Object.keys(assets));
};

/** A workspace with a run that was cancelled, whose worker queue is served by a location that takes no new runs. */
const drained = async ({ ask }: Scene, workspaceId: string) => {
  await ask('deployManifest', { workspaceId }, { body: manifestOf({ a: [] }) });
  const { body: run } = await ask('triggerRun', { workspaceId }, { body: select('a') });
  const place = { workspaceId, runId: String(run['runId']) };
  await ask('cancelRun', place, { body: {} });
  const { body } = await ask('listExecutionLocations', { workspaceId });
  const queue = { workerQueue: 'default-queue', queueName: `${String(body['queuePrefix'])}pool` };
  const wish = { body: { ...queue, lifecycle: 'draining' } };
  await ask('setExecutionLocation', { workspaceId, executionLocationId: 'pool' }, wish);
  return place;
};

const starts: Recipes = {
  'deployManifest invalid_manifest': asked('deployManifest', {}, {}),
  'deployManifest idempotency_key_reused': reused(
    'deployManifest',
    [{ workspaceId: 'other' }, manifestOf({ a: [] })],
    [{ workspaceId: 'other' }, manifestOf({ b: [] })],
  ),
  'triggerRun invalid_selection': asked('triggerRun', {}, select('nobody')),
  'triggerRun invalid_partition': asked('triggerRun', {}, partition),
  'triggerRun plan_too_large': async (scene) =>
    scene.ask('triggerRun', { workspaceId: 'wide' }, { body: await wide(scene) }),
  'triggerRun location_not_active': async (scene) => {
    const { workspaceId } = await drained(scene, 'drained');
    return scene.ask('triggerRun', { workspaceId }, { body: select('a') });
  },
  'triggerRun no_manifest': asked('triggerRun', { workspaceId: 'empty' }, select('a')),
  'triggerRun run_key_conflict': async ({ api, ask }) => {
    await trigger(api, ['a'], { runKey: 'taken' });
    return ask('triggerRun', {}, { body: { ...select('end'), runKey: 'taken' } });
  },
  'triggerRun idempotency_key_reused': reused('triggerRun', [{}, select('a')], [{}, select('end')]),
  'backfillRunKey run_key_not_found': asked('backfillRunKey', {}, { ...select('a'), runKey: 'nobody' }),
  'backfillRunKey invalid_selection': asked('backfillRunKey', {}, { selection: ['..'], runKey: 'taken' }),
  'backfillRunKey invalid_partition': asked('backfillRunKey', {}, { ...partition, runKey: 'taken' }),
  'backfillRunKey run_key_conflict': asked('backfillRunKey', {}, { ...select('end'), runKey: 'taken' }),
  'cancelRun run_not_found': asked('cancelRun', {}, {}),
  'cancelRun run_already_terminal': onRun('cancelRun', ended, {}),
  'cancelRun idempotency_key_reused': async (scene) => {
    const runId = await trigger(scene.api, ['a']);
    return reused('cancelRun', [{ runId }, { reason: 'one' }], [{ runId }, { reason: 'another' }])(scene);
  },
  'rerunRun location_not_active': async (scene) =>
    scene.ask('rerunRun', await drained(scene, 'idle'), { body: { mode: 'subset', ...select('a') } }),
  'rerunRun run_not_found': asked('rerunRun', {}, { mode: 'fromFailure' }),
  'rerunRun rerun_not_allowed': onRun('rerunRun', ended, { mode: 'fromFailure' }),
  'rerunRun invalid_selection': onRun('rerunRun', ended, { mode: 'subset', ...select('nobody') }),
  'rerunRun run_key_conflict': onRun('rerunRun', ended, {
    mode: 'subset',
    ...select('end'),
    runKey: 'taken',
  }),
  'rerunRun idempotency_key_reused': (scene) =>
    reused(
      'rerunRun',
      [{ runId: scene.ended.runId }, { mode: 'subset', ...select('end') }],
      [{ runId: scene.working.runId }, { mode: 'subset', ...select('a') }],
    )(scene),
};

const reports: Recipes = {
  'claimTasks idempotency_key_reused': reused(
    'claimTasks',
    [{}, { workerId: 'w7' }],
    [{}, { workerId: 'w8' }],
  ),
  'reportOutputVisibility run_not_found': asked('reportOutputVisibility', {}, visible),
  'reportOutputVisibility task_not_found': onRun('reportOutputVisibility', elsewhere, visible),
  'reportOutputVisibility stale_attempt': onRun('reportOutputVisibility', stale, visible),
  'reportOutputVisibility attempt_mismatch': onRun('reportOutputVisibility', ended, {
    ...visible,
    attempt: 2,
  }),
  'reportOutputVisibility task_not_succeeded': onRun('reportOutputVisibility', working, visible),
  'reportOutputVisibility visibility_already_decided': onRun('reportOutputVisibility', ended, {
    ...visible,
    visibilityState: 'FAILED',
  }),
  'reportOutputVisibility idempotency_key_reused': (scene) =>
    reused(
      'reportOutputVisibility',
      [namesOf(scene.pending), visible],
      [namesOf(scene.pending), { ...visible, visibilityState: 'FAILED' }],
    )(scene),
  'uploadRunLog idempotency_key_reused': (scene) =>
    reused(
      'uploadRunLog',
      [namesOf(scene.retrying), log('late')],
      [namesOf(scene.retrying), { ...log('late'), stdout: 'another' }],
    )(scene),
  'uploadRunLog run_not_found': asked('uploadRunLog', {}, log('a')),
  'uploadRunLog task_not_found': onRun('uploadRunLog', working, log('nobody')),
  'uploadRunLog attempt_mismatch': onRun('uploadRunLog', working, log('a', 2)),
  'reportAttemptVisibility stale_attempt': say('visibility', stale, { visibilityState: 'VISIBLE' }),
  'reportAttemptVisibility task_not_succeeded': say('visibility', working, { visibilityState: 'VISIBLE' }),
  'reportAttemptVisibility visibility_already_decided': say('visibility', ended, {
    visibilityState: 'FAILED',
  }),
  'uploadAttemptLog log_already_stored': async (scene) => {
    await callback(scene.api, 'logs', scene.stale, { stdout: 'one' });
    return callback(scene.api, 'logs', scene.stale, { stdout: 'another' });
  },
  'uploadRunLog log_already_stored': async (scene) => {
    await onRun('uploadRunLog', working, log('a'))(scene);
    return onRun('uploadRunLog', working, { ...log('a'), stdout: 'another' })(scene);
  },
  'reportTaskStarted attempt_already_started': say('started', working, { workerId: 'w2' }),
  'reportTaskStarted task_already_terminal': say('started', ended, { workerId: 'w2' }),
  'reportTaskHeartbeat task_expired': say('heartbeat', ended),
  'reportTaskCompleted task_already_terminal': say('completed', ended, { outcome: 'CANCELLED' }),
};

const claims: Recipes = {
  'claimTasks invalid_argument': claimAfter(working, { attempt: 0 }),
  'claimTasks attempt_mismatch': claimAfter(working, { attempt: 2 }),
  'claimTasks attempt_id_mismatch': claimAfter(working, { attemptId: `att_${'0'.repeat(24)}` }),
  'claimTasks stale_attempt': claimAfter(stale),
  'claimTasks attempt_already_completed': claimAfter(retrying),
  'claimTasks task_already_terminal': claimAfter(ended, { outcome: 'CANCELLED' }),
};

const callbackKinds = {
  reportTaskStarted: ['started', {}],
  reportTaskHeartbeat: ['heartbeat', {}],
  reportTaskCompleted: ['completed', { outcome: 'SUCCEEDED' }],
  reportAttemptVisibility: ['visibility', { visibilityState: 'VISIBLE' }],
  uploadAttemptLog: ['logs', { stdout: 'x' }],
} as const;

const callbacks: Recipes = Object.fromEntries(
  Object.entries(callbackKinds).flatMap(([operationId, [kind, more]]) => [
    [`${operationId} invalid_argument`, say(kind, working, { ...more, attempt: 0 })],
    [`${operationId} attempt_mismatch`, say(kind, working, { ...more, attempt: 2 })],
    [
      `${operationId} attempt_id_mismatch`,
      say(kind, working, { ...more, attemptId: `att_${'0'.repeat(24)}` }),
    ],
    ...(operationId.startsWith('reportTask')
      ? [
          [`${operationId} stale_attempt`, say(kind, stale, more)],
          [`${operationId} attempt_already_completed`, say(kind, retrying, more)],
        ]
      : []),
  ]),
);

const grant = (workspaceId: string) => ({ subject: 'bob', workspaceId, role: 'viewer' });
const key = (name: string) => ({ name, role: 'viewer', workspaces: ['main'] });

const keyIdOf = ({ body }: Answer): string => (body['apiKey'] as { readonly keyId: string }).keyId;
const grantIdOf = ({ body }: Answer): string => String(body['grantId']);

const pool = { executionLocationId: 'pool' };
const place = (workerQueue: string, queueName = `sluice-dev-worker-yw3l55s5hy-${workerQueue}`) => ({
  workerQueue,
  queueName,
});

const locations: Recipes = {
  'setExecutionLocation location_not_found': asked(
    'setExecutionLocation',
    { executionLocationId: 'not a name' },
    place('gpu'),
  ),
  'setExecutionLocation queue_not_allowed': asked(
    'setExecutionLocation',
    pool,
    place('gpu', 'another-queue'),
  ),
  'setExecutionLocation function_not_allowed': asked('setExecutionLocation', pool, {
    kind: 'lambda',
    workerQueue: 'fn',
    functionName: 'another-function',
  }),
  'setExecutionLocation location_archived': async (scene) => {
    const old = { executionLocationId: 'old' };
    const body = { ...place('old'), lifecycle: 'archived' };
    await scene.ask('setExecutionLocation', old, { body });
    return asked('setExecutionLocation', old, { ...body, lifecycle: 'disabled' })(scene);
  },
  'setExecutionLocation location_conflict': async (scene) => {
    await scene.ask('setExecutionLocation', { executionLocationId: 'first' }, { body: place('taken') });
    return asked('setExecutionLocation', pool, place('taken'))(scene);
  },
  'setExecutionLocation idempotency_key_reused': reused(
    'setExecutionLocation',
    [pool, place('cpu')],
    [pool, place('gpu')],
  ),
  'removeExecutionLocation location_not_found': asked('removeExecutionLocation', {
    executionLocationId: 'nobody',
  }),
  'removeExecutionLocation idempotency_key_reused': async (scene) => {
    const gone = { executionLocationId: 'gone' };
    await scene.ask('setExecutionLocation', gone, { body: place('gone') });
    return reused('removeExecutionLocation', [gone], [gone, { another: 'request' }])(scene);
  },
};

const limitsAndAccess: Recipes = {
  'getManifest not_found': asked('getManifest', { manifestId: 'man_00000000000000000000000000' }),
  'getLimit limit_not_found': asked('getLimit'),
  'setLimit limit_not_found': asked('setLimit', { limitId: 'nonsense' }, { capacity: 1 }),
  'setLimit idempotency_key_reused': reused(
    'setLimit',
    [{ limitId: 'key:a' }, { capacity: 1 }],
    [{ limitId: 'key:a' }, { capacity: 2 }],
  ),
  'removeLimit limit_not_found': asked('removeLimit'),
  'removeLimit idempotency_key_reused': async (scene) => {
    const limit = { limitId: 'key:b' };
    await scene.ask('setLimit', limit, { body: { capacity: 1 } });
    return reused('removeLimit', [limit], [limit, { another: 'request' }])(scene);
  },
  'configureTenant idempotency_key_reused': async (scene) => {
    const [open, registered] = [{ workspacePolicy: 'open' }, { workspacePolicy: 'registered' }];
    const answer = await reused('configureTenant', [{}, registered], [{}, open])(scene);
    await scene.ask('configureTenant', {}, { body: open });
    return answer;
  },
  'registerWorkspace idempotency_key_reused': reused(
    'registerWorkspace',
    [{ workspaceId: 'one' }, {}],
    [{ workspaceId: 'two' }, {}],
  ),
  'closeWorkspace idempotency_key_reused': async (scene) => {
    for (const workspaceId of ['w1', 'w2'])
      await scene.ask('registerWorkspace', { workspaceId }, { body: {} });
    return reused('closeWorkspace', [{ workspaceId: 'w1' }], [{ workspaceId: 'w2' }])(scene);
  },
  'closeWorkspace workspace_not_found': asked('closeWorkspace', { workspaceId: 'nobody' }),
  'createApiKey idempotency_key_reused': reused('createApiKey', [{}, key('k')], [{}, key('other')]),
  'createApiKey api_key_not_found': async ({ ask }) => {
    const again = { body: key('gone'), headers: { 'idempotency-key': 'gone' } };
    await ask('revokeApiKey', { keyId: keyIdOf(await ask('createApiKey', {}, again)) });
    return ask('createApiKey', {}, again);
  },
  'revokeApiKey idempotency_key_reused': async (scene) => {
    const made = async (name: string) => ({
      keyId: keyIdOf(await scene.ask('createApiKey', {}, { body: key(name) })),
    });
    return reused('revokeApiKey', [await made('one')], [await made('two')])(scene);
  },
  'revokeApiKey api_key_not_found': asked('revokeApiKey', { keyId: 'key_01JAAAAAAAAAAAAAAAAAAAAAAA' }),
  'grantRole idempotency_key_reused': reused('grantRole', [{}, grant('main')], [{}, grant('other')]),
  'grantRole role_grant_not_found': async ({ ask }) => {
    const again = { body: grant('gone'), headers: { 'idempotency-key': 'gone' } };
    await ask('revokeRole', { grantId: grantIdOf(await ask('grantRole', {}, again)) });
    return ask('grantRole', {}, again);
  },
  'revokeRole idempotency_key_reused': async (scene) => {
    const made = async (where: string) => ({
      grantId: grantIdOf(await scene.ask('grantRole', {}, { body: grant(where) })),
    });
    return reused('revokeRole', [await made('one')], [await made('two')])(scene);
  },
  'revokeRole role_grant_not_found': asked('revokeRole', { grantId: 'nobody' }),
};

/** Every recipe. */
export const refusalRecipes: Recipes = {
  ...reads,
  ...starts,
  ...reports,
  ...callbacks,
  ...claims,
  ...locations,
  ...limitsAndAccess,
  ...feedRecipes,
};
