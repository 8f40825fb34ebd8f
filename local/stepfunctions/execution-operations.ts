/** Operations on executions. */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import type { Execution, HistoryEvent } from './execution.ts';
import { uuidFrom } from './jsonata-functions.ts';
import { checkName, machineAt, seconds } from './machine-operations.ts';
import { optionalText, textMember } from './members.ts';
import { pageOf, tokenMember } from './paging.ts';
import { isOverLimit } from './payload.ts';
import type { Machinery } from './run.ts';
import { hasLapsed } from './store.ts';

/** Starts and stops the walking of executions. */
export interface Conductor {
  readonly start: (execution: Execution) => void;
  readonly stop: (
    execution: Execution,
    named: { readonly error?: string | undefined; readonly cause?: string | undefined },
  ) => void;
}

const statuses: ReadonlySet<unknown> = new Set(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']);

const executionAt = (machinery: Machinery, arn: string): Execution => {
  if (!/^arn:[^:]+:states:[^:]*:\d*:execution:[^:]+:[^:]+$/.test(arn))
    throw new AwsError('InvalidArn', `Invalid Arn: '${arn}'`);
  const execution = machinery.store.executions.get(arn);
  if (!execution) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  return execution;
};

const inputText = (input: Json): string => {
  const text = optionalText(input, 'input') ?? '{}';
  if (isOverLimit(text))
    throw validation(
      "Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144",
    );
  try {
    JSON.parse(text);
  } catch {
    throw new AwsError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: '${text.slice(0, 200)}'`,
    );
  }
  return text;
};

const startExecution = (machinery: Machinery, conductor: Conductor, input: Json): Json => {
  const { setting, store } = machinery;
  const machine = machineAt(machinery, textMember(input, 'stateMachineArn'));
  const name = optionalText(input, 'name') ?? uuidFrom(setting.chance);
  checkName(name);
  const text = inputText(input);
  const arn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
  const nowMs = setting.clock.nowMs();
  const known = store.executions.get(arn);
  if (known && !hasLapsed(known, nowMs)) {
    if (known.status === 'RUNNING' && known.inputText === text)
      return { executionArn: arn, startDate: seconds(known.startedAtMs) };
    throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
  }
  const execution: Execution = {
    arn,
    name,
    machineArn: machine.arn,
    revisionId: machine.current.id,
    inputText: text,
    startedAtMs: nowMs,
    number: store.nextNumber(),
    status: 'RUNNING',
    closing: undefined,
    events: [started(nowMs, text, machine.current.roleArn)],
    strands: new Map(),
  };
  store.addExecution(execution);
  conductor.start(execution);
  return { executionArn: arn, startDate: seconds(nowMs) };
};

const started = (atMs: number, input: string, roleArn: string): HistoryEvent => ({
  id: 1,
  previousEventId: 0,
  atMs,
  type: 'ExecutionStarted',
  details: { input, inputDetails: { truncated: false }, roleArn },
});

const stopExecution = (machinery: Machinery, conductor: Conductor, input: Json): Json => {
  const execution = executionAt(machinery, textMember(input, 'executionArn'));
  conductor.stop(execution, { error: optionalText(input, 'error'), cause: optionalText(input, 'cause') });
  return { stopDate: seconds(execution.closing?.atMs ?? machinery.setting.clock.nowMs()) };
};

const describeExecution = (machinery: Machinery, input: Json): Json => {
  const execution = executionAt(machinery, textMember(input, 'executionArn'));
  const { closing } = execution;
  return {
    ...summaryOf(execution),
    input: execution.inputText,
    inputDetails: { included: true },
    redriveCount: 0,
    redriveStatus: 'NOT_REDRIVABLE',
    redriveStatusReason: 'redrive is not supported',
    ...(closing?.outputText === undefined
      ? {}
      : { output: closing.outputText, outputDetails: { included: true } }),
    ...(closing?.error === undefined ? {} : { error: closing.error }),
    ...(closing?.cause === undefined ? {} : { cause: closing.cause }),
  };
};

const summaryOf = (execution: Execution): Json => ({
  executionArn: execution.arn,
  stateMachineArn: execution.machineArn,
  name: execution.name,
  status: execution.status,
  startDate: seconds(execution.startedAtMs),
  ...(execution.closing === undefined ? {} : { stopDate: seconds(execution.closing.atMs) }),
});

const listExecutions = (machinery: Machinery, input: Json): Json => {
  const machine = machineAt(machinery, textMember(input, 'stateMachineArn'));
  const status = optionalText(input, 'statusFilter');
  if (status !== undefined && !statuses.has(status))
    throw validation(`Value '${status}' at 'statusFilter' is not a status`);
  const list = [...machinery.store.executions.values()]
    .filter(
      (execution) =>
        execution.machineArn === machine.arn && (status === undefined || execution.status === status),
    )
    .sort((one, other) => other.number - one.number);
  const page = pageOf(input, list, { key: ({ number }) => number, isFalling: true, usual: 100, most: 1_000 });
  return { executions: page.entries.map(summaryOf), ...tokenMember(page) };
};

const getExecutionHistory = (machinery: Machinery, input: Json): Json => {
  const { events } = executionAt(machinery, textMember(input, 'executionArn'));
  const isFalling = input['reverseOrder'] === true;
  const list = isFalling ? [...events].reverse() : events;
  const page = pageOf(input, list, { key: ({ id }) => id, isFalling, usual: 100, most: 1_000 });
  const hasData = input['includeExecutionData'] !== false;
  return { events: page.entries.map((event) => eventOnWire(event, hasData)), ...tokenMember(page) };
};

const dataMembers: ReadonlySet<string> = new Set(['input', 'inputDetails', 'output', 'outputDetails']);

const eventOnWire = ({ atMs, type, details, ...event }: HistoryEvent, hasData: boolean): Json => {
  const shown =
    details === undefined || hasData
      ? details
      : Object.fromEntries(Object.entries(details).filter(([member]) => !dataMembers.has(member)));
  return {
    ...event,
    timestamp: seconds(atMs),
    type,
    ...(shown === undefined ? {} : { [detailsMember(type)]: shown }),
  };
};

const detailsMember = (type: string): string => {
  if (type.endsWith('StateEntered')) return 'stateEnteredEventDetails';
  if (type.endsWith('StateExited')) return 'stateExitedEventDetails';
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}EventDetails`;
};

/** Start, stop, describe, list and history. */
export const executionOperations = (
  machinery: Machinery,
  conductor: Conductor,
): Readonly<Record<string, Operation>> => ({
  StartExecution: (input) => startExecution(machinery, conductor, input),
  StopExecution: (input) => stopExecution(machinery, conductor, input),
  DescribeExecution: (input) => describeExecution(machinery, input),
  ListExecutions: (input) => listExecutions(machinery, input),
  GetExecutionHistory: (input) => getExecutionHistory(machinery, input),
});
