/** History events of tasks, which AWS names by what is called: a function itself, or an integration. */
import type { DraftEvent } from './run.ts';
import type { TaskOutcome } from './execution.ts';

/** A task's resource, taken apart. */
export interface TaskResource {
  /** What is called, without `.waitForTaskToken`. */
  readonly arn: string;
  readonly waitsForToken: boolean;
  readonly isFunction: boolean;
  /** `resourceType` and `resource` of the events of an integration. */
  readonly names: { readonly resourceType: string; readonly resource: string };
}

const tokenSuffix = '.waitForTaskToken';

/** Reads a resource such as `arn:aws:states:::lambda:invoke.waitForTaskToken`. */
export const taskResource = (resource: string): TaskResource => {
  const parts = resource.split(':').slice(5);
  return {
    arn: resource.endsWith(tokenSuffix) ? resource.slice(0, -tokenSuffix.length) : resource,
    waitsForToken: resource.endsWith(tokenSuffix),
    isFunction: resource.split(':')[2] === 'lambda',
    names: { resourceType: parts.slice(0, -1).join(':'), resource: parts.at(-1) ?? '' },
  };
};

/** Events of a call about to be made; the first holds its arguments. */
export const scheduledEvents = (
  resource: TaskResource,
  call: {
    readonly argumentsText: string;
    readonly region: string;
    readonly timeoutSeconds?: number | undefined;
    readonly heartbeatSeconds?: number | undefined;
  },
): readonly DraftEvent[] => {
  const timeout = call.timeoutSeconds === undefined ? {} : { timeoutInSeconds: call.timeoutSeconds };
  if (resource.isFunction) {
    const details = { resource: resource.arn, input: call.argumentsText, inputDetails: { truncated: false } };
    return [
      { type: 'LambdaFunctionScheduled', details: { ...details, ...timeout } },
      { type: 'LambdaFunctionStarted' },
    ];
  }
  const heartbeat = call.heartbeatSeconds === undefined ? {} : { heartbeatInSeconds: call.heartbeatSeconds };
  const details = { ...resource.names, region: call.region, parameters: call.argumentsText };
  return [
    { type: 'TaskScheduled', details: { ...details, ...timeout, ...heartbeat } },
    { type: 'TaskStarted', details: resource.names },
  ];
};

/** The event of a task's token having been handed out. */
export const submittedEvent = (resource: TaskResource, outputText: string): DraftEvent => ({
  type: 'TaskSubmitted',
  details: { ...resource.names, output: outputText, outputDetails: { truncated: false } },
});

/** The event of an outcome; a refused hand-out of a token has a name of its own. */
export const outcomeEvent = (resource: TaskResource, outcome: TaskOutcome, isSubmit = false): DraftEvent => {
  const named = resource.isFunction ? {} : resource.names;
  const kind = resource.isFunction ? 'LambdaFunction' : 'Task';
  if (outcome.kind === 'succeeded') {
    const details = { output: JSON.stringify(outcome.output), outputDetails: { truncated: false } };
    return { type: `${kind}Succeeded`, details: { ...named, ...details } };
  }
  const cause = outcome.reason === undefined ? {} : { cause: outcome.reason };
  const failed = isSubmit ? 'TaskSubmitFailed' : `${kind}Failed`;
  return {
    type: outcome.error === 'States.Timeout' ? `${kind}TimedOut` : failed,
    details: { ...named, error: outcome.error, ...cause },
  };
};
