/** Operations on state machines. */
import { createHash } from 'node:crypto';
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import { checkDefinition } from './definition.ts';
import { optionalText, textMember } from './members.ts';
import { pageOf, tokenMember } from './paging.ts';
import type { Machinery } from './run.ts';
import type { Machine, Revision, Tag } from './store.ts';

const nameMax = 80;
/** Characters AWS forbids in names: white space, brackets, wildcards, specials and control characters. */
const forbidden = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]/;

/** Refuses a name of a machine or execution that AWS would refuse. */
export const checkName = (name: string): void => {
  if (name.length < 1 || name.length > nameMax || forbidden.test(name))
    throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
};

/** Seconds with fraction, the form of instants on this wire. */
export const seconds = (atMs: number): number => atMs / 1_000;

/** The machine an ARN names. */
export const machineAt = (machinery: Machinery, arn: string): Machine => {
  if (!/^arn:[^:]+:states:[^:]*:\d*:stateMachine:[^:]+$/.test(arn))
    throw new AwsError('InvalidArn', `Invalid Arn: '${arn}'`);
  const machine = machinery.store.machines.get(arn);
  if (!machine) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  return machine;
};

const settingMembers = ['loggingConfiguration', 'tracingConfiguration', 'encryptionConfiguration'] as const;

const settingsOf = (input: Json, before: Json = {}): Json => ({
  ...before,
  ...Object.fromEntries(
    settingMembers.flatMap((member) => (input[member] === undefined ? [] : [[member, input[member]]])),
  ),
});

const tagsOf = (value: unknown): readonly Tag[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw validation('tags must be a list');
  return (value as readonly Json[]).map((tag) => ({
    key: textMember(tag, 'key'),
    value: textMember(tag, 'value'),
  }));
};

const validDefinition = (definition: string): string => {
  const problems = checkDefinition(definition);
  if (problems.length > 0) {
    const list = problems.map(({ path, problem }) => `${path === '' ? '/' : path} ${problem}`).join('; ');
    throw new AwsError('InvalidDefinition', `Invalid State Machine Definition: ${list}`);
  }
  return definition;
};

/** A revision is named by its content, in the form of a UUID. */
const revisionOf = (machineArn: string, definition: string, roleArn: string): Revision => {
  const digest = createHash('sha256')
    .update(JSON.stringify([machineArn, definition, roleArn]))
    .digest('hex');
  const id = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  return { id, definition, roleArn };
};

const refuseVersions = (input: Json): void => {
  if (input['publish'] === true || input['versionDescription'] !== undefined)
    throw validation('versions of state machines are not supported');
};

const createStateMachine = (machinery: Machinery, input: Json): Json => {
  const { setting, store } = machinery;
  const name = textMember(input, 'name');
  checkName(name);
  refuseVersions(input);
  if ((input['type'] ?? 'STANDARD') !== 'STANDARD')
    throw new AwsError(
      'StateMachineTypeNotSupported',
      `only STANDARD machines are supported, not ${String(input['type'])}`,
    );
  const definition = validDefinition(textMember(input, 'definition'));
  const roleArn = textMember(input, 'roleArn');
  const arn = `arn:aws:states:${setting.region}:${setting.accountId}:stateMachine:${name}`;
  const known = store.machines.get(arn);
  if (known && (known.current.definition !== definition || known.current.roleArn !== roleArn))
    throw new AwsError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
  const nowMs = setting.clock.nowMs();
  if (!known) {
    store.saveMachine({
      arn,
      name,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      current: revisionOf(arn, definition, roleArn),
      tags: tagsOf(input['tags']),
      settings: settingsOf(input),
    });
  }
  return { stateMachineArn: arn, creationDate: seconds(known?.createdAtMs ?? nowMs) };
};

