import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { StateError } from '#local/stepfunctions/state-error.ts';
import { executionArn, startAtMs, startBench } from './states-bench.ts';
import type { StatesBench } from './states-bench.ts';

const dayMs = 24 * 3_600_000;
const invoke = 'arn:aws:states:::lambda:invoke';

const refusal = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no refusal',
    (thrown: unknown) => (thrown as { code: string }).code,
  );

/** An approval gate: asks, reminds each day in a branch of its own, expires after seven days. */
const gate: Json = {
  Gate: {
    Type: 'Parallel',
    Branches: [
      {
        StartAt: 'Ask',
        States: {
          Ask: {
            Type: 'Task',
            Resource: `${invoke}.waitForTaskToken`,
            Arguments: { Payload: { kind: 'ask', token: '{% $states.context.Task.Token %}' } },
            TimeoutSeconds: 7 * 24 * 3_600,
            HeartbeatSeconds: 3 * 24 * 3_600,
            Catch: [
              { ErrorEquals: ['States.HeartbeatTimeout'], Next: 'Over', Output: 'abandoned' },
              { ErrorEquals: ['States.Timeout'], Next: 'Over', Output: 'expired' },
              { ErrorEquals: ['Refused'], Next: 'Over', Output: '{% $states.errorOutput.Cause %}' },
            ],
            Next: 'Over',
          },
          Over: { Type: 'Fail', Error: 'Over', Cause: '{% $string($states.input) %}' },
        },
      },
      {
        StartAt: 'Day',
        States: {
          Day: { Type: 'Wait', Seconds: 24 * 3_600, Next: 'Remind' },
          Remind: { Type: 'Task', Resource: invoke, Arguments: { Payload: { kind: 'remind' } }, Next: 'Day' },
        },
      },
    ],
    Catch: [{ ErrorEquals: ['Over'], Next: 'Told', Output: '{% $states.errorOutput.Cause %}' }],
    End: true,
  },
  Told: { Type: 'Succeed' },
};

interface Asked {
  readonly bench: StatesBench;
  readonly token: () => string;
  readonly kinds: readonly string[];
}

const ask = async (definition: Json = gate): Promise<Asked> => {
  let token = '';
  const kinds: string[] = [];
  const bench = startBench({
    runTask: (resource, given) => {
      const { Payload: payload } = given as { Payload: { kind: string; token?: string } };
      expect(resource).toBe(invoke);
      kinds.push(payload.kind);
      token = payload.token ?? token;
      return Promise.resolve({ StatusCode: 200 });
    },
  });
  await bench.start(definition);
  return { bench, token: () => token, kinds };
};

const daysUntilEnd = async (bench: StatesBench): Promise<number> => {
  const { stopDate } = await bench.call('DescribeExecution', { executionArn });
  return ((stopDate as number) * 1_000 - startAtMs) / dayMs;
};

describe('a seven-day approval', () => {
  it('is abandoned after three silent days, reminded twice', async () => {
    const { bench, kinds } = await ask();
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: 'abandoned' });
    expect(await daysUntilEnd(bench)).toBe(3);
    expect(kinds).toEqual(['ask', 'remind', 'remind']);
    expect(bench.clock.pendingCount()).toBe(0);
  });

  it('expires after seven days however often it beats, also over restarts', async () => {
    const { bench, token, kinds } = await ask();
    for (let day = 1; day <= 6; day += 1) {
      await bench.advance(dayMs);
      await bench.call('SendTaskHeartbeat', { taskToken: token() });
      bench.crash();
    }
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: 'expired' });
    expect(await daysUntilEnd(bench)).toBe(7);
    expect(kinds.filter((kind) => kind === 'ask')).toHaveLength(1);
  });

  it('is late when the heartbeat comes at the instant it is due, and in time just before', async () => {
    const late = await ask();
    await late.bench.advance(3 * dayMs);
    expect(await refusal(late.bench.call('SendTaskHeartbeat', { taskToken: late.token() }))).toBe(
      'TaskTimedOut',
    );

    const timely = await ask();
    await timely.bench.advance(3 * dayMs - 1);
    await timely.bench.call('SendTaskHeartbeat', { taskToken: timely.token() });
    await timely.bench.advance(3 * dayMs - 1);
    expect(await timely.bench.describe()).toEqual({ status: 'RUNNING' });
    await timely.bench.advance(1);
    expect(await timely.bench.describe()).toEqual({ status: 'SUCCEEDED', output: 'abandoned' });
  });

  it('takes the first answer, from a worker that learned the token days ago', async () => {
    const { bench, token } = await ask();
    await bench.advance(2 * dayMs);
    const taskToken = token();
    await bench.call('SendTaskSuccess', { taskToken, output: '"approved"' });
    expect(await refusal(bench.call('SendTaskFailure', { taskToken, error: 'Refused' }))).toBe(
      'TaskTimedOut',
    );
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: 'approved' });
  });

  it('fails as the worker says', async () => {
    const { bench, token } = await ask();
    await bench.call('SendTaskFailure', { taskToken: token(), error: 'Refused', cause: 'too risky' });
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: 'too risky' });
  });
});

