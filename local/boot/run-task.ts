/** The calls a state machine can make: Lambda functions, and any operation of the engines by its integration ARN. */
import type { Json, ServiceName } from '#local/kernel/engine.ts';
import type { LambdaHost } from '#local/lambda/lambda-host.ts';
import type { RunTask } from '#local/stepfunctions/run.ts';
import { StateError } from '#local/stepfunctions/state-error.ts';

type CallService = (service: ServiceName, operation: string, input: Json) => Promise<Json>;

const INTEGRATION = /^arn:aws:states:::(?:aws-sdk:)?(\w+):(\w+?)(?:\.waitForTaskToken)?$/;

const services: Readonly<Record<string, ServiceName>> = {
  dynamodb: 'dynamodb',
  sqs: 'sqs',
  kinesis: 'kinesis',
  sfn: 'states',
  states: 'states',
  s3: 's3',
  secretsmanager: 'secretsmanager',
};

/** Runs tasks on this host and these engines; any other resource is refused by name. */
export const taskRunner =
  (host: () => LambdaHost, call: CallService): RunTask =>
  async (resource, input) => {
    if (resource.startsWith('arn:aws:lambda:')) return invoke(host(), resource, input);
    const [, name = '', action = ''] = INTEGRATION.exec(resource) ?? [];
    const request = asObject(input);
    if (name === 'lambda' && action === 'invoke')
      return {
        StatusCode: 200,
        ExecutedVersion: '$LATEST',
        Payload: await invoke(host(), String(request['FunctionName']), request['Payload']),
      };
    const service = services[name];
    if (service === undefined)
      throw new StateError('States.Runtime', `the local cloud does not support the resource ${resource}`);
    return call(
      service,
      action.slice(0, 1).toUpperCase() + action.slice(1),
      asMessage(name, action, request),
    );
  };

const invoke = async (host: LambdaHost, functionReference: string, payload: unknown): Promise<unknown> => {
  try {
    return await host.invoke(functionReference, payload ?? {});
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw new StateError(name, JSON.stringify({ errorType: name, errorMessage: message }), {
      origin: 'task',
    });
  }
};

/** Message bodies may be JSON in a state machine and are text in SQS. */
const asMessage = (service: string, action: string, input: Json): Json =>
  service === 'sqs' && action === 'sendMessage' && typeof input['MessageBody'] !== 'string'
    ? { ...input, MessageBody: JSON.stringify(input['MessageBody']) }
    : input;

const asObject = (value: unknown): Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {};
