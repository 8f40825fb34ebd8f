/** Answers task tokens of Step Functions. */
import { InvalidToken, SendTaskSuccessCommand, TaskDoesNotExist, TaskTimedOut } from '@aws-sdk/client-sfn';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { TaskAnswers } from '#domain/ports/outside.ts';

const isOver = (error: unknown): boolean =>
  error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken;

/** Answers by token; whoever answered first, or timed out, has moved the execution on already. */
export const stepFunctionsAnswers = (client: SFNClient): TaskAnswers => ({
  succeed: async (taskToken) => {
    try {
      await client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
    } catch (error) {
      if (!isOver(error)) throw error;
    }
  },
});