describe('tokens', () => {
  const simple: Json = {
    Ask: {
      Type: 'Task',
      Resource: `${invoke}.waitForTaskToken`,
      Arguments: { Payload: { kind: 'ask', token: '{% $states.context.Task.Token %}' } },
      Output: {
        result: '{% $states.result %}',
        isSame: '{% $states.context.Task.Token = $states.context.Task.Token %}',
      },
      End: true,
    },
  };

  it('tells the history of a token in the names of AWS', async () => {
    const { bench, token } = await ask(simple);
    await bench.call('SendTaskSuccess', { taskToken: token(), output: '{"a":1}' });
    expect((await bench.finish()).output).toEqual({ result: { a: 1 }, isSame: true });
    expect(await bench.eventTypes()).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('fails the state when the call that hands the token out fails', async () => {
    const bench = startBench({ runTask: () => Promise.reject(new StateError('Lambda.Down', 'x')) });
    await bench.start(simple);
    expect(await bench.finish()).toEqual({ status: 'FAILED', error: 'Lambda.Down', cause: 'x' });
    expect(await bench.eventTypes()).toContain('TaskSubmitFailed');
  });

  it('names heartbeat expiry States.Timeout in the outcome', async () => {
    const { bench } = await ask({ Ask: { ...(simple['Ask'] as Json), HeartbeatSeconds: 5 } });
    expect(await bench.finish()).toEqual({ status: 'FAILED', error: 'States.Timeout' });
  });

  it('refuses tokens it never gave, tokens that are none, and output that is no JSON or too large', async () => {
    const { bench, token } = await ask(simple);
    const send = (taskToken: string, output: string): Promise<unknown> =>
      bench.call('SendTaskSuccess', { taskToken, output });
    expect(await refusal(send('AAAA', '1'))).toBe('TaskTimedOut');
    expect(await refusal(send('not a token', '1'))).toBe('InvalidToken');
    expect(await refusal(send(token(), '{'))).toBe('InvalidOutput');
    expect(await refusal(send(token(), `"${'x'.repeat(262_143)}"`))).toBe('ValidationException');
    await send(token(), `"${'x'.repeat(200_000)}"`);
    expect(await refusal(send(token(), '1'))).toBe('TaskTimedOut');
  });

  it('forgets the token of an execution that was stopped', async () => {
    const { bench, token } = await ask(simple);
    await bench.call('StopExecution', { executionArn });
    expect(await refusal(bench.call('SendTaskHeartbeat', { taskToken: token() }))).toBe('TaskTimedOut');
  });

  it('ignores an answer to an attempt that was retried, whose token is another', async () => {
    const state = {
      ...(simple['Ask'] as Json),
      TimeoutSeconds: 10,
      Retry: [{ ErrorEquals: ['States.Timeout'] }],
    };
    const { bench, token } = await ask({ Ask: state });
    const first = token();
    await bench.advance(11_000);
    expect(token()).not.toBe(first);
    expect(await refusal(bench.call('SendTaskSuccess', { taskToken: first, output: '1' }))).toBe(
      'TaskTimedOut',
    );
    await bench.call('SendTaskSuccess', { taskToken: token(), output: '2' });
    expect(await bench.finish()).toMatchObject({ status: 'SUCCEEDED', output: { result: 2 } });
  });
});
