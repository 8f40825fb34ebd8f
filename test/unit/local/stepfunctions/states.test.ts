import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { StateError } from '#local/stepfunctions/state-error.ts';
import { executionArn, startAtMs, startBench } from './states-bench.ts';
import type { Ending } from './states-bench.ts';

const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:work';

const run = async (definition: Json, input?: unknown, runTask?: () => Promise<unknown>): Promise<Ending> => {
  const bench = startBench(runTask ? { runTask } : {});
  await bench.start(definition, input);
  return bench.finish();
};

/** The output of one Pass state with this expression. */
const value = async (expression: string, input?: unknown): Promise<Ending> =>
  run({ A: { Type: 'Pass', Output: `{% ${expression} %}`, End: true } }, input);

describe('data', () => {
  it('passes input through, assigns variables and evaluates output with the values before the assignment', async () => {
    const ending = await run(
      {
        A: { Type: 'Pass', Assign: { count: '{% $states.input.n + 1 %}' }, Next: 'B' },
        B: {
          Type: 'Pass',
          Assign: { count: '{% $count + 1 %}' },
          Output: { seen: '{% $count %}' },
          Next: 'C',
        },
        C: { Type: 'Succeed', Output: { now: '{% $count %}', before: '{% $states.input.seen %}' } },
      },
      { n: 1 },
    );
    expect(ending).toEqual({ status: 'SUCCEEDED', output: { now: 3, before: 2 } });
  });

  it('shows the execution, the state and the machine in the context', async () => {
    const ending = await value(
      '[$states.context.Execution.Id, $states.context.Execution.StartTime, $states.context.State.Name, $states.context.StateMachine.Name]',
    );
    expect(ending.output).toEqual([executionArn, '2026-01-01T00:00:00.000Z', 'A', 'machine']);
  });

  it.each([
    ['$partition([1,2,3,4,5], 2)', [[1, 2], [3, 4], [5]]],
    ['$range(0, 10, 5)', [0, 5, 10]],
    ['$range(3, 1, -1)', [3, 2, 1]],
    ['$range(7, 7, 1)', 7],
    ['$hash("a", "SHA-256")', 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
    ['$hash("a", "MD5")', '0cc175b9c0f1b6a831c399e269772661'],
    ['$parse(\'{"a":[1]}\')', { a: [1] }],
    ['$random()', 0.5],
    ['$random(7) = $random(7)', true],
    ['$uuid()', '88888888-8888-4888-8888-888888888888'],
    ['$millis()', startAtMs],
    ['$now()', '2026-01-01T00:00:00.000Z'],
    ['$now("[Y0001]/[M01]")', '2026/01'],
    ['$type($states.input.nothing)', 'null'],
    ['$states.input.list', [1]],
  ])('evaluates %s', async (expression, expected) => {
    expect(await value(expression, { nothing: null, list: [1] })).toEqual({
      status: 'SUCCEEDED',
      output: expected,
    });
  });

  it.each([
    '$states.input.absent',
    '$partition([1], 0)',
    '$range(1, 2)',
    '$hash("a", "sha1")',
    '$',
    'absent',
  ])('fails a state whose expression %s returns nothing', async (expression) => {
    const ending = await value(expression);
    expect(ending).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
    expect(ending.cause).toContain(
      "An error occurred while executing the state 'A' (entered at the event id #2).",
    );
    expect(ending.cause).toContain("specified for the field 'Output' returned nothing (undefined).");
  });

  it.each(['$parse("{")', '$map', '$error("no")', '1 + "a"'])(
    'fails a state whose expression %s throws',
    async (expression) => {
      expect(await value(expression)).toMatchObject({
        status: 'FAILED',
        error: 'States.QueryEvaluationError',
      });
    },
  );

  it('ends an expression that recurses too deeply', async () => {
    expect(await value('($f := function($n){ 1 + $f($n + 1) }; $f(0))')).toMatchObject({
      error: 'States.QueryEvaluationError',
    });
  });
});

describe('choices and waits', () => {
  const choice = {
    Pick: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input.n > 10 %}', Next: 'Big', Output: 'big', Assign: { size: 2 } },
        { Condition: '{% $states.input.n > 5 %}', Next: 'Big', Assign: { size: 1 } },
      ],
      Default: 'Small',
      Assign: { size: 0 },
    },
    Big: { Type: 'Pass', Output: { size: '{% $size %}', given: '{% $states.input %}' }, End: true },
    Small: { Type: 'Pass', Output: { size: '{% $size %}', given: '{% $states.input %}' }, End: true },
  };

  it.each([
    [11, { size: 2, given: 'big' }],
    [10, { size: 1, given: { n: 10 } }],
    [5, { size: 0, given: { n: 5 } }],
  ])('takes the first true rule for %i', async (n, output) => {
    expect(await run(choice, { n })).toEqual({ status: 'SUCCEEDED', output });
  });

  it('fails when nothing matches and there is no default', async () => {
    const rules = [{ Condition: '{% false %}', Next: 'End' }];
    expect(await run({ Pick: { Type: 'Choice', Choices: rules }, End: { Type: 'Succeed' } })).toMatchObject({
      status: 'FAILED',
      error: 'States.NoChoiceMatched',
    });
  });

  it.each([
    [{ Seconds: 90 }, 90_000],
    [{ Seconds: '{% $states.input.s %}' }, 7_000],
    [{ Timestamp: '2026-01-01T01:00:00Z' }, 3_600_000],
    [{ Timestamp: '{% $fromMillis($millis() + 1500) %}' }, 1_500],
    [{ Timestamp: '2025-01-01T00:00:00Z' }, 0],
  ])('waits exactly as %j says', async (how, ms) => {
    const bench = startBench();
    await bench.start({ A: { Type: 'Wait', ...how, End: true } }, { s: 7 });
    await bench.finish();
    const { stopDate } = await bench.call('DescribeExecution', { executionArn });
    expect(stopDate).toBe((startAtMs + ms) / 1_000);
  });

  it.each([{ Seconds: '{% 1.5 %}' }, { Seconds: '{% -1 %}' }, { Timestamp: 'tomorrow' }])(
    'fails a wait of %j',
    async (how) => {
      expect(await run({ A: { Type: 'Wait', ...how, End: true } })).toMatchObject({
        error: 'States.QueryEvaluationError',
      });
    },
  );

  it('fails with the names of a Fail state', async () => {
    const states = { A: { Type: 'Fail', Error: '{% "My" & "Error" %}', Cause: 'because' } };
    expect(await run(states)).toEqual({ status: 'FAILED', error: 'MyError', cause: 'because' });
  });
});

