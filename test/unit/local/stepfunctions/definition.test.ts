import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { checkDefinition } from '#local/stepfunctions/definition.ts';
import { machine } from './states-bench.ts';

const lambda = 'arn:aws:lambda:us-east-1:000000000000:function:work';
const waiting = 'arn:aws:states:::lambda:invoke.waitForTaskToken';
const pass: Json = { Type: 'Pass', End: true };
const task: Json = { Type: 'Task', Resource: lambda, End: true };

const faults = (definition: Json): readonly string[] =>
  checkDefinition(machine(definition)).map(({ path, problem }) => `${path} ${problem}`);

it('accepts a definition that uses every state type and field', () => {
  const inner = { StartAt: 'Inner', States: { Inner: { Type: 'Succeed', Output: '{% 1 %}' } } };
  const processor = {
    ProcessorConfig: { Mode: 'INLINE' },
    StartAt: 'Item',
    States: { Item: { Type: 'Pass', End: true } },
  };
  expect(
    faults({
      Comment: 'all of it',
      Version: '1.0',
      TimeoutSeconds: 60,
      States: {
        Ask: {
          Type: 'Task',
          Comment: 'asks',
          QueryLanguage: 'JSONata',
          Resource: waiting,
          Arguments: { Payload: { token: '{% $states.context.Task.Token %}' } },
          TimeoutSeconds: '{% 5 %}',
          HeartbeatSeconds: 2,
          Retry: [
            {
              ErrorEquals: ['A', 'States.Timeout'],
              IntervalSeconds: 1,
              MaxAttempts: 0,
              BackoffRate: 1.5,
              MaxDelaySeconds: 9,
              JitterStrategy: 'FULL',
            },
            { ErrorEquals: ['States.ALL'] },
          ],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Wait', Assign: { a: 1 }, Output: '{% 1 %}' }],
          Assign: { b: '{% 2 %}' },
          Output: '{% $states.result %}',
          Next: 'Pick',
        },
        Pick: {
          Type: 'Choice',
          Choices: [{ Condition: '{% true %}', Next: 'Each', Assign: { c: 1 }, Output: 2, Comment: 'x' }],
          Default: 'Wait',
        },
        Wait: { Type: 'Wait', Timestamp: '{% $now() %}', Next: 'Both' },
        Both: { Type: 'Parallel', Branches: [inner], Arguments: {}, Next: 'Bad' },
        Bad: { Type: 'Fail', Error: 'E', Cause: '{% "c" %}' },
        Each: {
          Type: 'Map',
          Items: [1, '{% 2 %}'],
          ItemSelector: { a: '{% 1 %}' },
          ItemProcessor: processor,
          MaxConcurrency: '{% 1 %}',
          ToleratedFailureCount: 1,
          ToleratedFailurePercentage: 10,
          End: true,
        },
      },
    }),
  ).toEqual([]);
});

it('refuses a definition that is not JSON or not an object', () => {
  expect(checkDefinition('{')).toMatchObject([
    { path: '', problem: expect.stringContaining('not valid JSON') as string },
  ]);
  expect(checkDefinition('[]')).toEqual([{ path: '', problem: 'must be an object' }]);
});

it.each([undefined, 'JSONPath'])('refuses the query language %s', (QueryLanguage) => {
  const text = JSON.stringify({ StartAt: 'A', States: { A: pass }, QueryLanguage });
  expect(checkDefinition(text)).toEqual([
    { path: '/QueryLanguage', problem: 'must be JSONata; JSONPath, the default, is not supported' },
  ]);
});

