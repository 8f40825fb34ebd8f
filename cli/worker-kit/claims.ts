/** Tasks claimed over HTTP. */
import { randomUUID } from 'node:crypto';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import type { AttemptPorts } from '#cli/worker-kit/attempt.ts';
import { untilAnswered } from '#cli/worker-kit/repeat.ts';
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

type Claiming = ClaimSetting & AttemptPorts & { readonly url: string; readonly workspace: string };

/** Claims, each repeated under its key until it is answered: its tasks are ours although their answer was lost. */
export const claims =
  (setting: Claiming): TaskSource =>
  async (maxTasks) => {
    const { url, workspace, workerId, queue, onEvent, chance } = setting;
    const signal = setting.shutdown.work;
    // Without a wait an idle worker would ask without a pause.
    const waitMs = Math.min(
      Math.max(setting.claimWaitMs ?? CLAIM_WAIT_MS, CLAIM_WAIT_MIN_MS),
      runLimits.claimWaitMsMax,
    );
    const request = {
      url: `${url}/v1/workspaces/${encodeURIComponent(workspace)}/workers/claim`,
      body: { workerId, queue, maxTasks: Math.min(maxTasks, runLimits.claimTasksMax), waitMs },
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
    // The claim was the start.
    return tasks.map((task) => ({ task, settle: () => Promise.resolve() }));
  };