describe('retry and catch', () => {
  const task = (more: Json): Json => ({
    A: { Type: 'Task', Resource: functionArn, End: true, ...more },
    ...('Catch' in more ? { Caught: { Type: 'Succeed' } } : {}),
  });
  const failing =
    (error: string, cause = 'why') =>
    (): Promise<unknown> =>
      Promise.reject(new StateError(error, cause));
  const catching = (...names: readonly string[]): Json => ({
    Catch: [{ ErrorEquals: names, Next: 'Caught', Output: '{% $states.errorOutput %}' }],
  });

  it.each([
    ['Custom', 'Custom', true],
    ['Custom', 'Other', false],
    ['Custom', 'States.ALL', true],
    ['Custom', 'States.TaskFailed', true],
    ['States.Timeout', 'States.TaskFailed', false],
    ['States.Timeout', 'States.ALL', true],
    ['States.DataLimitExceeded', 'States.ALL', false],
    ['States.DataLimitExceeded', 'States.TaskFailed', false],
    ['States.DataLimitExceeded', 'States.DataLimitExceeded', true],
    ['States.Runtime', 'States.ALL', false],
    ['States.Runtime', 'States.Runtime', false],
  ])('error %s is caught by %s: %s', async (error, name, isCaught) => {
    const ending = await run(task(catching(name)), {}, failing(error));
    if (isCaught) expect(ending).toEqual({ status: 'SUCCEEDED', output: { Error: error, Cause: 'why' } });
    else expect(ending).toEqual({ status: 'FAILED', error, cause: 'why' });
  });

  it('does not let States.TaskFailed catch what no task failed with', async () => {
    const states = task({ ...catching('States.TaskFailed'), Arguments: '{% $absent %}' });
    expect(await run(states)).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });

  it('names a thrown error by its code, else by its name', async () => {
    const coded = Object.assign(new Error('no'), { code: 'ConditionalCheckFailedException' });
    expect(await run(task({}), {}, () => Promise.reject(coded))).toMatchObject({
      error: 'ConditionalCheckFailedException',
      cause: 'no',
    });
    expect(await run(task({}), {}, () => Promise.reject(new TypeError('no')))).toMatchObject({
      error: 'TypeError',
    });
  });

  const instantsOf = async (retrier: Json, chance = (): number => 0.5): Promise<readonly number[]> => {
    const instants: number[] = [];
    const bench = startBench({
      chance,
      runTask: () => {
        instants.push((bench.clock.nowMs() - startAtMs) / 1_000);
        return Promise.reject(new StateError('E'));
      },
    });
    await bench.start(task({ Retry: [{ ErrorEquals: ['States.ALL'], ...retrier }] }));
    expect(await bench.finish()).toEqual({ status: 'FAILED', error: 'E' });
    return instants;
  };

  it.each([
    [{}, [0, 1, 3, 7]],
    [{ IntervalSeconds: 3, BackoffRate: 1.5, MaxAttempts: 2 }, [0, 3, 7.5]],
    [{ IntervalSeconds: 10, MaxDelaySeconds: 15, MaxAttempts: 3 }, [0, 10, 25, 40]],
    [{ MaxAttempts: 0 }, [0]],
    [{ IntervalSeconds: 4, JitterStrategy: 'FULL', MaxAttempts: 2 }, [0, 2, 6]],
  ])('retries at the exact instants of %j', async (retrier, expected) => {
    expect(await instantsOf(retrier)).toEqual(expected);
  });

  it('counts each retrier for itself, shows the count, then catches', async () => {
    const errors = ['A', 'B', 'A', 'B', 'B'];
    const counts: unknown[] = [];
    const bench = startBench({
      runTask: (_resource, given) => {
        counts.push(given);
        return Promise.reject(new StateError(errors[counts.length - 1] ?? 'A'));
      },
    });
    await bench.start(
      task({
        Arguments: '{% $states.context.State.RetryCount %}',
        Retry: [
          { ErrorEquals: ['A'], MaxAttempts: 2 },
          { ErrorEquals: ['B'], MaxAttempts: 2 },
        ],
        ...catching('States.ALL'),
      }),
    );
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: { Error: 'B' } });
    expect(counts).toEqual([0, 1, 2, 3, 4]);
  });

  it('times a task out and ignores its late answer', async () => {
    let answer: (value: unknown) => void = () => undefined;
    let isAborted = false;
    const bench = startBench({
      runTask: (_resource, _given, { signal }) => {
        signal.addEventListener('abort', () => (isAborted = true));
        return new Promise((resolve) => (answer = resolve));
      },
    });
    await bench.start(task({ TimeoutSeconds: 10, ...catching('States.Timeout') }));
    await bench.advance(9_999);
    expect(await bench.describe()).toEqual({ status: 'RUNNING' });
    await bench.advance(1);
    answer('late');
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: { Error: 'States.Timeout' } });
    expect(isAborted).toBe(true);
    expect(await bench.eventTypes()).toContain('LambdaFunctionTimedOut');
  });

  it('ends an uncaught task timeout as FAILED, and the machine timeout as TIMED_OUT', async () => {
    const never = (): Promise<unknown> => new Promise(() => undefined);
    expect(await run(task({ TimeoutSeconds: 1 }), {}, never)).toEqual({
      status: 'FAILED',
      error: 'States.Timeout',
    });
    const states = { A: { Type: 'Task', Resource: functionArn, End: true } };
    expect(await run({ TimeoutSeconds: 60, States: states }, {}, never)).toEqual({ status: 'TIMED_OUT' });
  });

  it('limits a result to 256 KB', async () => {
    const text = (length: number) => (): Promise<unknown> => Promise.resolve('x'.repeat(length - 2));
    expect(await run(task({}), {}, text(262_144))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await run(task(catching('States.ALL')), {}, text(262_145))).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
    });
    const grown = { A: { Type: 'Pass', Output: '{% $pad("", 262143, "x") %}', End: true } };
    expect(await run(grown)).toMatchObject({ error: 'States.DataLimitExceeded' });
  });

  it('fails an execution whose history is full', async () => {
    const bench = startBench();
    await bench.start({ A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } });
    const ending = await bench.finish();
    const { events } = await bench.call('GetExecutionHistory', {
      executionArn,
      reverseOrder: true,
      maxResults: 1,
    });
    expect(ending).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(events).toMatchObject([{ type: 'ExecutionFailed' }]);
    expect((events as readonly { id: number }[])[0]?.id).toBeLessThanOrEqual(25_000);
  });
});

