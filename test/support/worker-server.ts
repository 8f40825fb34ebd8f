/** A server a worker kit talks to in tests: it answers each kind of request as told, on vitest's fake clock. */
import { readFileSync } from 'node:fs';
import { vi } from 'vitest';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { MessageQueue } from '#cli/worker-kit/messages.ts';
import { pauseFor } from '#cli/worker-kit/pause.ts';
import type { Answer, WorkerRequest } from '#cli/worker-kit/request.ts';
import { runWorker } from '#cli/worker-kit/worker.ts';
import type { WorkerSetting } from '#cli/worker-kit/worker.ts';
import { inProject } from '#test/support/tracked-files.ts';

const [sample] = ClaimResponse.parse(
  JSON.parse(readFileSync(inProject('events/answers/ClaimResponse.v1.json'), 'utf8')),
).tasks;
if (sample === undefined) throw new Error('the sample of a claim holds no task');

/** A task as a claim answers it. */
export const sampleTask: DispatchEnvelope = sample;

/** The n-th task of a claim, an attempt of its own. */
export const taskNumber = (n: number): DispatchEnvelope => ({
  ...sampleTask,
  taskId: `${sampleTask.taskId}${n}` as DispatchEnvelope['taskId'],
  attemptId:
    `${sampleTask.attemptId.slice(0, -2)}${String(n).padStart(2, '0')}` as DispatchEnvelope['attemptId'],
});

/** The task as it is sent to the worker that `startWorker` starts. */
export const sentTask: DispatchEnvelope = {
  ...sampleTask,
  workspaceId: 'main' as DispatchEnvelope['workspaceId'],
  callbackBaseUrl: 'https://api.test/dev',
};

/** A queue that holds one message, that of `sentTask`, and then none. */
export const queueOfOne = (): MessageQueue => {
  let isTaken = false;
  return {
    receive: async (_maxMessages, signal) => {
      if (isTaken) await pauseFor(20_000, signal);
      const messages = isTaken ? [] : [{ body: JSON.stringify(sentTask), receipt: 'r1' }];
      isTaken = true;
      return messages;
    },
    remove: () => Promise.resolve(),
  };
};

export type Kind = 'claim' | 'started' | 'heartbeat' | 'completed';
/** Answers the n-th request of its kind, counted from 1; undefined leaves it unanswered until it is cut. */
export type Script = (request: WorkerRequest, count: number) => Answer | undefined;

/** A request that was taken. */
export const taken = (body: unknown = {}): Answer => ({ kind: 'taken', body });
/** A request nobody answered. */
export const again: Answer = { kind: 'again', message: 'down' };
/** A refusal that means stop. */
export const unwanted = (code: string): Answer => ({ kind: 'unwanted', code, message: `${code} it is` });

export interface Asked {
  readonly kind: Kind;
  readonly request: WorkerRequest;
  readonly atMs: number;
}

/** A running worker, what it asked and said, and its clock. */
export interface Rig {
  readonly asked: readonly Asked[];
  readonly said: readonly string[];
  readonly stop: AbortController;
  readonly bodies: (kind: Kind) => readonly unknown[];
  /** Lets so much time pass. */
  readonly pass: (ms: number) => Promise<void>;
  /** Lets time pass until the worker has ended, and answers after how many ms; throws what it throws. */
  readonly ended: () => Promise<number>;
}

const DEFAULTS: Record<Kind, Script> = {
  claim: (_, count) => (count === 1 ? taken({ tasks: [sampleTask] }) : undefined),
  started: () => taken(),
  heartbeat: () => taken({ shouldCancel: false }),
  completed: () => taken(),
};

/** Starts a worker against the scripts; without one a kind is taken, and only the first claim brings a task. */
export const startWorker = (
  scripts: Partial<Record<Kind, Script>> = {},
  setting: Partial<WorkerSetting> = {},
): Rig => {
  vi.useFakeTimers({ now: 0 });
  const stop = new AbortController();
  const asked: Asked[] = [];
  const said: string[] = [];
  const answer = (request: WorkerRequest): Promise<Answer> => {
    const kind = request.url.split('/').at(-1) as Kind;
    asked.push({ kind, request, atMs: Date.now() });
    const count = asked.filter((one) => one.kind === kind).length;
    const said = (scripts[kind] ?? DEFAULTS[kind])(request, count);
    return said ? Promise.resolve(said) : untilCut(request);
  };
  const running = runWorker({
    ...{ url: 'https://api.test/dev', token: () => 'key', workspace: 'main', workerId: 'wk-1' },
    ...{ queue: 'default-queue', concurrency: 1, signal: stop.signal, chance: () => 0, post: answer },
    execute: () => Promise.resolve({}),
    onEvent: (text) => void said.push(text),
    ...setting,
  }).then(
    () => ({ endedAtMs: Date.now() }),
    (error: unknown) => ({ error }),
  );
  const ended = async (): Promise<number> => {
    await vi.runAllTimersAsync();
    const outcome = await running;
    vi.useRealTimers();
    if ('error' in outcome) throw outcome.error;
    return outcome.endedAtMs;
  };
  return {
    ...{ asked, said, stop, ended },
    bodies: (kind) => asked.filter((one) => one.kind === kind).map(({ request }) => request.body),
    pass: async (ms) => {
      await vi.advanceTimersByTimeAsync(ms);
    },
  };
};

/** A long poll: an empty answer when its time is over, none when it is cut. */
const untilCut = async ({ body, signal }: WorkerRequest): Promise<Answer> => {
  const { waitMs = 3_600_000 } = body as { readonly waitMs?: number };
  await pauseFor(waitMs, signal);
  return signal?.aborted === true ? { kind: 'again', message: 'was cut off' } : taken({ tasks: [] });
};
