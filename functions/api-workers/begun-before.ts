/** Finds what a worker began with a report whose answer was lost. */
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { begunWith } from '#domain/run/next-tasks.ts';
import type { InHand, Worker } from '#domain/run/next-tasks.ts';

/** Commits one look takes, from the newest backwards. */
const COMMITS_PER_LOOK = 50;
/** Whoever lost an answer asks again soon. What lies further back than these looks is found by its heartbeat timeout. */
const LOOKS_MAX = 10;

/** The tasks that were begun in the commit that took the report, as far as the worker still has them. */
export const begunBefore = async (
  ledger: LedgerReader,
  stream: string,
  { report, worker }: { readonly report: InHand; readonly worker: Worker },
): Promise<readonly InHand[]> => {
  if (!hasWork(worker)) return [];
  let before: number | undefined;
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const { commits, isWhole } = await ledger.tail(stream, COMMITS_PER_LOOK, before);
    for (const { events } of commits) {
      const begun = begunWith(events, report, worker);
      if (begun) return begun;
    }
    before = commits.at(-1)?.sequence;
    if (isWhole || before === undefined) return [];
  }
  return [];
};

const hasWork = ({ run, workerId }: Worker): boolean =>
  run.status === 'RUNNING' &&
  run.tasks.some((task) => task.status === 'RUNNING' && task.workerId === workerId);
