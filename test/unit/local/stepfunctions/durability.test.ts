import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import type { RunTask } from '#local/stepfunctions/run.ts';
import { StateError } from '#local/stepfunctions/state-error.ts';
import { executionArn, snapshotAfter, startAtMs, startBench } from './states-bench.ts';
import type { Ending, StatesBench } from './states-bench.ts';

const lambda = 'arn:aws:lambda:us-east-1:000000000000:function:work';
const waiting = 'arn:aws:states:::lambda:invoke.waitForTaskToken';
const graph = (states: Json): Json => ({ StartAt: Object.keys(states)[0], States: states });

const stopDate = async (bench: StatesBench): Promise<unknown> =>
  (await bench.call('DescribeExecution', { executionArn }))['stopDate'];

describe('after a restart', () => {
  it('a wait keeps its instant', async () => {
    const bench = startBench();
    await bench.start({ A: { Type: 'Wait', Seconds: 100, End: true } });
    await bench.advance(60_000);
    bench.crash();
    await bench.finish();
    expect(await stopDate(bench)).toBe(startAtMs / 1_000 + 100);
  });

  it('a wait that ran out while nothing ran ends at once', async () => {
    const bench = startBench();
    await bench.start({ A: { Type: 'Wait', Seconds: 100, End: true } });
    bench.clock.jump(startAtMs + 500_000);
    bench.crash();
    await bench.finish();
    expect(await stopDate(bench)).toBe(startAtMs / 1_000 + 500);
  });

  it('the delay of a retry keeps its instant and the attempts stay counted', async () => {
    const instants: number[] = [];
    const bench = startBench({
      runTask: () => {
        instants.push((bench.clock.nowMs() - startAtMs) / 1_000);
        return Promise.reject(new StateError('E'));
      },
    });
    const retry = { ErrorEquals: ['E'], IntervalSeconds: 10, MaxAttempts: 2 };
    await bench.start({ A: { Type: 'Task', Resource: lambda, Retry: [retry], End: true } });
    await bench.advance(4_000);
    bench.crash();
    await bench.advance(10_000);
    bench.crash();
    expect(await bench.finish()).toEqual({ status: 'FAILED', error: 'E' });
    expect(instants).toEqual([0, 10, 30]);
  });

  it('a call that had not answered is made again with the same arguments, one that had is not', async () => {
    const calls: unknown[] = [];
    let isAnswering = false;
    const bench = startBench({
      runTask: (_resource, given) => {
        calls.push(given);
        return isAnswering ? Promise.resolve('done') : new Promise(() => undefined);
      },
    });
    await bench.start({
      A: { Type: 'Task', Resource: lambda, Arguments: { at: '{% $millis() %}' }, Next: 'B' },
      B: { Type: 'Wait', Seconds: 10, End: true },
    });
    await bench.advance(5_000);
    isAnswering = true;
    bench.crash();
    await bench.advance(1_000);
    bench.crash();
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: 'done' });
    expect(calls).toEqual([{ at: startAtMs }, { at: startAtMs }]);
  });

  it('the timeout of a task counts from its first call', async () => {
    const bench = startBench({ runTask: () => new Promise(() => undefined) });
    await bench.start({ A: { Type: 'Task', Resource: lambda, TimeoutSeconds: 100, End: true } });
    await bench.advance(60_000);
    bench.crash();
    expect(await bench.finish()).toEqual({ status: 'FAILED', error: 'States.Timeout' });
    expect(await stopDate(bench)).toBe(startAtMs / 1_000 + 100);
  });

  it('the timeout of the machine counts from the start', async () => {
    const bench = startBench();
    await bench.start({ TimeoutSeconds: 50, States: { A: { Type: 'Wait', Seconds: 100, End: true } } });
    await bench.advance(20_000);
    bench.crash();
    expect(await bench.finish()).toEqual({ status: 'TIMED_OUT' });
    expect(await stopDate(bench)).toBe(startAtMs / 1_000 + 50);
  });

  it('branches go on where they were: what ended is not run again, tokens stay valid', async () => {
    const calls: unknown[] = [];
    const tokens: string[] = [];
    const bench = startBench({
      runTask: (resource, given) => {
        calls.push(resource === lambda ? given : 'ask');
        if (resource !== lambda) tokens.push((given as { token: string }).token);
        return Promise.resolve(given);
      },
    });
    await bench.start({
      Both: {
        Type: 'Parallel',
        Branches: [
          graph({ Done: { Type: 'Task', Resource: lambda, Arguments: 'done', End: true } }),
          graph({
            Ask: {
              Type: 'Task',
              Resource: waiting,
              Arguments: { token: '{% $states.context.Task.Token %}' },
              End: true,
            },
          }),
          graph({ Later: { Type: 'Wait', Seconds: 30, Output: 'later', End: true } }),
        ],
        End: true,
      },
    });
    bench.crash();
    await bench.advance(10_000);
    bench.crash();
    await bench.call('SendTaskSuccess', { taskToken: tokens[0] ?? '', output: '"yes"' });
    bench.crash();
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: ['done', 'yes', 'later'] });
    expect(calls).toEqual(['done', 'ask']);
    expect(await stopDate(bench)).toBe(startAtMs / 1_000 + 30);
  });

  it('an answered token is not lost when the engine dies before it goes on', async () => {
    let token = '';
    const bench = startBench({
      runTask: (_resource, given) => {
        token = given as string;
        return Promise.resolve(null);
      },
    });
    const given = '{% $states.context.Task.Token %}';
    await bench.start({ Ask: { Type: 'Task', Resource: waiting, Arguments: given, End: true } });
    const answered = bench.call('SendTaskSuccess', { taskToken: token, output: '1' });
    await answered;
    bench.crash(0);
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: 1 });
  });

  it('a token whose hand-out had not been answered is handed out again, the same', async () => {
    const tokens: unknown[] = [];
    const bench = startBench({
      runTask: (_resource, given) => {
        tokens.push(given);
        return new Promise(() => undefined);
      },
    });
    const given = '{% $states.context.Task.Token %}';
    await bench.start({ Ask: { Type: 'Task', Resource: waiting, Arguments: given, End: true } });
    bench.crash();
    await bench.settle();
    expect(tokens).toHaveLength(2);
    expect(tokens[0]).toBe(tokens[1]);
  });

  it('closed executions keep their history', async () => {
    const bench = startBench();
    await bench.start({ A: { Type: 'Pass', Output: 'x', End: true } });
    await bench.finish();
    const before = await bench.eventTypes();
    bench.crash();
    expect(await bench.eventTypes()).toEqual(before);
  });
});

