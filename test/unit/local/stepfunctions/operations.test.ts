import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { executionArn, machine, machineArn, startAtMs, startBench } from './states-bench.ts';
import type { StatesBench } from './states-bench.ts';

const waiting: Json = { A: { Type: 'Wait', Seconds: 60, End: true } };
const quick: Json = { A: { Type: 'Pass', End: true } };
const roleArn = 'arn:aws:iam::000000000000:role/states';
const dayMs = 24 * 3_600_000;

const refusal = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no refusal',
    (thrown: unknown) => (thrown as { code: string }).code,
  );

const start = (bench: StatesBench, name?: string, input = '{}'): Promise<Json> =>
  bench.call('StartExecution', {
    stateMachineArn: machineArn,
    input,
    ...(name === undefined ? {} : { name }),
  });

describe('machines', () => {
  it('creates, describes, lists, updates and deletes', async () => {
    const bench = startBench();
    const definition = machine(quick);
    const created = await bench.call('CreateStateMachine', { name: 'machine', definition, roleArn });
    expect(created).toEqual({ stateMachineArn: machineArn, creationDate: startAtMs / 1_000 });
    expect(await bench.call('DescribeStateMachine', { stateMachineArn: machineArn })).toMatchObject({
      name: 'machine',
      definition,
      roleArn,
      status: 'ACTIVE',
      type: 'STANDARD',
    });
    await bench.call('UpdateStateMachine', { stateMachineArn: machineArn, definition: machine(waiting) });
    const described = await bench.call('DescribeStateMachine', { stateMachineArn: machineArn });
    expect(described['definition']).toBe(machine(waiting));
    expect(await bench.call('ListStateMachines', {})).toMatchObject({ stateMachines: [{ name: 'machine' }] });
    await bench.call('DeleteStateMachine', { stateMachineArn: machineArn });
    await bench.call('DeleteStateMachine', { stateMachineArn: machineArn });
    expect(await refusal(bench.call('DescribeStateMachine', { stateMachineArn: machineArn }))).toBe(
      'StateMachineDoesNotExist',
    );
  });

  it('creates the same machine twice but refuses another of its name', async () => {
    const bench = startBench();
    const input = { name: 'machine', definition: machine(quick), roleArn };
    expect(await bench.call('CreateStateMachine', input)).toEqual(
      await bench.call('CreateStateMachine', input),
    );
    const other = { ...input, definition: machine(waiting) };
    expect(await refusal(bench.call('CreateStateMachine', other))).toBe('StateMachineAlreadyExists');
  });

  it.each([
    [{ definition: '{}' }, 'InvalidDefinition'],
    [{ type: 'EXPRESS' }, 'StateMachineTypeNotSupported'],
    [{ name: 'a:b' }, 'InvalidName'],
    [{ publish: true }, 'ValidationException'],
    [{ roleArn: undefined }, 'ValidationException'],
  ])('refuses to create with %j', async (more, code) => {
    const input = { name: 'machine', definition: machine(quick), roleArn, ...more };
    expect(await refusal(startBench().call('CreateStateMachine', input))).toBe(code);
  });

  it('validates a definition and names its faults', async () => {
    const bench = startBench();
    const definition = machine({ A: { ...(quick['A'] as Json), InputPath: '$' } });
    expect(await bench.call('ValidateStateMachineDefinition', { definition })).toMatchObject({
      result: 'FAIL',
      diagnostics: [{ severity: 'ERROR', location: '/States/A/InputPath' }],
    });
    expect(await bench.call('ValidateStateMachineDefinition', { definition: machine(quick) })).toMatchObject({
      result: 'OK',
    });
  });

  it('keeps tags', async () => {
    const bench = startBench();
    await bench.start(quick);
    const tag = (key: string, value: string): Json => ({ resourceArn: machineArn, tags: [{ key, value }] });
    await bench.call('TagResource', tag('a', '1'));
    await bench.call('TagResource', tag('b', '2'));
    await bench.call('TagResource', tag('a', '3'));
    bench.crash();
    expect((await bench.call('ListTagsForResource', { resourceArn: machineArn }))['tags']).toEqual([
      { key: 'b', value: '2' },
      { key: 'a', value: '3' },
    ]);
  });

  it('keeps the definition an execution started with when the machine is updated', async () => {
    const bench = startBench();
    await bench.start(waiting);
    const renamed = machine({ Other: { Type: 'Fail', Error: 'New' } });
    await bench.call('UpdateStateMachine', { stateMachineArn: machineArn, definition: renamed });
    bench.crash();
    const seen = await bench.call('DescribeStateMachineForExecution', { executionArn });
    expect(seen['definition']).toBe(machine(waiting));
    expect(await bench.finish()).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('ends the executions of a deleted machine', async () => {
    const bench = startBench();
    await bench.start(waiting);
    await bench.call('DeleteStateMachine', { stateMachineArn: machineArn });
    await bench.settle();
    expect(bench.clock.pendingCount()).toBe(0);
    expect(await refusal(bench.describe())).toBe('ExecutionDoesNotExist');
  });
});

describe('execution names', () => {
  it('answers a repeated start of a running execution, and refuses another input', async () => {
    const bench = startBench();
    await bench.start(waiting);
    await bench.advance(1_000);
    expect(await start(bench, 'one')).toEqual({ executionArn, startDate: startAtMs / 1_000 });
    expect(await refusal(start(bench, 'one', '{"other":1}'))).toBe('ExecutionAlreadyExists');
  });

  it('refuses a closed name for 90 days, also after a restart', async () => {
    const bench = startBench();
    await bench.start(quick);
    await bench.finish();
    expect(await refusal(start(bench, 'one'))).toBe('ExecutionAlreadyExists');
    bench.crash();
    await bench.advance(90 * dayMs - 1);
    expect(await refusal(start(bench, 'one'))).toBe('ExecutionAlreadyExists');
    await bench.advance(1);
    expect(await start(bench, 'one')).toMatchObject({ executionArn });
  });

  it.each(['', 'a:b', 'a b', 'a/b', 'a*', 'a{b}', 'a\u0001', 'x'.repeat(81)])(
    'refuses the name %j',
    async (name) => {
      const bench = startBench();
      await bench.start(quick);
      expect(await refusal(start(bench, name))).toBe('InvalidName');
    },
  );

  it('takes a name of 80 characters and makes one up when there is none', async () => {
    const bench = startBench();
    await bench.start(quick);
    expect(await start(bench, 'é-_.'.repeat(20))).toHaveProperty('executionArn');
    expect((await start(bench))['executionArn']).toMatch(/:machine:[0-9a-f-]{36}$/);
  });

  it('bounds the input at 256 KB and wants JSON', async () => {
    const bench = startBench();
    await bench.start(quick);
    expect(await refusal(start(bench, 'big', `"${'x'.repeat(262_143)}"`))).toBe('ValidationException');
    expect(await start(bench, 'fits', `"${'x'.repeat(262_142)}"`)).toHaveProperty('executionArn');
    expect(await refusal(start(bench, 'bad', '{'))).toBe('InvalidExecutionInput');
  });
});

describe('executions', () => {
  it('stops a running execution for good', async () => {
    const bench = startBench();
    await bench.start(waiting);
    await bench.call('StopExecution', { executionArn, error: 'Enough', cause: 'tired' });
    await bench.advance(120_000);
    expect(await bench.describe()).toEqual({ status: 'ABORTED', error: 'Enough', cause: 'tired' });
    expect((await bench.eventTypes()).at(-1)).toBe('ExecutionAborted');
    bench.crash();
    expect(await bench.finish()).toMatchObject({ status: 'ABORTED' });
  });

  it('lists newest first, by status, in pages', async () => {
    const bench = startBench();
    await bench.start(quick);
    for (const name of ['two', 'three']) await start(bench, name);
    await bench.settle();
    await bench.call('UpdateStateMachine', { stateMachineArn: machineArn, definition: machine(waiting) });
    await start(bench, 'four');
    const names = async (more: Json): Promise<readonly [readonly string[], unknown]> => {
      const answer = await bench.call('ListExecutions', { stateMachineArn: machineArn, ...more });
      const list = answer['executions'] as readonly { name: string }[];
      return [list.map(({ name }) => name), answer['nextToken']];
    };
    expect(await names({})).toEqual([['four', 'three', 'two', 'one'], undefined]);
    expect(await names({ statusFilter: 'RUNNING' })).toEqual([['four'], undefined]);
    const [first, nextToken] = await names({ maxResults: 3 });
    expect(first).toEqual(['four', 'three', 'two']);
    expect(await names({ maxResults: 3, nextToken })).toEqual([['one'], undefined]);
    expect(await refusal(names({ nextToken: 'x' }))).toBe('InvalidToken');
    expect(await refusal(names({ statusFilter: 'DONE' }))).toBe('ValidationException');
    expect(await refusal(names({ maxResults: 1_001 }))).toBe('ValidationException');
  });

  it('gives the history in pages, in either order, with or without data', async () => {
    const bench = startBench();
    await bench.start(quick, { a: 1 });
    await bench.finish();
    const history = (more: Json): Promise<Json> =>
      bench.call('GetExecutionHistory', { executionArn, ...more });
    expect((await history({}))['events']).toEqual([
      {
        id: 1,
        previousEventId: 0,
        timestamp: startAtMs / 1_000,
        type: 'ExecutionStarted',
        executionStartedEventDetails: { input: '{"a":1}', inputDetails: { truncated: false }, roleArn },
      },
      {
        id: 2,
        previousEventId: 0,
        timestamp: startAtMs / 1_000,
        type: 'PassStateEntered',
        stateEnteredEventDetails: { name: 'A', input: '{"a":1}', inputDetails: { truncated: false } },
      },
      {
        id: 3,
        previousEventId: 2,
        timestamp: startAtMs / 1_000,
        type: 'PassStateExited',
        stateExitedEventDetails: { name: 'A', output: '{"a":1}', outputDetails: { truncated: false } },
      },
      {
        id: 4,
        previousEventId: 3,
        timestamp: startAtMs / 1_000,
        type: 'ExecutionSucceeded',
        executionSucceededEventDetails: { output: '{"a":1}', outputDetails: { truncated: false } },
      },
    ]);
    const first = await history({ reverseOrder: true, maxResults: 3 });
    expect((first['events'] as readonly { id: number }[]).map(({ id }) => id)).toEqual([4, 3, 2]);
    const rest = await history({ reverseOrder: true, maxResults: 3, nextToken: first['nextToken'] });
    expect((rest['events'] as readonly { id: number }[]).map(({ id }) => id)).toEqual([1]);
    const bare = await history({ includeExecutionData: false });
    expect(JSON.stringify(bare)).not.toContain('"input"');
    expect((await bench.call('DescribeExecution', { executionArn }))['input']).toBe('{"a":1}');
  });

  it.each([
    ['DescribeExecution', { executionArn: 'nonsense' }, 'InvalidArn'],
    ['DescribeExecution', { executionArn: `${executionArn}x` }, 'ExecutionDoesNotExist'],
    ['DescribeExecution', {}, 'ValidationException'],
    ['StartExecution', { stateMachineArn: `${machineArn}x` }, 'StateMachineDoesNotExist'],
    ['StartExecution', { stateMachineArn: 5 }, 'ValidationException'],
    ['ListTagsForResource', { resourceArn: 'x' }, 'ResourceNotFound'],
    ['UpdateStateMachine', { stateMachineArn: machineArn }, 'MissingRequiredParameter'],
  ])('%s refuses %j', async (operation, input, code) => {
    const bench = startBench();
    await bench.start(quick);
    expect(await refusal(bench.call(operation, input))).toBe(code);
  });
});
