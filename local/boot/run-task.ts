/** The calls a state machine can make: Lambda functions, and any operation of the engines by its integration ARN. */
import type { Guard } from '#local/iam/guard.ts';
import { actingAs } from '#local/iam/principal.ts';
import type { Principal } from '#local/iam/principal.ts';
import type { Roles } from '#local/iam/roles.ts';
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

/** What tasks run on. */
export interface TaskParts {
  readonly host: LambdaHost;
  readonly roles: Roles;
  readonly guard: Pick<Guard, 'refusalOf'>;
  readonly account: { readonly region: string; readonly accountId: string };
  readonly call: CallService;
}

/** Runs tasks under the role of their machine; a resource that is not supported is refused by name. */
export const taskRunner =
  (parts: TaskParts): RunTask =>
  async (resource, input, { arn, roleArn }) => {
    // A machine made over the endpoint may name any role, and acts for the person who made it.
    const principal = parts.roles.principal(roleArn, arn.split(':').at(-2) ?? '');
    if (resource.startsWith('arn:aws:lambda:')) return invoke(parts, principal, [resource, input]);
    const [, name = '', action = ''] = INTEGRATION.exec(resource) ?? [];
    const request = asObject(input);
    if (name === 'lambda' && action === 'invoke')
      return {
        StatusCode: 200,
        ExecutedVersion: '$LATEST',
        Payload: await invoke(parts, principal, [String(request['FunctionName']), request['Payload']]),
      };
    const service = services[name];
    if (service === undefined)
      throw new StateError('States.Runtime', `the local cloud does not support the resource ${resource}`);
    const operation = action.slice(0, 1).toUpperCase() + action.slice(1);
    return actingAs(principal, () => parts.call(service, operation, asMessage(name, action, request)));
  };

const invoke = async (
  { host, guard, account }: TaskParts,
  principal: Principal | undefined,
  [functionReference, payload]: readonly [functionReference: string, payload: unknown],
): Promise<unknown> => {
  const resource = functionReference.startsWith('arn:')
    ? functionReference
    : `arn:aws:lambda:${account.region}:${account.accountId}:function:${functionReference}`;
  const refusal = principal && guard.refusalOf(principal, { action: 'lambda:InvokeFunction', resource });
  if (refusal !== undefined)
    throw new StateError(
      'Lambda.AWSLambdaException',
      `${refusal} (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException)`,
      { origin: 'task' },
    );
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
