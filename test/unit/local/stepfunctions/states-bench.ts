/** A Step Functions engine on a virtual clock whose journal can be cut and restored, as a crash would. */
import { virtualClock } from '#local/kernel/clock.ts';
import type { VirtualClock } from '#local/kernel/clock.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { createStepFunctions } from '#local/stepfunctions/engine.ts';
import type { StepFunctions } from '#local/stepfunctions/engine.ts';
import type { RunTask } from '#local/stepfunctions/run.ts';

export const startAtMs = Date.parse('2026-01-01T00:00:00Z');
export const machineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:machine';
export const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:machine:one';
const roleArn = 'arn:aws:iam::000000000000:role/states';

export interface StatesBench {
  readonly clock: VirtualClock;
  readonly call: (operation: string, input: Json) => Promise<Json>;
  /** Creates `machine` with these states and starts execution `one`. */
  readonly start: (definition: Json, input?: unknown) => Promise<void>;
  /** Runs what can run now without moving the clock. */
  readonly settle: () => Promise<void>;
  /** Moves the clock, timer by timer. */
  readonly advance: (ms: number) => Promise<void>;
  /** Runs to the last timer and describes the execution, its output parsed. */
  readonly finish: () => Promise<Ending>;
  readonly describe: () => Promise<Ending>;
  readonly eventTypes: () => Promise<readonly string[]>;
  /** A fresh engine from what is on disk; `kept` between 0 and 1 says how much of the unflushed tail survived. */
  readonly crash: (kept?: number) => void;
  readonly snapshot: () => readonly JournalEntry[];
  readonly entries: () => readonly JournalEntry[];
}

export interface Ending {
  readonly status: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly cause?: unknown;
}

export const startBench = (
  options: { readonly runTask?: RunTask; readonly chance?: () => number } = {},
): StatesBench => {
  const clock = virtualClock(startAtMs);
  const runTask: RunTask = options.runTask ?? (() => Promise.resolve(null));
  let lines: string[] = [];
  let durableCount = 0;
  let generation = 0;
  const boot = (): StepFunctions => {
    const mine = ++generation;
    return createStepFunctions({
      clock,
      journal: {
        append: (engine, entry) => {
          // A killed engine may still unwind; nothing it says reaches the disk.
          if (mine === generation) lines.push(JSON.stringify([engine, entry]));
        },
        durable: async () => {
          await Promise.resolve();
          if (mine === generation) durableCount = lines.length;
        },
      },
      chance: options.chance ?? (() => 0.5),
      region: 'us-east-1',
      accountId: '000000000000',
      runTask: (resource, given, execution) =>
        mine === generation ? runTask(resource, given, execution) : new Promise(() => undefined),
    });
  };
  let states = boot();
  const entryOf = (line: string): JournalEntry => (JSON.parse(line) as [string, JournalEntry])[1];
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const call = async (operation: string, input: Json): Promise<Json> => {
    const answer = await states.engine.operations[operation]?.(input);
    if (!answer) throw new Error(`no operation ${operation}`);
    durableCount = lines.length;
    return answer;
  };
  const advanceTo = async (limitMs: number): Promise<void> => {
    do await settle();
    while (clock.step(limitMs));
  };
  const describe = async (): Promise<Ending> => {
    const { status, output, error, cause } = await call('DescribeExecution', { executionArn });
    return {
      status,
      ...(typeof output === 'string' ? { output: JSON.parse(output) as unknown } : {}),
      ...(error === undefined ? {} : { error }),
      ...(cause === undefined ? {} : { cause }),
    };
  };
  return {
    clock,
    call,
    settle,
    describe,
    start: async (definition, input = {}) => {
      await call('CreateStateMachine', { name: 'machine', definition: machine(definition), roleArn });
      await call('StartExecution', {
        stateMachineArn: machineArn,
        name: 'one',
        input: JSON.stringify(input),
      });
      await settle();
    },
    advance: async (ms) => {
      const limitMs = clock.nowMs() + ms;
      await advanceTo(limitMs);
      clock.jump(limitMs);
    },
    finish: async () => {
      await advanceTo(Infinity);
      return describe();
    },
    eventTypes: async () => {
      const { events } = await call('GetExecutionHistory', { executionArn, maxResults: 1000 });
      return (events as readonly { type: string }[]).map(({ type }) => type);
    },
    crash: (kept = 1) => {
      const count = durableCount + Math.round((lines.length - durableCount) * kept);
      lines = lines.slice(0, count);
      durableCount = count;
      states = boot();
      for (const line of lines) states.engine.restore(entryOf(line));
      states.resume();
    },
    snapshot: () =>
      [...states.engine.snapshot()].map((entry) => JSON.parse(JSON.stringify(entry)) as JournalEntry),
    entries: () => lines.map(entryOf),
  };
};

/** A definition's text; `QueryLanguage` and the start (the first state) are filled in. */
export const machine = (definition: Json): string => {
  const states = 'States' in definition ? (definition['States'] as Json) : definition;
  const around = 'States' in definition ? definition : { States: definition };
  return JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], ...around });
};

/** Restores entries into an engine of its own and gives its snapshot. */
export const snapshotAfter = (
  entries: readonly JournalEntry[],
  clock: VirtualClock,
): readonly JournalEntry[] => {
  const other = createStepFunctions({
    clock,
    journal: { append: () => undefined, durable: () => Promise.resolve() },
    chance: () => 0.5,
    region: 'us-east-1',
    accountId: '000000000000',
    runTask: () => Promise.resolve(null),
  });
  for (const entry of entries) other.engine.restore(JSON.parse(JSON.stringify(entry)) as JournalEntry);
  return [...other.engine.snapshot()].map((entry) => JSON.parse(JSON.stringify(entry)) as JournalEntry);
};
