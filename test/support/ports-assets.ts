/** The functions of the asset plane on one local stage, called as the gateway, the queues and the machine call them. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createHandler as apiRuns } from '#functions/api-runs/handler.ts';
import { createHandler as apiWorkers } from '#functions/api-workers/handler.ts';
import { createHandler as compact } from '#functions/compact/handler.ts';
import { createHandler as commands } from '#functions/commands/handler.ts';
import { createHandler as retryTask } from '#functions/retry-task/handler.ts';
import { createHandler as runInline } from '#functions/run-inline/handler.ts';
import { createHandler as sweep } from '#functions/sweep/handler.ts';
import { createHandler as sweeper } from '#functions/sweeper/handler.ts';
import { createHandler as taskCallback } from '#functions/task-callback/handler.ts';
import type { Json } from '#local/kernel/engine.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { asset, manifest } from '#test/support/manifest-fixtures.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage, StageOptions } from '#test/support/ports.ts';
import { answerOf, proxyEventOf, testIssuer } from '#test/support/ports-http.ts';
import type { TestRequest } from '#test/support/ports-http.ts';

export type Answer = ReturnType<typeof answerOf>;

/** A task in a worker's hands, as far as tests look at it. */
export interface Claimed {
  readonly taskId: string;
  readonly taskKey: string;
  readonly attempt: number;
  readonly attemptId: string;
  readonly taskToken: string;
  readonly runId: string;
  readonly traceparent: string;
}

export const WORKER = 'wk-1';
const ROOT = '/v1/workspaces/{workspaceId}';

/** A queue event of these messages, as SQS delivers them. */
export const queueEvent = (queue: string, messages: readonly Json[]): SQSEvent =>
  ({
    Records: messages.map((message, index) => ({
      messageId: message['MessageId'] ?? `message-${index}`,
      receiptHandle: message['ReceiptHandle'] ?? `receipt-${index}`,
      body: message['Body'],
      attributes: message['Attributes'] ?? {},
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:sluice-dev-${queue}`,
    })),
  }) as unknown as SQSEvent;

export const assetPlane = async (options: StageOptions & { readonly limits?: object } = {}) => {
  const issuer = await testIssuer();
  const stage: LocalStage = await localStage({ fetch: issuer.fetch, ...options });
  const source = {
    ...stage.environment,
    LIMITS: JSON.stringify({ requestBurstMax: 10_000, ...options.limits }),
  };
  const build = <Handler>(create: (from: typeof source, plugin: object) => Handler): Handler =>
    create(source, stage.plugin);
  const handlers = {
    runs: build(apiRuns),
    workers: build(apiWorkers),
    callbacks: build(taskCallback),
    commands: build(commands),
    retryTask: build(retryTask),
    'inline-runs': build(runInline),
    sweep: build(sweep),
    sweeper: build(sweeper),
    compact: build(compact),
  };
  const token = await issuer.token();

  const call = async (handler: typeof handlers.runs, request: TestRequest): Promise<Answer> =>
    answerOf(await handler(proxyEventOf({ token, ...request })));

  const inWorkspace = (
    path: string,
    request: Partial<TestRequest> & { readonly parameters?: Readonly<Record<string, string>> } = {},
  ): TestRequest => ({
    path: ROOT + path,
    resource: ROOT + path,
    ...request,
    parameters: { workspaceId: 'prod', ...request.parameters },
  });

  const claim = async (maxTasks = 1, over: object = {}): Promise<readonly Claimed[]> => {
    const body = { workerId: WORKER, maxTasks, ...over };
    const answer = await call(handlers.workers, inWorkspace('/workers/claim', { method: 'POST', body }));
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body['tasks'] as readonly Claimed[];
  };

  const report = (
    kind: 'started' | 'heartbeat' | 'completed' | 'logs' | 'visibility',
    task: Claimed,
    over: Partial<TestRequest> & { readonly body?: object } = {},
  ): Promise<Answer> =>
    call(handlers.callbacks, {
      method: 'POST',
      path: `/v1/callbacks/${task.taskId}/${kind}`,
      resource: `/v1/callbacks/{taskId}/${kind}`,
      parameters: { taskId: task.taskId },
      token: task.taskToken,
      ...over,
      body: { attempt: task.attempt, attemptId: task.attemptId, workerId: WORKER, ...over.body },
    });

  return {
    stage,
    issuer,
    handlers,
    token,
    call,
    inWorkspace,
    claim,
    report,
    succeed: (task: Claimed): Promise<Answer> =>
      report('completed', task, { body: { outcome: 'SUCCEEDED' } }),
    fail: (task: Claimed): Promise<Answer> =>
      report('completed', task, {
        body: { outcome: 'FAILED', error: { category: 'USER_CODE', message: 'it broke' } },
      }),
    /** Deploys assets `m.<name>` with their upstreams. */
    deploy: (graph: Readonly<Record<string, readonly string[]>>, more: object = {}): Promise<Answer> => {
      const assets = Object.entries(graph).map(([name, upstreams]) =>
        asset(
          'm',
          name,
          upstreams.map((upstream) => `m.${upstream}`),
          more,
        ),
      );
      return call(handlers.runs, inWorkspace('/manifests', { method: 'POST', body: manifest(assets) }));
    },
    trigger: (
      selection: readonly string[],
      more: object = {},
      over: Partial<TestRequest> = {},
    ): Promise<Answer> =>
      call(handlers.runs, inWorkspace('/runs', { method: 'POST', body: { selection, ...more }, ...over })),
    getRun: async (runId: string): Promise<Json> =>
      (await call(handlers.runs, inWorkspace('/runs/{runId}', { parameters: { runId } }))).body,
    /** Delivers everything visible in a queue to its consumer. */
    deliver: async (queue: 'commands' | 'sweep' | 'inline-runs'): Promise<SQSBatchResponse> => {
      const messages = await stage.drain(queue === 'commands' ? 'commands.fifo' : queue);
      return handlers[queue](queueEvent(queue, messages));
    },
    /** Lets the sweeper look, and whatever it finds be swept. */
    sweepNow: async (): Promise<void> => {
      await handlers.sweeper();
      await handlers.sweep(queueEvent('sweep', await stage.drain('sweep')));
    },
    /** Lets time pass, and the timers in it fire. */
    pass: (ms: number): void => {
      const untilMs = stage.clock.nowMs() + ms;
      while (stage.clock.step(untilMs)) continue;
      stage.clock.jump(untilMs);
    },
  };
};

export type AssetPlane = Awaited<ReturnType<typeof assetPlane>>;

/** Puts the offer of a claimed first attempt of `m.a` back, as when a repeat of its effect was late. */
export const offerAgain = async (
  { stage }: Pick<AssetPlane, 'stage'>,
  { runId, attemptId }: { readonly runId: string; readonly attemptId: string },
): Promise<void> => {
  await adaptersOf(stage).offers.put({
    tenantId: 'acme',
    workspaceId: 'prod',
    queue: 'default-queue',
    priority: 0,
    runId,
    taskKey: 'm.a',
    attempt: 1,
    attemptId,
    readyAtMs: 0,
  });
};
