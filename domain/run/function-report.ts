/** What an attempt that a function made comes to: its answer as a worker's report, or why there is none. */
import type { CompletedRequest, WorkerId } from '#contracts/runs/callbacks.ts';
import { FunctionAnswer } from '#contracts/runs/function-answer.ts';
import type { ErrorCategory, TaskError } from '#contracts/runs/task-output.ts';
import type { Invoked } from '#domain/ports/functions.ts';

/** The worker id of attempts that functions make. */
export const FUNCTION_WORKER = 'run-task' as WorkerId;

/** A report without the members that say whose it is. */
export type Ending = Omit<CompletedRequest, 'attempt' | 'attemptId' | 'workerId' | 'traceparent'>;

/** The end of an attempt after the invocation of its function. */
export const endingOf = (functionName: string, invoked: Invoked): Ending => {
  switch (invoked.kind) {
    case 'answered':
      return answered(functionName, invoked.answer);
    case 'failed': {
      const { errorType, message } = invoked;
      return failed({
        category: categoryOf(errorType, message),
        message: `the function ${functionName} failed with ${errorType}: ${message}`,
      });
    }
    case 'refused':
      return failed({
        category: 'CONFIGURATION',
        message: `the function ${functionName} cannot be invoked: ${invoked.message}`,
      });
    case 'unavailable':
      return failed({
        category: 'INFRASTRUCTURE',
        message: `Lambda did not answer for the function ${functionName}: ${invoked.message}`,
      });
  }
};

/** The end of an attempt whose function took longer than anybody could wait for it. */
export const overdue = (functionName: string, waitedMs: number): Ending =>
  failed({
    category: 'TIMEOUT',
    message: `the function ${functionName} had not ended after ${Math.round(waitedMs / 1000)} s, as long as is waited for it`,
  });

const failed = (error: TaskError): Ending => ({ outcome: 'FAILED', error });

/** No answer is a success; one of a wrong shape is a fault of the function's code that another attempt would repeat. */
const answered = (functionName: string, answer: unknown): Ending => {
  if (answer === undefined || answer === null) return { outcome: 'SUCCEEDED' };
  const { success, data, error } = FunctionAnswer.safeParse(answer);
  if (success) return data;
  const faults = error.issues.map(({ path, message }) => `${path.join('.') || 'the answer'}: ${message}`);
  return failed({
    category: 'USER_CODE',
    message: `the function ${functionName} answered what is no end of an attempt: ${faults.join('; ')}`,
    retryable: false,
  });
};

/** Errors of the runtime that stand for something else than the code of the function. */
const runtimeErrors: Readonly<Record<string, ErrorCategory>> = {
  'Sandbox.Timedout': 'TIMEOUT',
  'Runtime.ImportModuleError': 'CONFIGURATION',
  'Runtime.HandlerNotFound': 'CONFIGURATION',
  'Runtime.MalformedHandlerName': 'CONFIGURATION',
  'Runtime.UserCodeSyntaxError': 'CONFIGURATION',
};

/** Older runtimes tell a timeout by their words alone. */
const categoryOf = (errorType: string, message: string): ErrorCategory =>
  runtimeErrors[errorType] ?? (/\bTask timed out after\b/.test(message) ? 'TIMEOUT' : 'USER_CODE');
