/** Workers that are slow, die without a word, contradict themselves, and report late, twice and in any order. */
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { ReportedOutcome } from '#contracts/runs/callbacks.ts';
import { inMain, insistOn } from '#test/support/cloud.ts';
import type { Answer, Api } from '#test/support/cloud.ts';
import { callback } from '#test/support/cloud-assets.ts';
import type { Dice } from '#test/support/run-chance.ts';

/** What the workers of a test have said, by attempt id. */
export interface Said {
  /** Every outcome that was reported, believed or not. */
  readonly outcomes: ReadonlyMap<string, ReadonlySet<ReportedOutcome>>;
  /** Attempts of which an outcome was acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  /** Answers no worker should get, with what was asked. */
  readonly odd: readonly string[];
}

export interface RandomWorkers extends Said {
  /** Claims something, and everyone with work in hand does what it is like them to do. */
  readonly step: () => Promise<void>;
}

const tempers = [
  'prompt',
  'prompt',
  'slow',
  'dead',
  'late',
  'doubled',
  'contradictory',
  'reordered',
] as const;

interface InHand {
  readonly task: DispatchEnvelope;
  readonly workerId: string;
  readonly temper: (typeof tempers)[number];
  /** Steps until it ends. */
  stepsLeft: number;
}

type Act = () => Promise<unknown>;

/** What a worker may be answered for a report: taken, refused for its attempt's sake, or gone. */
const FAIR: readonly number[] = [200, 409, 410];

/** Workers of the default queue. */
export const randomWorkers = (api: Api, dice: Dice): RandomWorkers => {
  const outcomes = new Map<string, Set<ReportedOutcome>>();
  const acknowledged = new Set<string>();
  const odd: string[] = [];
  const past: InHand[] = [];
  let inHand: readonly InHand[] = [];
  let claims = 0;

  const say = async (
    { task, workerId }: InHand,
    kind: 'started' | 'heartbeat' | 'completed',
    more: object = {},
  ): Promise<Answer> => {
    const answer = await insistOn(() => callback(api, kind, task, { workerId, ...more }));
    if (!FAIR.includes(answer.status))
      odd.push(`${kind} of ${task.taskKey} ${task.attempt}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  };

  const end = async (hand: InHand, outcome: ReportedOutcome = outcomeBy(dice)): Promise<void> => {
    const { attemptId } = hand.task;
    outcomes.set(attemptId, (outcomes.get(attemptId) ?? new Set()).add(outcome));
    const error = { category: dice.pick(['INFRASTRUCTURE', 'USER_CODE']), message: 'it broke' };
    const said = { outcome, ...(outcome === 'FAILED' ? { error } : {}) };
    const answer = dice.happens(0.4) ? await sayClaiming(hand, said) : await say(hand, 'completed', said);
    if (answer.status === 200) acknowledged.add(attemptId);
  };

  /** Reports with a claim; it may be asked twice, as by whoever lost the answer. */
  const sayClaiming = async ({ task, workerId }: InHand, said: object): Promise<Answer> => {
    const { taskId, taskToken, attempt, attemptId } = task;
    const completed = { taskId, taskToken, report: { attempt, attemptId, workerId, ...said } };
    const body = { workerId, maxTasks: 1 + dice.below(2), completed };
    const headers = { 'idempotency-key': `claim-${claims++}` };
    const ask = (): Promise<Answer> =>
      insistOn(() => api.ask('POST', inMain('/workers/claim'), { body, headers }));
    const first = await ask();
    const answer = dice.happens(0.2) ? await ask() : first;
    if (answer.status === 200) take(workerId, answer);
    else if (!FAIR.includes(answer.status))
      odd.push(`claim after ${task.taskKey} ${attempt}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  };

  const take = (workerId: string, { body }: Answer): void => {
    const taken = ClaimResponse.parse(body).tasks.map((task): InHand => {
      const temper = dice.pick(tempers);
      return { task, workerId, temper, stepsLeft: stepsOf(temper, dice) };
    });
    inHand = [...inHand, ...taken];
  };

  const ending = (hand: InHand): readonly Act[] => {
    const outcome = outcomeBy(dice);
    const once: Act = () => end(hand, outcome);
    switch (hand.temper) {
      case 'dead':
        return [];
      case 'doubled':
        return [once, once];
      case 'contradictory':
        return [() => end(hand, 'SUCCEEDED'), () => end(hand, 'FAILED')];
      case 'reordered':
        return [once, () => say(hand, 'heartbeat', { progressPct: 50 }), () => say(hand, 'started')];
      case 'prompt':
      case 'slow':
      case 'late':
        return [once];
    }
  };

  const actsOf = (hand: InHand): readonly Act[] => {
    if (hand.stepsLeft-- > 0)
      return hand.temper === 'slow' ? [() => say(hand, 'heartbeat', { progressPct: dice.below(100) })] : [];
    past.push(hand);
    return ending(hand);
  };

  const claim = async (): Promise<void> => {
    const workerId = dice.pick(['w0', 'w1', 'w2']);
    const body = { workerId, maxTasks: 1 + dice.below(4) };
    // A worker that died takes no answer again: without a key, what was lost with it is only offered anew.
    const headers = dice.happens(0.7) ? { 'idempotency-key': `claim-${claims++}` } : {};
    take(workerId, await insistOn(() => api.ask('POST', inMain('/workers/claim'), { body, headers })));
  };

  return {
    ...{ outcomes, acknowledged, odd },
    step: async () => {
      await claim();
      const now = inHand;
      const stale = past.length > 0 && dice.happens(0.3) ? [dice.pick(past)] : [];
      const acts = [
        ...now.flatMap(actsOf),
        ...stale.flatMap((hand) => [
          () => end(hand),
          () => say(dice.happens(0.5) ? hand : { ...hand, workerId: 'stranger' }, 'started'),
        ]),
      ];
      inHand = now.filter(({ stepsLeft }) => stepsLeft >= 0);
      if (dice.happens(0.5)) await Promise.all(dice.shuffled(acts).map((act) => act()));
      else for (const act of dice.shuffled(acts)) await act();
    },
  };
};

const stepsOf = (temper: InHand['temper'], dice: Dice): number => {
  if (temper === 'slow') return 1 + dice.below(4);
  return temper === 'late' ? 4 + dice.below(8) : 0;
};

const outcomeBy = (dice: Dice): ReportedOutcome =>
  dice.pick(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'FAILED', 'FAILED', 'CANCELLED']);
