/** Tasks claimed over HTTP. */
import { randomUUID } from 'node:crypto';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { reportBody } from '#cli/worker-kit/attempt.ts';
import type { AttemptPorts } from '#cli/worker-kit/attempt.ts';
import { untilAnswered } from '#cli/worker-kit/repeat.ts';
import { messageOf } from '#cli/worker-kit/request.ts';
import type { Answer } from '#cli/worker-kit/request.ts';
import type { TaskSource } from '#cli/worker-kit/source.ts';

export interface ClaimSetting {
  /** The token or API key of each claim; tasks bring their own. */
  readonly token: () => string;
  readonly queue: string;
  /** How long a claim waits for work to come, 500 to 20,000; default 5,000. It is also what an idle worker takes to end. */
  readonly claimWaitMs?: number;
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
/** What an answer may take beyond the wait that was asked for. */
const CLAIM_SLACK_MS = 15_000;

type Claiming = ClaimSetting &
  AttemptPorts & {
    readonly url: string;
    readonly workspace: string;
    /** Nothing more is claimed from here on. */
    readonly signal: AbortSignal;
  };

/**
 * Claims, each repeated under its key until it is answered: its tasks are ours although their answer was lost. A report
 * goes with the claim of what comes next, which saves a request per task, and in a chain the offers of all but the first.
 */
export const claims = (setting: Claiming): TaskSource => ({
  take: async (maxTasks) => {
    // Without a wait an idle worker would ask without a pause.
    const waitMs = Math.min(
      Math.max(setting.claimWaitMs ?? CLAIM_WAIT_MS, CLAIM_WAIT_MIN_MS),
      runLimits.claimWaitMsMax,
    );
    const { answer, tasks } = await claim(setting, {
      wish: { maxTasks: Math.min(maxTasks, runLimits.claimTasksMax), waitMs },
      signal: setting.shutdown.work,
    });
    // A key somebody else used, against all odds: the next claim has another.
    if (answer.kind === 'faulty' || (answer.kind === 'unwanted' && answer.code !== 'idempotency_key_reused'))
      throw new ClaimRefused(answer.code, `the claim was refused: ${answer.message}`);
    return tasks.map((task) => ({ task }));
  },
  finish: async (task, completion) => {
    const { url, workerId, signal, shutdown, onEvent } = setting;
    // Whoever ends takes nothing more, and a token goes to nobody but the API it came from.
    if (signal.aborted || task.callbackBaseUrl !== url) return undefined;
    const report = reportBody(task, workerId, completion);
    const completed = { taskId: task.taskId, taskToken: task.taskToken, report };
    try {
      const { answer, tasks } = await claim(setting, {
        wish: { maxTasks: 1, waitMs: 0, completed },
        signal: shutdown.reports,
        read: notLater(),
      });
      return answer.kind === 'taken' ? tasks.map((next) => ({ task: next })) : undefined;
    } catch (error) {
      // The API's token may be gone by now; the callback asks for that of the task alone.
      onEvent(`claim failed: ${messageOf(error)}`);
      return undefined;
    }
  },
});

/**
 * Claims may be told to come later; the callback of a report is taken at any time, and need not wait. Behind a try whose
 * answer was lost it has to: tasks may have been begun with it, and only the same claim hands them out again.
 */
const notLater = (): ((answer: Answer) => Answer) => {
  let isPerhapsTaken = false;
  return (answer) => {
    if (answer.kind !== 'again') return answer;
    const { code = 'no_answer', message } = answer;
    if (code === 'rate_limited' && !isPerhapsTaken) return { kind: 'unwanted', code, message };
    isPerhapsTaken ||= code !== 'rate_limited';
    return answer;
  };
};

interface Wish {
  readonly wish: { readonly maxTasks: number; readonly waitMs: number; readonly completed?: object };
  readonly signal: AbortSignal;
  /** What an answer means to this claim; by default what it says. */
  readonly read?: (answer: Answer) => Answer;
}

const claim = async (setting: Claiming, { wish, signal, read = (answer) => answer }: Wish) => {
  const { url, workspace, workerId, queue, onEvent, chance } = setting;
  const request = {
    url: `${url}/v1/workspaces/${encodeURIComponent(workspace)}/workers/claim`,
    body: { workerId, queue, ...wish },
    idempotencyKey: randomUUID(),
    timeoutMs: wish.waitMs + CLAIM_SLACK_MS,
    signal,
  };
  let tasks: readonly DispatchEnvelope[] = [];
  const ask = async (): Promise<Answer> => {
    const answer = read(await setting.post({ ...request, token: setting.token() }));
    if (answer.kind !== 'taken') return answer;
    const claimed = ClaimResponse.safeParse(answer.body);
    if (!claimed.success) return { kind: 'again', message: 'the answer is not what the contract says' };
    tasks = claimed.data.tasks;
    return answer;
  };
  const onAgain = (message: string): void => onEvent(`claim failed: ${message}`);
  const answer = await untilAnswered(ask, { onAgain, signal, chance });
  return { answer, tasks };
};
