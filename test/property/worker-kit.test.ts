/** A worker against a server whose answers are lost, doubled or late: what is handed out is done and reported once. */
import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { pauseMs } from '#cli/worker-kit/repeat.ts';
import type { Answer, WorkerRequest } from '#cli/worker-kit/request.ts';
import { again, startWorker, taken, taskNumber, unwanted } from '#test/support/worker-server.ts';
import type { Script } from '#test/support/worker-server.ts';

afterEach(() => vi.useRealTimers());

/** What becomes of a request: it arrives, it arrives and its answer is lost, or it does not arrive. */
type Fate = 'heard' | 'unheard' | 'lost';
/** At most 18 faults, so that no request is given up after its twenty tries. */
const fates = fc.array(fc.constantFrom<Fate>('heard', 'unheard', 'lost'), { maxLength: 18 });

/** The server's side of claims under keys, and of completions taken once. */
const serverOf = (taskCount: number, plan: readonly Fate[]) => {
  const waiting = Array.from({ length: taskCount }, (_, n) => taskNumber(n + 1));
  const handed = new Map<string, unknown[]>();
  const reported = new Map<string, string>();
  let requests = 0;
  /** Lets fate decide; behind the plan all is heard. */
  const through =
    (take: (request: WorkerRequest) => Answer | undefined): Script =>
    (request) => {
      const fate = plan[requests++] ?? 'heard';
      if (fate === 'lost') return again;
      const answer = take(request);
      return fate === 'unheard' ? again : answer;
    };
  const claim = through(({ idempotencyKey = '', body }) => {
    const before = handed.get(idempotencyKey);
    if (before) return taken({ tasks: before });
    const tasks = waiting.splice(0, (body as { maxTasks: number }).maxTasks);
    if (tasks.length === 0) return undefined;
    handed.set(idempotencyKey, tasks);
    return taken({ tasks });
  });
  const completed = through(({ body }) => {
    const { attemptId } = body as { attemptId: string };
    const said = JSON.stringify(body);
    const before = reported.get(attemptId);
    if (before !== undefined && before !== said) return unwanted('task_already_terminal');
    reported.set(attemptId, said);
    return taken({ acknowledged: true });
  });
  return { scripts: { claim, completed, started: through(() => taken()) }, handed, reported };
};

it('does each attempt once and reports it once, whatever is lost on the way', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 1, max: 12 }),
      fates,
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      async (taskCount, concurrency, plan, ends) => {
        const server = serverOf(taskCount, plan);
        const executed: string[] = [];
        let most = 0;
        let now = 0;
        const rig = startWorker(server.scripts, {
          concurrency,
          execute: async ({ attemptId }) => {
            executed.push(attemptId);
            most = Math.max(most, ++now);
            await new Promise((resolve) => setTimeout(resolve, 1_500));
            now -= 1;
            if (ends[executed.length % ends.length] === true) throw new Error('ill');
            return {};
          },
        });
        await rig.pass(900_000);
        rig.stop.abort();
        await rig.ended();

        const all = Array.from({ length: taskCount }, (_, n) => taskNumber(n + 1).attemptId).sort();
        expect([...executed].sort()).toEqual(all);
        expect([...server.reported.keys()].sort()).toEqual(all);
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(rig.said.filter((text) => text.includes('unheard'))).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});

it('pauses within half of a doubling second and thirty, and no shorter than it is asked to', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 0, max: 100_000 }),
      (tries, chance, afterMs) => {
        const wholeMs = Math.min(1_000 * 2 ** (tries - 1), 30_000);
        const ms = pauseMs(tries, chance, afterMs);
        expect(ms).toBeGreaterThanOrEqual(Math.max(wholeMs / 2, Math.min(afterMs, 60_000)));
        expect(ms).toBeLessThanOrEqual(Math.max(wholeMs, 60_000));
        expect(pauseMs(tries, chance)).toBeLessThanOrEqual(wholeMs);
      },
    ),
  );
});
