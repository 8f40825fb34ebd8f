/** A failure the command line explains in one line and answers with an exit code. */
export const exitCodes = { done: 0, unexpected: 1, usage: 2, portOrState: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What went wrong, what to do, and the exit code: 1 unexpected, 2 usage, 3 port or state. */
export class CliError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly details: unknown;

  constructor(code: string, message: string, options: { exitCode?: ExitCode; details?: unknown } = {}) {
    super(message);
    this.name = 'CliError';
    this.code = code;
    this.exitCode = options.exitCode ?? exitCodes.unexpected;
    this.details = options.details;
  }
}