describe('fields', () => {
  it.each([
    'InputPath',
    'OutputPath',
    'ResultPath',
    'Parameters',
    'ResultSelector',
    'Result',
    'ItemsPath',
    'SecondsPath',
    'TimestampPath',
    'TimeoutSecondsPath',
    'ErrorPath',
    'Variable',
  ])('names %s as a JSONPath field', (field) => {
    expect(faults({ A: { ...task, [field]: '$.x' } })).toEqual([
      `/States/A/${field} ${field} is a JSONPath field; only JSONata is supported`,
    ]);
  });

  it.each([
    'StringEquals',
    'NumericLessThan',
    'BooleanEquals',
    'TimestampEquals',
    'IsPresent',
    'And',
    'Or',
    'Not',
  ])('names the comparison %s as JSONPath', (field) => {
    const rule = { Condition: '{% true %}', Next: 'B', [field]: 1 };
    expect(faults({ A: { Type: 'Choice', Choices: [rule] }, B: pass })).toEqual([
      `/States/A/Choices/0/${field} ${field} is a JSONPath field; only JSONata is supported`,
    ]);
  });

  it.each(['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label', 'Iterator', 'Credentials', 'Surprise'])(
    'refuses %s by name',
    (field) => {
      const processor = { StartAt: 'One', States: { One: pass } };
      const [fault] = faults({ A: { Type: 'Map', ItemProcessor: processor, End: true, [field]: {} } });
      expect(fault).toMatch(new RegExp(`^/States/A/${field} .*(not supported|not a field here)$`));
    },
  );

  it.each([
    [{ ...pass, Seconds: 1 }, '/States/A/Seconds Seconds is not a field here'],
    [{ Type: 'Succeed', Next: 'A' }, '/States/A/Next Next is not a field here'],
    [{ Type: 'Wait', End: true }, '/States/A needs exactly one of Seconds and Timestamp'],
    [
      { Type: 'Wait', Seconds: 1, Timestamp: 'x', End: true },
      '/States/A needs exactly one of Seconds and Timestamp',
    ],
    [
      { Type: 'Wait', Seconds: 1.5, End: true },
      '/States/A/Seconds must be a whole number of at least 0 or an expression',
    ],
    [{ Type: 'Pass' }, '/States/A needs Next or End'],
    [{ Type: 'Pass', Next: 'A', End: true }, '/States/A has both Next and End'],
    [{ Type: 'Pass', End: false }, '/States/A/End must be true when present'],
    [{ Type: 'Sleep' }, '/States/A/Type Sleep is not a state type'],
    [{}, '/States/A/Type is missing'],
    [{ Type: 'Pass', Next: 'Z' }, '/States/A/Next there is no state named Z'],
    [{ Type: 'Choice', Default: 'Z' }, '/States/A/Choices is missing'],
    [{ ...task, Resource: 'work' }, '/States/A/Resource must be the ARN of a function or an integration'],
    [
      { ...task, Resource: 'arn:aws:states:::ecs:runTask.sync' },
      '/States/A/Resource waiting for a job to complete (.sync) is not supported',
    ],
    [
      { ...task, Resource: 'arn:aws:states:us-east-1:0:activity:a' },
      '/States/A/Resource activities are not supported',
    ],
    [{ ...task, HeartbeatSeconds: 1 }, '/States/A/HeartbeatSeconds needs a resource with .waitForTaskToken'],
    [
      { ...task, TimeoutSeconds: 0 },
      '/States/A/TimeoutSeconds must be a whole number of at least 1 or an expression',
    ],
    [
      { ...task, QueryLanguage: 'JSONPath' },
      '/States/A/QueryLanguage must be JSONata; JSONPath is not supported',
    ],
    [{ ...pass, Output: '{% 1 + %}' }, /^\/States\/A\/Output the JSONata expression does not parse/],
    [
      { ...pass, Output: { a: ['{% $eval("1") %}'] } },
      '/States/A/Output/a/0 $eval is not available; use $parse',
    ],
    [{ ...pass, Output: '{% 1' }, '/States/A/Output an expression that starts with {% must end with %}'],
    [
      { ...pass, Output: { 'a.$': '$.b' } },
      '/States/A/Output/a.$ a.$ is a JSONPath template key; only JSONata is supported',
    ],
    [{ ...pass, Assign: { states: 1 } }, '/States/A/Assign/states states is a reserved variable name'],
    [{ ...pass, Assign: '{% 1 %}' }, '/States/A/Assign must be an object'],
    [{ ...task, Retry: [] }, '/States/A/Retry must be a list with at least one entry'],
    [
      { ...task, Retry: [{ ErrorEquals: ['A'], BackoffRate: 0.5 }] },
      '/States/A/Retry/0/BackoffRate must be a number of at least 1',
    ],
    [
      { ...task, Retry: [{ ErrorEquals: ['A'], JitterStrategy: 'HALF' }] },
      '/States/A/Retry/0/JitterStrategy must be FULL or NONE',
    ],
    [
      { ...task, Retry: [{ ErrorEquals: ['States.ALL', 'A'] }] },
      '/States/A/Retry/0/ErrorEquals States.ALL must stand alone and in the last entry',
    ],
    [{ ...task, Catch: [{ ErrorEquals: ['A'] }] }, '/States/A/Catch/0/Next is missing'],
    [
      { ...task, Catch: [{ ErrorEquals: ['A'], Next: 'Z' }] },
      '/States/A/Catch/0/Next there is no state named Z',
    ],
    [
      { ...task, Catch: [{ ErrorEquals: ['A'], Next: 'A', ResultPath: '$' }] },
      '/States/A/Catch/0/ResultPath ResultPath is a JSONPath field; only JSONata is supported',
    ],
    [
      { Type: 'Parallel', Branches: [], End: true },
      '/States/A/Branches must be a list with at least one entry',
    ],
    [{ Type: 'Map', End: true }, '/States/A/ItemProcessor must be an object'],
    [
      {
        Type: 'Map',
        End: true,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: 'B',
          States: { B: pass },
        },
      },
      '/States/A/ItemProcessor/ProcessorConfig/Mode DISTRIBUTED maps are not supported',
    ],
    [
      {
        Type: 'Parallel',
        End: true,
        Branches: [{ StartAt: 'B', States: { B: { ...pass, InputPath: '$' } } }],
      },
      '/States/A/Branches/0/States/B/InputPath InputPath is a JSONPath field; only JSONata is supported',
    ],
    [
      { Type: 'Parallel', End: true, Branches: [{ StartAt: 'A', States: { A: pass } }] },
      '/States/A/Branches/0/States/A the state name is used twice in this definition',
    ],
  ] as readonly (readonly [Json, string | RegExp])[])('refuses %j', (state, fault) => {
    const found = faults({ A: state });
    if (typeof fault === 'string') expect(found).toContain(fault);
    else expect(found).toContainEqual(expect.stringMatching(fault));
  });
});

describe('the graph', () => {
  it('names a state nothing leads to, a missing start and an unknown start', () => {
    expect(faults({ A: pass, B: pass })).toEqual(['/States/B no transition leads to this state']);
    expect(faults({ StartAt: 'Z', States: { A: pass } })).toEqual(['/StartAt there is no state named Z']);
    expect(faults({ StartAt: undefined, States: { A: pass } })).toEqual(['/StartAt is missing']);
  });

  it('limits a state name to 80 characters', () => {
    expect(faults({ ['x'.repeat(80)]: pass })).toEqual([]);
    expect(faults({ ['x'.repeat(81)]: pass })).toHaveLength(1);
  });

  it('reports all faults at once', () => {
    expect(
      faults({ TimeoutSeconds: 0, States: { A: { Type: 'Pass', Next: 'Z', ResultPath: '$' } } }),
    ).toHaveLength(3);
  });
});