it('refuses an entry it never wrote', () => {
  expect(() => snapshotAfter([['nonsense']], startBench().clock)).toThrow('unknown entry');
});

const failing = (given: { readonly fail?: number; readonly retry?: number }): boolean =>
  (given.fail ?? 0) > (given.retry ?? 0);

/** A machine with each kind of thing that must survive. */
const everything: Json = {
  First: {
    Type: 'Task',
    Resource: lambda,
    Arguments: { value: '{% $states.input.n %}', fail: 1, retry: '{% $states.context.State.RetryCount %}' },
    Retry: [{ ErrorEquals: ['Flaky'], IntervalSeconds: 5 }],
    Assign: { first: '{% $states.result %}' },
    Next: 'Pause',
  },
  Pause: { Type: 'Wait', Seconds: 20, Next: 'Both' },
  Both: {
    Type: 'Parallel',
    Branches: [
      graph({
        Ask: {
          Type: 'Task',
          Resource: waiting,
          Arguments: { token: '{% $states.context.Task.Token %}', value: 'asked' },
          End: true,
        },
      }),
      graph({
        Each: {
          Type: 'Map',
          Items: '{% $states.input.list %}',
          MaxConcurrency: 2,
          ToleratedFailureCount: 1,
          ItemProcessor: graph({
            Work: {
              Type: 'Task',
              Resource: lambda,
              Arguments: {
                value: '{% $states.input * 10 %}',
                fail: '{% $states.input = 2 ? 9 : $states.input = 3 ? 1 : 0 %}',
                retry: '{% $states.context.State.RetryCount %}',
              },
              Retry: [{ ErrorEquals: ['Flaky'], MaxAttempts: 1, IntervalSeconds: 3 }],
              Next: 'Rest',
            },
            Rest: { Type: 'Wait', Seconds: '{% $states.input %}', End: true },
          }),
          End: true,
        },
      }),
    ],
    Arguments: { list: [1, 2, 3, 4] },
    Next: 'Check',
  },
  Check: {
    Type: 'Choice',
    Choices: [{ Condition: '{% $first = 7 %}', Next: 'Bad' }],
    Default: 'Bad',
  },
  Bad: {
    Type: 'Task',
    Resource: lambda,
    Arguments: { fail: 99, all: '{% $states.input %}' },
    Catch: [
      {
        ErrorEquals: ['States.ALL'],
        Output: {
          all: '{% $states.input %}',
          error: '{% $states.errorOutput.Error %}',
          first: '{% $first %}',
        },
        Next: 'End',
      },
    ],
    End: true,
  },
  End: { Type: 'Succeed' },
};

/** Plays the machine, crashing where the choices say so; answers depend on nothing but their arguments. */
const play = async (choices: readonly number[]): Promise<{ ending: Ending; bench: StatesBench }> => {
  const open: string[] = [];
  const runTask: RunTask = async (_resource, input) => {
    const given = input as { value?: unknown; token?: string; fail?: number; retry?: number };
    if (given.token !== undefined) {
      open.push(given.token);
      return null;
    }
    await new Promise<void>((resolve) => void bench.clock.at(bench.clock.nowMs() + 500, resolve));
    if (failing(given)) throw new StateError('Flaky', 'not yet');
    return given.value;
  };
  const bench = startBench({ runTask });
  await bench.start(everything, { n: 7 });
  let step = 0;
  for (let turn = 0; turn < 500; turn += 1) {
    const choice = choices[step++] ?? 1;
    if (choice === 0) bench.crash((turn % 3) / 2);
    await bench.settle();
    if ((await bench.describe()).status !== 'RUNNING') break;
    if (choice === 0 && turn % 2 === 0) continue;
    if (bench.clock.step(Infinity)) continue;
    const taskToken = open.shift();
    if (taskToken !== undefined)
      await bench.call('SendTaskSuccess', { taskToken, output: '"yes"' }).catch(() => undefined);
  }
  return { ending: await bench.describe(), bench };
};

describe('any interleaving of crashes', () => {
  const expected = {
    status: 'SUCCEEDED',
    output: { all: ['yes', [10, null, 30, 40]], error: 'Flaky', first: 7 },
  };

  it('is not needed for the outcome', async () => {
    expect((await play([])).ending).toEqual(expected);
  });

  it('leaves the outcome as it is, and the restored memory equals the lost one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 80 }), async (choices) => {
        const { ending, bench } = await play(choices);
        expect(ending).toEqual(expected);
        expect(snapshotAfter(bench.entries(), bench.clock)).toEqual(bench.snapshot());
        expect(snapshotAfter(bench.snapshot(), bench.clock)).toEqual(bench.snapshot());
      }),
      { numRuns: 60 },
    );
  });
});