describe('parallel and map', () => {
  const branch = (state: Json): Json => ({ StartAt: Object.keys(state)[0], States: state });

  it('runs branches with variables of their own and joins their outputs in order', async () => {
    const ending = await run({
      Set: { Type: 'Pass', Assign: { x: 1 }, Next: 'Both' },
      Both: {
        Type: 'Parallel',
        Arguments: { given: '{% $x %}' },
        Branches: [
          branch({
            Slow: { Type: 'Wait', Seconds: 5, Assign: { x: 2 }, Next: 'Show' },
            Show: { Type: 'Pass', Output: '{% $x + $states.input.given %}', End: true },
          }),
          branch({ Quick: { Type: 'Pass', Output: '{% $x %}', End: true } }),
        ],
        Output: { all: '{% $states.result %}', x: '{% $x %}' },
        End: true,
      },
    });
    expect(ending.output).toEqual({ all: [3, 1], x: 1 });
  });

  it('ends the other branches at the first failure, which the state catches', async () => {
    const bench = startBench();
    await bench.start({
      Both: {
        Type: 'Parallel',
        Branches: [
          branch({ Long: { Type: 'Wait', Seconds: 1000, End: true } }),
          branch({
            Short: { Type: 'Wait', Seconds: 1, Next: 'Bad' },
            Bad: { Type: 'Fail', Error: 'Bad', Cause: 'c' },
          }),
        ],
        Catch: [{ ErrorEquals: ['Bad'], Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Succeed' },
    });
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: { Error: 'Bad', Cause: 'c' } });
    expect(bench.clock.nowMs()).toBe(startAtMs + 1_000);
    expect(bench.clock.pendingCount()).toBe(0);
    expect(await bench.eventTypes()).toEqual([
      'ExecutionStarted',
      'ParallelStateEntered',
      'ParallelStateStarted',
      'WaitStateEntered',
      'WaitStateEntered',
      'WaitStateExited',
      'FailStateEntered',
      'WaitStateAborted',
      'ParallelStateFailed',
      'ParallelStateExited',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('retries a Parallel from its entry', async () => {
    let calls = 0;
    const ending = await run(
      {
        Both: {
          Type: 'Parallel',
          Branches: [branch({ Try: { Type: 'Task', Resource: functionArn, End: true } })],
          Retry: [{ ErrorEquals: ['States.TaskFailed'], MaxAttempts: 2 }],
          End: true,
        },
      },
      {},
      () => (++calls < 3 ? Promise.reject(new StateError('E')) : Promise.resolve(calls)),
    );
    expect(ending.output).toEqual([3]);
  });

  const mapping = (more: Json, state: Json = { Type: 'Task', Resource: functionArn, End: true }): Json => ({
    Each: {
      Type: 'Map',
      Items: '{% $states.input.items %}',
      ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, ...branch({ One: state }) },
      End: true,
      ...more,
    },
  });

  it.each([
    [1, 1],
    [3, 3],
    [0, 40],
    [undefined, 40],
  ])('runs at most MaxConcurrency (%s) iterations at once and keeps their order', async (limit, expected) => {
    let running = 0;
    let most = 0;
    const bench = startBench({
      runTask: async (_resource, given) => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => void bench.clock.at(bench.clock.nowMs() + 10, resolve));
        running -= 1;
        return given;
      },
    });
    const items = Array.from({ length: 50 }, (_, index) => index);
    await bench.start(mapping(limit === undefined ? {} : { MaxConcurrency: limit }), { items });
    expect((await bench.finish()).output).toEqual(items);
    expect(most).toBe(expected);
  });

  it('selects the input of an iteration from the item and its index', async () => {
    const selector = {
      at: '{% $states.context.Map.Item.Index %}',
      v: '{% $states.context.Map.Item.Value %}',
    };
    const ending = await run(mapping({ ItemSelector: selector }, { Type: 'Pass', End: true }), {
      items: ['a', 'b'],
    });
    expect(ending.output).toEqual([
      { at: 0, v: 'a' },
      { at: 1, v: 'b' },
    ]);
  });

  it.each([
    [{}, 'E'],
    [{ ToleratedFailureCount: 1 }, 'States.ExceedToleratedFailureThreshold'],
    [{ ToleratedFailureCount: 2 }, undefined],
    [{ ToleratedFailurePercentage: 49 }, 'States.ExceedToleratedFailureThreshold'],
    [{ ToleratedFailurePercentage: 50 }, undefined],
  ])('with %j two failures of four end as %s', async (more, error) => {
    const bench = startBench({
      runTask: (_resource, given) =>
        given === 1 ? Promise.reject(new StateError('E')) : Promise.resolve(given),
    });
    await bench.start(mapping(more), { items: [0, 1, 1, 3] });
    const ending = await bench.finish();
    if (error === undefined) expect(ending.output).toEqual([0, null, null, 3]);
    else expect(ending).toMatchObject({ status: 'FAILED', error });
  });

  it('maps nothing to nothing and refuses what is no list', async () => {
    expect((await run(mapping({}), { items: [] })).output).toEqual([]);
    expect(await run(mapping({}), { items: 'abc' })).toMatchObject({ error: 'States.QueryEvaluationError' });
  });
});