const updateStateMachine = (machinery: Machinery, input: Json): Json => {
  const { setting, store } = machinery;
  const machine = machineAt(machinery, textMember(input, 'stateMachineArn'));
  refuseVersions(input);
  const definition = optionalText(input, 'definition');
  const roleArn = optionalText(input, 'roleArn');
  const settings = settingsOf(input, machine.settings);
  if (definition === undefined && roleArn === undefined && !settingMembers.some((member) => member in input))
    throw new AwsError(
      'MissingRequiredParameter',
      'Either the definition, the role ARN or a configuration must be specified',
    );
  const current = revisionOf(
    machine.arn,
    definition === undefined ? machine.current.definition : validDefinition(definition),
    roleArn ?? machine.current.roleArn,
  );
  const updatedAtMs = setting.clock.nowMs();
  store.saveMachine({ ...machine, current, settings, updatedAtMs });
  return { updateDate: seconds(updatedAtMs), revisionId: current.id };
};

const describe = (machine: Machine, revision: Revision): Json => ({
  stateMachineArn: machine.arn,
  name: machine.name,
  definition: revision.definition,
  roleArn: revision.roleArn,
  revisionId: revision.id,
  loggingConfiguration: { level: 'OFF', includeExecutionData: false },
  tracingConfiguration: { enabled: false },
  ...machine.settings,
});

const listStateMachines = ({ store }: Machinery, input: Json): Json => {
  const machines = [...store.machines.values()]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((machine, index) => ({ machine, place: index + 1 }));
  const page = pageOf(input, machines, { key: ({ place }) => place, usual: 100, most: 1_000 });
  return {
    stateMachines: page.entries.map(({ machine }) => ({
      stateMachineArn: machine.arn,
      name: machine.name,
      type: 'STANDARD',
      creationDate: seconds(machine.createdAtMs),
    })),
    ...tokenMember(page),
  };
};

const validateDefinition = (input: Json): Json => {
  const problems = checkDefinition(textMember(input, 'definition'));
  return {
    result: problems.length === 0 ? 'OK' : 'FAIL',
    diagnostics: problems.map(({ path, problem }) => ({
      severity: 'ERROR',
      code: 'SCHEMA_VALIDATION_FAILED',
      message: problem,
      location: path === '' ? '/' : path,
    })),
    truncated: false,
  };
};

const taggedMachine = (machinery: Machinery, input: Json): Machine => {
  const arn = textMember(input, 'resourceArn');
  const machine = machinery.store.machines.get(arn);
  if (!machine) throw new AwsError('ResourceNotFound', `Resource not found: '${arn}'`);
  return machine;
};

/** Create, update, delete, describe, list, validate and tag; `abandon` ends the executions of a deleted machine. */
export const machineOperations = (
  machinery: Machinery,
  abandon: (machineArn: string) => void,
): Readonly<Record<string, Operation>> => ({
  CreateStateMachine: (input) => createStateMachine(machinery, input),
  UpdateStateMachine: (input) => updateStateMachine(machinery, input),
  DeleteStateMachine: (input) => {
    const arn = textMember(input, 'stateMachineArn');
    if (machinery.store.machines.has(arn)) {
      abandon(arn);
      machinery.store.dropMachine(arn);
    }
    return {};
  },
  DescribeStateMachine: (input) => {
    const machine = machineAt(machinery, textMember(input, 'stateMachineArn'));
    return {
      ...describe(machine, machine.current),
      status: 'ACTIVE',
      type: 'STANDARD',
      creationDate: seconds(machine.createdAtMs),
    };
  },
  DescribeStateMachineForExecution: (input) => {
    const arn = textMember(input, 'executionArn');
    const execution = machinery.store.executions.get(arn);
    if (!execution) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    const machine = machineAt(machinery, execution.machineArn);
    return {
      ...describe(machine, machinery.store.revision(execution.revisionId)),
      updateDate: seconds(machine.updatedAtMs),
    };
  },
  ListStateMachines: (input) => listStateMachines(machinery, input),
  ValidateStateMachineDefinition: validateDefinition,
  TagResource: (input) => {
    const machine = taggedMachine(machinery, input);
    const added = tagsOf(input['tags']);
    const kept = machine.tags.filter(({ key }) => !added.some((tag) => tag.key === key));
    machinery.store.saveMachine({ ...machine, tags: [...kept, ...added] });
    return {};
  },
  ListTagsForResource: (input) => ({ tags: taggedMachine(machinery, input).tags }),
});
