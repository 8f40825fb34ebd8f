/**
 * A worker over HTTP: claims tasks, works on them, and reports how each ended. It needs the API and a token and no AWS
 * credentials. This folder imports `contracts/` and zod alone, so that both folders can be copied together.
 */
import { randomUUID } from 'node:crypto';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { workOn } from '#cli/worker-kit/attempt.ts';
import type { AttemptPorts, Execute } from '#cli/worker-kit/attempt.ts';
import { untilAnswered } from '#cli/worker-kit/repeat.ts';
import { post as postByFetch } from '#cli/worker-kit/request.ts';
import type { Answer, Post } from '#cli/worker-kit/request.ts';
import { shutdownAfter } from '#cli/worker-kit/shutdown.ts';

export interface WorkerSetting {
  /** Root of the API, with the stage and without `/v1`. */
  readonly url: string;
  /** The token or API key of each claim; tasks bring their own. */
  readonly token: () => string;
  readonly workspace: string;
  readonly workerId: string;
  readonly queue: string;
  /** Tasks in work at once, at least 1. */
  readonly concurrency: number;
  readonly execute: Execute;
  /** Ends the worker: nothing more is claimed, and what is in work gets the grace. */
  readonly signal: AbortSignal;
  /** Told in one line what happens. */
  readonly onEvent: (text: string) => void;
  /** How long a claim waits for work to come, 500 to 20,000; default 5,000. It is also what an idle worker takes to end. */
  readonly claimWaitMs?: number;
  /** How long work may go on after the signal; default 30,000. 15 seconds later the worker has ended. */
  readonly graceMs?: number;
  /** How requests are sent; default `fetch`. */
  readonly post?: Post;
  /** Spreads the pauses of many workers; default `Math.random`. */
  readonly chance?: () => number;
}

/** The API wants no claims of this worker: its token, workspace or setting is wrong, and would be again. */
export class ClaimRefused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'ClaimRefused';
    this.code = code;
  }
}

const CLAIM_WAIT_MS = 5_000;
const CLAIM_WAIT_MIN_MS = 500;
const GRACE_MS = 30_000;
/** What an answer may take beyond the wait that was asked for. */
const CLAIM_SLACK_MS = 15_000;

/** Works until the signal; throws `ClaimRefused` when claims are refused. Either way what is in work is ended first. */
export const runWorker = async (setting: WorkerSetting): Promise<void> => {
  const { signal, graceMs = GRACE_MS, post = postByFetch, chance = Math.random } = setting;
  const ports = { ...setting, post, chance, shutdown: shutdownAfter(signal, graceMs) };
  // By attempt: an attempt that is handed out twice is worked on once.
  const working = new Map<string, Promise<void>>();
  try {
    while (!signal.aborted) {
      const free = setting.concurrency - working.size;
      if (free <= 0) await Promise.race(working.values());
      else
        for (const task of await claim(ports, Math.min(free, runLimits.claimTasksMax))) {
          const { attemptId } = task;
          if (working.has(attemptId)) continue;
          working.set(
            attemptId,
            workOn(ports, task).finally(() => working.delete(attemptId)),
          );
        }
    }
  } finally {
    await Promise.all(working.values());
    ports.shutdown.dismiss();
  }
};

/** One claim, repeated under its key until it is answered: its tasks are ours although their answer was lost. */
const claim = async (
  setting: WorkerSetting & AttemptPorts,
  maxTasks: number,
): Promise<readonly DispatchEnvelope[]> => {
  const { url, workspace, workerId, queue, onEvent, chance } = setting;
  const signal = setting.shutdown.work;
  // Without a wait an idle worker would ask without a pause.
  const waitMs = Math.min(
    Math.max(setting.claimWaitMs ?? CLAIM_WAIT_MS, CLAIM_WAIT_MIN_MS),
    runLimits.claimWaitMsMax,
  );
  const request = {
    url: `${url}/v1/workspaces/${encodeURIComponent(workspace)}/workers/claim`,
    body: { workerId, queue, maxTasks, waitMs },
    idempotencyKey: randomUUID(),
    timeoutMs: waitMs + CLAIM_SLACK_MS,
    signal,
  };
  let tasks: readonly DispatchEnvelope[] = [];
  const ask = async (): Promise<Answer> => {
    const answer = await setting.post({ ...request, token: setting.token() });
    if (answer.kind !== 'taken') return answer;
    const claimed = ClaimResponse.safeParse(answer.body);
    if (!claimed.success) return { kind: 'again', message: 'the answer is not what the contract says' };
    tasks = claimed.data.tasks;
    return answer;
  };
  const onAgain = (message: string): void => onEvent(`claim failed: ${message}`);
  const answer = await untilAnswered(ask, { onAgain, signal, chance });
  // A key somebody else used, against all odds: the next claim has another.
  if (answer.kind === 'faulty' || (answer.kind === 'unwanted' && answer.code !== 'idempotency_key_reused'))
    throw new ClaimRefused(answer.code, `the claim was refused: ${answer.message}`);
  return tasks;
};
