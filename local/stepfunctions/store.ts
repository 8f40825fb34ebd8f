/** Machines and executions in memory, every change of them journaled: the durable half of the engine. */
import type { EngineSetting, Json } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { parseDefinition } from './definition.ts';
import type { MachineDefinition } from './definition.ts';
import { applyChange, loadExecution, storeExecution } from './execution.ts';
import type { Change, Execution, StoredExecution, TaskProgress } from './execution.ts';

/** One version of a machine's definition; executions keep the one they started with. */
export interface Revision {
  readonly id: string;
  readonly definition: string;
  readonly roleArn: string;
}

export interface Machine {
  readonly arn: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly current: Revision;
  readonly tags: readonly Tag[];
  /** Members such as `loggingConfiguration`, given back as they came. */
  readonly settings: Json;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** Where an unanswered task token leads. */
export interface TokenPlace {
  readonly execution: Execution;
  readonly path: string;
  readonly progress: TaskProgress;
}

export interface Store {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly executions: ReadonlyMap<string, Execution>;
  readonly saveMachine: (machine: Machine) => void;
  readonly dropMachine: (arn: string) => void;
  readonly addExecution: (execution: Execution) => void;
  readonly change: (execution: Execution, change: Change) => void;
  readonly revision: (id: string) => Revision;
  readonly definition: (revisionId: string) => MachineDefinition;
  readonly token: (token: string) => TokenPlace | undefined;
  readonly nextNumber: () => number;
  readonly restore: (entry: JournalEntry) => void;
  readonly snapshot: () => Iterable<JournalEntry>;
}

/** How long a closed execution and its name are kept. */
export const retentionMs = 90 * 24 * 3_600_000;

/** Whether the execution closed so long ago that its name is free again. */
export const hasLapsed = (execution: Execution, nowMs: number): boolean =>
  execution.closing !== undefined && execution.closing.atMs + retentionMs <= nowMs;

interface Memory {
  readonly machines: Map<string, Machine>;
  readonly executions: Map<string, Execution>;
  readonly revisions: Map<string, Revision>;
  readonly definitions: Map<string, MachineDefinition>;
  /** Unanswered tokens: execution ARN and strand path. */
  readonly tokens: Map<string, readonly [arn: string, path: string]>;
  number: number;
}

/** A store without machines. */
export const createStore = ({ clock, journal }: Pick<EngineSetting, 'clock' | 'journal'>): Store => {
  const memory: Memory = {
    machines: new Map(),
    executions: new Map(),
    revisions: new Map(),
    definitions: new Map(),
    tokens: new Map(),
    number: 0,
  };
  /** Appends and applies in one act: nothing happens to memory that the journal does not have. */
  const commit = (...entry: JournalEntry): void => {
    journal.append('states', entry);
    applyEntry(memory, entry);
  };
  const revision = (id: string): Revision => {
    const found = memory.revisions.get(id);
    if (!found) throw new Error(`no revision ${id} of any state machine`);
    return found;
  };
  return {
    machines: memory.machines,
    executions: memory.executions,
    saveMachine: (machine) => commit('machine', machine),
    dropMachine: (arn) => commit('machine-dropped', arn),
    addExecution: (execution) => {
      journal.append('states', ['execution', storeExecution(execution)]);
      addExecution(memory, execution);
    },
    change: (execution, change) => {
      journal.append('states', ['change', execution.arn, change]);
      changeExecution(memory, execution, change);
    },
    revision,
    definition: (revisionId) => {
      const known = memory.definitions.get(revisionId);
      if (known) return known;
      const definition = parseDefinition(revision(revisionId).definition);
      memory.definitions.set(revisionId, definition);
      return definition;
    },
    token: (token) => findToken(memory, token),
    nextNumber: () => memory.number + 1,
    restore: (entry) => applyEntry(memory, entry),
    snapshot: () => snapshotOf(memory, clock.nowMs()),
  };
};

/** Entries are our own words, written by `commit` above, so their values are taken as they are. */
const applyEntry = (memory: Memory, entry: JournalEntry): void => {
  const [operation, first, second] = entry;
  switch (operation) {
    case 'machine': {
      const machine = first as Machine;
      memory.machines.set(machine.arn, machine);
      memory.revisions.set(machine.current.id, machine.current);
      return;
    }
    case 'machine-dropped':
      memory.machines.delete(first as string);
      for (const execution of memory.executions.values())
        if (execution.machineArn === first) memory.executions.delete(execution.arn);
      return;
    case 'revision':
      memory.revisions.set((first as Revision).id, first as Revision);
      return;
    case 'execution':
      addExecution(memory, loadExecution(first as StoredExecution));
      return;
    case 'change': {
      const execution = memory.executions.get(first as string);
      if (execution) changeExecution(memory, execution, second as Change);
      return;
    }
    default:
      throw new Error(`the journal holds an unknown entry of the states engine: ${operation}`);
  }
};

const addExecution = (memory: Memory, execution: Execution): void => {
  memory.executions.set(execution.arn, execution);
  memory.number = Math.max(memory.number, execution.number);
  for (const strand of execution.strands.values()) indexToken(memory, execution, strand.path);
};

const changeExecution = (memory: Memory, execution: Execution, change: Change): void => {
  applyChange(execution, change);
  if (change.strand?.progress) indexToken(memory, execution, change.strand.path);
};

const indexToken = (memory: Memory, execution: Execution, path: string): void => {
  const progress = execution.strands.get(path)?.progress;
  if (progress?.kind === 'task' && progress.token !== undefined)
    memory.tokens.set(progress.token, [execution.arn, path]);
  else if (progress?.kind === 'answered' && progress.token !== undefined)
    memory.tokens.delete(progress.token);
};

/** The index may still name a task that has ended in another way; the strand decides. */
const findToken = (memory: Memory, token: string): TokenPlace | undefined => {
  const [arn, path] = memory.tokens.get(token) ?? [];
  const execution = arn === undefined ? undefined : memory.executions.get(arn);
  const progress = path === undefined ? undefined : execution?.strands.get(path)?.progress;
  if (execution && path !== undefined && progress?.kind === 'task' && progress.token === token)
    return { execution, path, progress };
  memory.tokens.delete(token);
  return undefined;
};

const snapshotOf = function* (memory: Memory, nowMs: number): Iterable<JournalEntry> {
  const kept = [...memory.executions.values()].filter((execution) => !hasLapsed(execution, nowMs));
  for (const id of new Set(kept.map((execution) => execution.revisionId))) {
    const revision = memory.revisions.get(id);
    if (revision) yield ['revision', revision];
  }
  for (const machine of memory.machines.values()) yield ['machine', machine];
  for (const execution of kept) yield ['execution', storeExecution(execution)];
};
