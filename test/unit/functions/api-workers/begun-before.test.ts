import { describe, expect, it } from 'vitest';
import type { Tail } from '#domain/ports/ledger.ts';
import { begunBefore } from '#functions/api-workers/begun-before.ts';
import { beat, claim, planOf, START_MS, succeed, triggered, worker } from '#test/support/run-fixtures.ts';

/** A run whose worker began `m.b` with its report on `m.a`, and has beaten so many times since. */
const runWith = (beats: number) => {
  const report = succeed('m.a');
  if (report.type !== 'CompleteTask') throw new Error('a completion expected');
  const next = { workerId: worker('wk-1'), queue: 'default-queue', maxTasks: 1 };
  const story = triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] })).after(claim('m.a'), { ...report, next });
  for (let count = 1; count <= beats; count++)
    story.at(START_MS + count * 60_000).after(beat('m.b', { progressPct: count % 100 }));
  return story;
};

/** A ledger with each event of the story in a commit of its own, the trigger and the report excepted. */
const ledgerOf = (story: ReturnType<typeof runWith>) => {
  const looks: (number | undefined)[] = [];
  const commits = story
    .history()
    .map((event) => ({ sequence: event.sequence, events: [event] }))
    .reduce<{ readonly sequence: number; readonly events: ReturnType<typeof story.history> }[]>(
      (all, commit) => {
        const last = all.at(-1);
        const isSame =
          last?.events[0]?.type === 'TaskCompleted' && commit.events[0]?.type !== 'TaskHeartbeatRecorded';
        return last && isSame
          ? [...all.slice(0, -1), { ...last, events: [...last.events, ...commit.events] }]
          : [...all, commit];
      },
      [],
    );
  const tail = (_stream: string, limit: number, before?: number): Promise<Tail> => {
    looks.push(before);
    const older = commits.filter(({ sequence }) => before === undefined || sequence < before).reverse();
    const page = older.slice(0, limit);
    return Promise.resolve({
      commits: page,
      states: [],
      isWhole: page.length === older.length,
    } as unknown as Tail);
  };
  return { looks, ledger: { tail } as unknown as Parameters<typeof begunBefore>[0] };
};

const look = async (beats: number, workerId = 'wk-1') => {
  const story = runWith(beats);
  const { looks, ledger } = ledgerOf(story);
  const given = {
    report: { taskKey: 'm.a', attempt: 1 },
    worker: { run: story.state(), workerId: worker(workerId) },
  };
  const begun = await begunBefore(ledger, 'run#acme/prod/x', given);
  return [begun.map(({ taskKey }) => taskKey), looks.length];
};

describe('what was begun with a report whose answer was lost', () => {
  it('is found at one look as a rule', async () => {
    expect(await look(0)).toEqual([['m.b'], 1]);
  });

  it('is looked for page by page, and given up behind the last look', async () => {
    expect(await look(60)).toEqual([['m.b'], 2]);
    expect(await look(499)).toEqual([['m.b'], 10]);
    expect(await look(500)).toEqual([[], 10]);
  });

  it('is not looked for when the worker has nothing in hand', async () => {
    expect(await look(0, 'wk-2')).toEqual([[], 0]);
  });
});
