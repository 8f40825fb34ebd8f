/**
 * Deciding one command broke an invariant. Folds change the state they are given, so nothing of the attempt may be used
 * again: whoever catches this decides the other commands on a fresh load.
 */
export class CommandFaultError extends Error {
  readonly code = 'command_fault';
  /** Which of the requests it was; absent when only some of them together showed it. */
  readonly requestIndex: number | undefined;
  constructor(requestIndex: number | undefined, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = cause instanceof Error ? cause.name : 'CommandFaultError';
    this.requestIndex = requestIndex;
  }
}

/** Recognises it by its code. */
export const isCommandFault = (error: unknown): error is CommandFaultError =>
  error instanceof Error && 'code' in error && error.code === 'command_fault';

/** Runs a step of a commit; what it throws is the fault of the request. */
export const blaming = <Result>(requestIndex: number | undefined, step: () => Result): Result => {
  try {
    return step();
  } catch (cause) {
    throw new CommandFaultError(requestIndex, cause);
  }
};
