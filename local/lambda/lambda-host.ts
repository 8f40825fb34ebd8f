/** What a Lambda host promises, whichever way it runs the code. */
import type { Principal } from '#local/iam/principal.ts';

/** A function of the template, ready to run. */
export interface FunctionSetting {
  readonly name: string;
  readonly arn: string;
  /** Directory of the code asset. */
  readonly codeDir: string;
  /** `file.export` as in the template. */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** `RecursiveLoop: Allow`. */
  readonly mayLoop: boolean;
  /** Whose calls its calls are; undefined lets it do everything. */
  readonly principal: Principal | undefined;
}

/** Head of a streamed HTTP answer. */
export interface StreamMeta {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
}

/** Receives a streamed answer; without it a streaming function's chunks are dropped. */
export interface StreamListener {
  readonly onMeta?: (meta: StreamMeta) => void;
  readonly onChunk?: (chunk: Uint8Array) => void;
}

/** Runs the functions of one cloud. */
export interface LambdaHost {
  /** Answers what the handler answered; throws a `FunctionError` when it failed, crashed or ran out of time. */
  readonly invoke: (functionReference: string, event: unknown, listener?: StreamListener) => Promise<unknown>;
  /** Throws the function's environment away; the next invocation starts cold. */
  readonly restart: (functionReference: string) => Promise<void>;
  readonly counts: () => Readonly<Record<string, InvocationCounts>>;
  readonly close: () => Promise<void>;
}

/** What a function has done since boot. */
export interface InvocationCounts {
  readonly invocations: number;
  readonly coldStarts: number;
  readonly errors: number;
}

/** How an invocation ended without an answer, in the words of the Lambda service. */
export class FunctionError extends Error {
  /** For example `Sandbox.Timedout`, `Runtime.ExitError`, or the name of the thrown error. */
  readonly errorType: string;
  readonly stackTrace: readonly string[];

  constructor(errorType: string, message: string, stackTrace: readonly string[] = []) {
    super(message);
    this.name = errorType;
    this.errorType = errorType;
    this.stackTrace = stackTrace;
  }
}

/** The failure of a function that outlived its timeout. */
export const timedOut = ({ timeoutMs }: FunctionSetting): FunctionError =>
  new FunctionError('Sandbox.Timedout', `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`);

/** Whatever a handler threw, as the service reports it. */
export const functionErrorOf = (error: unknown): FunctionError => {
  if (error instanceof FunctionError) return error;
  if (error instanceof Error)
    return new FunctionError(error.name, error.message, (error.stack ?? '').split('\n').slice(1));
  return new FunctionError('Error', String(error));
};
