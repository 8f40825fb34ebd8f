/** Operations by which a worker answers a task token. They act on the journaled record, so a restart is no matter. */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import type { TaskOutcome } from './execution.ts';
import { optionalText, textMember } from './members.ts';
import { isOverLimit } from './payload.ts';
import type { Machinery } from './run.ts';
import type { TokenPlace } from './store.ts';
import { answerTask, changeTask } from './task-state.ts';
import { outcomeEvent } from './task-events.ts';

const placeAt = (machinery: Machinery, input: Json): TokenPlace => {
  const token = textMember(input, 'taskToken');
  if (!/^[\w-]{1,2048}$/.test(token)) throw new AwsError('InvalidToken', "Invalid Token: 'Invalid token'");
  const place = machinery.store.token(token);
  if (!place) throw new AwsError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  return place;
};

const answer = (machinery: Machinery, place: TokenPlace, outcome: TaskOutcome): Json => {
  const { execution, path, progress } = place;
  const { scheduledEventId } = progress;
  const names = execution.events[scheduledEventId - 1]?.details;
  const resource = {
    arn: '',
    waitsForToken: true,
    isFunction: false,
    names: { resourceType: String(names?.['resourceType']), resource: String(names?.['resource']) },
  };
  const event = outcomeEvent(resource, outcome);
  answerTask(machinery, { execution, path, scheduledEventId }, { outcome, event });
  return {};
};

const outputOf = (input: Json): unknown => {
  const text = textMember(input, 'output');
  if (isOverLimit(text))
    throw validation(
      "Value at 'output' failed to satisfy constraint: Member must have length less than or equal to 262144",
    );
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new AwsError('InvalidOutput', `Invalid Output: '${text.slice(0, 200)}'`);
  }
};

/** SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat. */
export const tokenOperations = (machinery: Machinery): Readonly<Record<string, Operation>> => ({
  SendTaskSuccess: (input) => {
    const output = outputOf(input);
    return answer(machinery, placeAt(machinery, input), { kind: 'succeeded', output });
  },
  SendTaskFailure: (input) => {
    const reason = optionalText(input, 'cause');
    return answer(machinery, placeAt(machinery, input), {
      kind: 'failed',
      error: optionalText(input, 'error') ?? '',
      ...(reason === undefined ? {} : { reason }),
    });
  },
  SendTaskHeartbeat: (input) => {
    const { execution, path, progress } = placeAt(machinery, input);
    const beatAtMs = machinery.setting.clock.nowMs();
    const place = { execution, path, scheduledEventId: progress.scheduledEventId };
    if (progress.heartbeatMs !== undefined)
      changeTask(machinery, place, { progress: (now) => ({ ...now, beatAtMs }) });
    return {};
  },
});
