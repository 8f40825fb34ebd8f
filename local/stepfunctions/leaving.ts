/** How a state is left: its output and variables evaluated, then the strand moved on or ended in one change. */
import type { State } from './definition.ts';
import type { Strand } from './execution.ts';
import type { Bindings } from './expression.ts';
import { payloadText } from './payload.ts';
import { nextEventId, record, strandAt } from './run.ts';
import type { DraftEvent, Run, Scope } from './run.ts';
import { StateError } from './state-error.ts';

/** What a state gives to the next. */
export interface Leaving {
  readonly output: unknown;
  readonly outputText: string;
  readonly variables: Strand['variables'];
  /** Undefined when the strand ends here. */
  readonly next: string | undefined;
}

export interface Finish {
  /** The state, rule or catcher whose Output and Assign count. */
  readonly source: { readonly Output?: unknown; readonly Assign?: Readonly<Record<string, unknown>> };
  /** Where `source` stands inside the state, for example `Catch[0]/`. */
  readonly field?: string;
  readonly next: string | undefined;
  /** The output when `source` has none. */
  readonly fallback: unknown;
  /** Further members of `$states`. */
  readonly states?: Readonly<Record<string, unknown>>;
  readonly token?: string | undefined;
}

/** Evaluates Output and Assign; both see the variables as they were before. */
export const finish = async (run: Run, strand: Strand, parts: Finish): Promise<Leaving> => {
  const { evaluate } = run.machinery;
  const bindings = bindingsOf(run, strand, { states: parts.states, token: parts.token });
  const field = parts.field ?? '';
  const output =
    parts.source.Output === undefined
      ? parts.fallback
      : await evaluate(parts.source.Output, bindings, `${field}Output`);
  const assigned =
    parts.source.Assign === undefined
      ? {}
      : ((await evaluate(parts.source.Assign, bindings, `${field}Assign`)) as Strand['variables']);
  const variables = { ...strand.variables, ...assigned };
  payloadText(variables, `The variables of the state '${strand.state}'`);
  return {
    output,
    outputText: payloadText(output, `The output of the state '${strand.state}'`),
    variables,
    next: parts.next,
  };
};

/** What expressions of the state see: `$states` and the variables. */
export const bindingsOf = (
  run: Run,
  strand: Strand,
  more: {
    readonly states?: Readonly<Record<string, unknown>> | undefined;
    readonly token?: string | undefined;
  } = {},
): Bindings => ({
  ...strand.variables,
  states: { input: strand.input, context: contextOf(run, strand, more.token), ...more.states },
});

const contextOf = ({ execution, machinery }: Run, strand: Strand, token: string | undefined): unknown => {
  const machine = machinery.store.machines.get(execution.machineArn);
  return {
    Execution: {
      Id: execution.arn,
      Input: JSON.parse(execution.inputText) as unknown,
      Name: execution.name,
      RoleArn: machinery.store.revision(execution.revisionId).roleArn,
      StartTime: new Date(execution.startedAtMs).toISOString(),
      RedriveCount: 0,
    },
    StateMachine: { Id: execution.machineArn, Name: machine?.name ?? '' },
    State: {
      Name: strand.state,
      EnteredTime: new Date(strand.enteredAtMs).toISOString(),
      RetryCount: strand.retryCount,
    },
    ...(strand.item === undefined ? {} : { Map: { Item: strand.item } }),
    ...(token === undefined ? {} : { Task: { Token: token } }),
  };
};

/** Ends the current state of a strand and enters the next, or ends the strand. */
export const leave = (run: Run, scope: Scope, leaving: Leaving): void => {
  const strand = strandAt(run, scope.path);
  const exited: DraftEvent = {
    type: `${strand.type}StateExited`,
    details: { name: strand.state, output: leaving.outputText, outputDetails: { truncated: false } },
  };
  if (leaving.next !== undefined) {
    enter(run, scope, {
      state: leaving.next,
      input: leaving.output,
      variables: leaving.variables,
      before: [exited],
      ...(strand.item === undefined ? {} : { item: strand.item }),
    });
    return;
  }
  const iteration: readonly DraftEvent[] =
    scope.iterationOf === undefined ? [] : [iterationEvent('Succeeded', scope.iterationOf, scope.path)];
  record(run, scope, {
    events: [exited, ...iteration],
    forget: scope.path,
    strand: { path: scope.path, progress: { kind: 'ended', output: leaving.output } },
  });
};

export interface Entering {
  readonly state: string;
  readonly input: unknown;
  readonly variables: Strand['variables'];
  readonly item?: NonNullable<Strand['item']>;
  /** Events that belong to the same step, before the one of the entry. */
  readonly before?: readonly DraftEvent[];
  readonly previousEventId?: number;
}

/** Puts a strand into a state, afresh. */
export const enter = (run: Run, scope: Scope, entering: Entering): void => {
  const { state, input, variables, item, before = [], previousEventId } = entering;
  const type = stateIn(scope, state).Type;
  record(run, scope, {
    events: [
      ...before,
      {
        type: `${type}StateEntered`,
        details: {
          name: state,
          input: payloadText(input, `The input of the state '${state}'`),
          inputDetails: { truncated: false },
        },
      },
    ],
    forget: scope.path,
    strand: {
      path: scope.path,
      state,
      type,
      input,
      variables,
      enteredAtMs: run.machinery.setting.clock.nowMs(),
      enteredEventId: nextEventId(run) + before.length,
      tries: {},
      retryCount: 0,
      progress: { kind: 'entered' },
      ...(item === undefined ? {} : { item }),
    },
    ...(previousEventId === undefined ? {} : { previousEventId }),
  });
};

/** The state of that name; the definition was checked, so only a corrupt journal could name another. */
export const stateIn = (scope: Pick<Scope, 'graph'>, name: string): State => {
  const state = scope.graph.States[name];
  if (!state) throw new StateError('States.Runtime', `there is no state named ${name}`);
  return state;
};

/** `MapIterationStarted` and its kin; the index is the last step of the iteration's path. */
export const iterationEvent = (
  what: 'Started' | 'Succeeded' | 'Failed',
  name: string,
  path: string,
): DraftEvent => ({
  type: `MapIteration${what}`,
  details: { name, index: Number(path.slice(path.lastIndexOf('.') + 1)) },
});
