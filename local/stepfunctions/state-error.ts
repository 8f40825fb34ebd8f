/**
 * Failures inside an execution. A name such as `States.Timeout` is data that Retry and Catch select by; nothing
 * here is an HTTP error of the service.
 */

/** Where a failure comes from. */
export type Origin = 'engine' | 'stated' | 'task';

/** What a state fails with; `runTask` throws it to give a task's failure its name and cause. */
export class StateError extends Error {
  /** The name Retry and Catch select by. */
  readonly error: string;
  /** The text under `Cause`; absent for timeouts, as on AWS. */
  readonly reason: string | undefined;
  /** Another name the same failure answers to: a missed heartbeat is a timeout with a name of its own. */
  readonly alias: string | undefined;
  /** A task, the author of a Fail state (`stated`), or the engine, whose causes name the state they arose in. */
  readonly origin: Origin;
  /** The field an expression failed in. */
  readonly location: string | undefined;

  constructor(
    error: string,
    reason?: string,
    options: {
      readonly alias?: string | undefined;
      readonly origin?: Origin;
      readonly location?: string | undefined;
    } = {},
  ) {
    super(reason ?? error);
    this.name = 'StateError';
    this.error = error;
    this.reason = reason;
    this.alias = options.alias;
    this.origin = options.origin ?? 'engine';
    this.location = options.location;
  }
}

/** Thrown through a strand whose execution, branch or iteration has ended; never caught by a state. */
export class Abandoned extends Error {}

const terminalErrors: ReadonlySet<string> = new Set(['States.DataLimitExceeded', 'States.Runtime']);

/**
 * Whether a Retry or Catch that lists these names selects the failure. `States.ALL` and `States.TaskFailed` never
 * select a terminal error, and `States.Runtime` cannot be selected at all.
 */
export const selects = (names: readonly string[], failure: StateError): boolean => {
  if (failure.error === 'States.Runtime') return false;
  return names.some((name) => {
    if (name === failure.error || name === failure.alias) return true;
    if (terminalErrors.has(failure.error)) return false;
    if (name === 'States.ALL') return true;
    return name === 'States.TaskFailed' && failure.origin === 'task' && failure.error !== 'States.Timeout';
  });
};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Names whatever a task call threw: its `error`, else its `code`, else the name of the JavaScript error. */
export const taskFailure = (thrown: unknown): StateError => {
  if (thrown instanceof StateError)
    return new StateError(thrown.error, thrown.reason, { alias: thrown.alias, origin: 'task' });
  if (typeof thrown !== 'object' || thrown === null)
    return new StateError('States.TaskFailed', String(thrown), { origin: 'task' });
  const parts: { error?: unknown; code?: unknown; name?: unknown; message?: unknown } = thrown;
  const error = textOf(parts.error) ?? textOf(parts.code) ?? textOf(parts.name) ?? 'States.TaskFailed';
  return new StateError(error, textOf(parts.message), { origin: 'task' });
};

/** The same failure with a cause that says in which state it arose; said once, by the innermost state. */
export const describedIn = (failure: StateError, state: string, enteredEventId: number): StateError => {
  if (failure.origin !== 'engine' || failure.reason === undefined) return failure;
  const where = `An error occurred while executing the state '${state}' (entered at the event id #${String(enteredEventId)}). `;
  return new StateError(failure.error, where + failure.reason, { origin: 'stated' });
};

/** The body of `$states.errorOutput`. */
export const errorOutput = (failure: StateError): Readonly<Record<string, string>> => ({
  Error: failure.error,
  ...(failure.reason === undefined ? {} : { Cause: failure.reason }),
});
