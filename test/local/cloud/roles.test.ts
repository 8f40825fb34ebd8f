/** Whoever acts in a cloud acts under a role of its template, and does what that role allows and nothing else. */
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, onTestFinished } from 'vitest';

import { bootCloud } from '#local/boot/cloud.ts';
import type { BootOptions, Cloud } from '#local/boot/cloud.ts';
import { virtualClock, wallClock } from '#local/kernel/clock.ts';
import { miniFunctions, miniTemplate, role, writeMini } from '#test/local/cloud/mini-assembly.ts';
import type { MiniPlatform, MiniTemplate, Properties } from '#test/local/cloud/mini-assembly.ts';

const regional = (service: string, rest: string): string =>
  `arn:aws:${service}:us-east-1:000000000000:${rest}`;
const items = regional('dynamodb', 'table/mini-items');
const allow = (Action: unknown, Resource: unknown) => ({ Effect: 'Allow', Action, Resource });
const arnOf = (logicalId: string): unknown => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });

/** The template with one resource working under a role of its own. */
const under =
  (logicalId: string, ...statements: readonly Properties[]) =>
  (template: MiniTemplate): void => {
    const resource = template[logicalId];
    if (resource === undefined) throw new Error(`there is no ${logicalId}`);
    const property = resource.Type === 'AWS::StepFunctions::StateMachine' ? 'RoleArn' : 'Role';
    template['Own'] = role(...statements);
    template[logicalId] = { ...resource, Properties: { ...resource.Properties, [property]: arnOf('Own') } };
  };

const putItem = async (event: unknown, { environment, plugin }: MiniPlatform) => {
  const { pathParameters } = event as { pathParameters: { id: string } };
  const { configuration, attach } = plugin as unknown as Cloud['plugin'];
  const client = new DynamoDBClient(configuration);
  attach(client);
  const Item = { pk: { S: pathParameters.id } };
  try {
    await client.send(new PutItemCommand({ TableName: environment['TABLE'], Item }));
    return { statusCode: 201, body: '{}' };
  } catch (error) {
    const { name, message } = error as Error;
    return { statusCode: 403, body: JSON.stringify({ name, message }) };
  }
};

const boot = async (
  change: (template: MiniTemplate) => void,
  options: Partial<BootOptions> & { readonly bundle?: string } = {},
): Promise<Cloud> => {
  const template = miniTemplate();
  change(template);
  const { bundle, ...rest } = options;
  const cloud = await bootCloud({
    assemblyDir: writeMini(template, bundle),
    clock: virtualClock(Date.parse('2026-11-20T00:00:30Z')),
    seed: 1,
    host: 'direct',
    importModule: miniFunctions({}, { 'mini-put': putItem, 'mini-tick': () => 'told' }),
    ...rest,
  });
  onTestFinished(() => cloud.close());
  return cloud;
};

describe('a function', () => {
  it('does what its role allows, and the role tells that it was needed', async () => {
    const cloud = await boot(under('Put', allow(['dynamodb:PutItem', 'dynamodb:GetItem'], items)));

    const { status } = await cloud.request('PUT', '/items/a');

    expect(status).toBe(201);
    expect(cloud.access().grants['mini-Own']).toEqual([
      { action: 'dynamodb:PutItem', resource: items, isUsed: true },
      { action: 'dynamodb:GetItem', resource: items, isUsed: false },
    ]);
    expect(cloud.access().denials).toEqual([]);
  });

  it.each([
    ['another action', [allow('dynamodb:GetItem', items)]],
    ['another resource', [allow('dynamodb:PutItem', `${items}-2`)]],
    ['everything and denies this', [allow('*', '*'), { ...allow('dynamodb:Put*', items), Effect: 'Deny' }]],
  ])('is refused by name when its role allows %s, in either fidelity', async (_, statements) => {
    for (const fidelity of ['bytes', 'handler'] as const) {
      const cloud = await boot(under('Put', ...statements), { fidelity });

      const answered = await cloud.request('PUT', '/items/a');

      expect(answered.json()).toMatchObject({
        name: 'AccessDeniedException',
        message: expect.stringContaining(`dynamodb:PutItem on resource: ${items}`) as string,
      });
      expect(await cloud.call('dynamodb', 'Scan', { TableName: 'mini-items' })).toMatchObject({ Count: 0 });
      expect(cloud.access().denials).toMatchObject([{ action: 'dynamodb:PutItem', resource: items }]);
    }
  });

  it('is refused alike when it runs in a thread', async () => {
    const bundle = `export const handler = async (event) => {
      if (!event.httpMethod) return {};
      const plugin = globalThis[Symbol.for('sluice.aws')];
      const { response } = await plugin.configuration.requestHandler.handle({
        method: 'POST', path: '/', headers: { 'x-amz-target': 'DynamoDB_20120810.PutItem', 'content-type': 'application/x-amz-json-1.0' },
        body: JSON.stringify({ TableName: process.env.TABLE, Item: { pk: { S: 'a' } } }) });
      return { statusCode: 200, body: Buffer.from(response.body).toString() };
    };`;
    const cloud = await boot(under('Put', allow('dynamodb:GetItem', items)), {
      clock: wallClock(),
      host: 'worker',
      bundle,
    });

    const answered = await cloud.request('PUT', '/items/a');

    expect(answered.text).toContain('AccessDeniedException');
    expect(answered.text).toContain(`dynamodb:PutItem on resource: ${items}`);
  });
});

describe('a state machine', () => {
  const StateMachine = regional('states', 'stateMachine:mini-wait');
  const outcome = async (cloud: Cloud, stateMachineArn = StateMachine) => {
    const { executionArn } = await cloud.call('states', 'StartExecution', { stateMachineArn });
    const described = () => cloud.call('states', 'DescribeExecution', { executionArn });
    await cloud.advanceUntil(async () => (await described())['status'] !== 'RUNNING', 8 * 86_400_000);
    return described();
  };

  it('calls the function its role names', async () => {
    const tick = regional('lambda', 'function:mini-tick');
    const cloud = await boot(under('Machine', allow('lambda:InvokeFunction', tick)));

    expect(await outcome(cloud)).toMatchObject({ status: 'SUCCEEDED', output: '"told"' });
  });

  it('fails when its role names another function', async () => {
    const put = regional('lambda', 'function:mini-put');
    const cloud = await boot(under('Machine', allow('lambda:InvokeFunction', put)));

    expect(await outcome(cloud)).toMatchObject({
      status: 'FAILED',
      error: 'Lambda.AWSLambdaException',
      cause: expect.stringMatching(
        /assumed-role\/mini-Own\/mini-wait is not authorized to perform: lambda:InvokeFunction on resource: .*function:mini-tick because/,
      ) as string,
    });
    expect(cloud.counts().functions['mini-tick']).toMatchObject({ errors: 0 });
  });

  it('calls other services under its role too', async () => {
    const withCall = (template: MiniTemplate): void => {
      under('Machine', allow('dynamodb:GetItem', items))(template);
      const definition = {
        QueryLanguage: 'JSONata',
        StartAt: 'Put',
        States: {
          Put: {
            Type: 'Task',
            Resource: 'arn:aws:states:::dynamodb:putItem',
            Arguments: { TableName: 'mini-items', Item: { pk: { S: 'a' } } },
            End: true,
          },
        },
      };
      Object.assign(template['Machine']?.Properties ?? {}, { DefinitionString: JSON.stringify(definition) });
    };
    const cloud = await boot(withCall);

    expect(await outcome(cloud)).toMatchObject({ status: 'FAILED', error: 'AccessDeniedException' });
  });

  it('made over the endpoint may name any role and acts for the person who made it', async () => {
    const cloud = await boot(() => undefined);
    const definition = {
      QueryLanguage: 'JSONata',
      StartAt: 'Tell',
      States: {
        Tell: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke',
          Arguments: { FunctionName: 'mini-tick' },
          Output: '{% $states.result.Payload %}',
          End: true,
        },
      },
    };
    const { stateMachineArn } = await cloud.call('states', 'CreateStateMachine', {
      name: 'own',
      roleArn: 'arn:aws:iam::000000000000:role/stranger',
      definition: JSON.stringify(definition),
    });

    expect(await outcome(cloud, String(stateMachineArn))).toMatchObject({ output: '"told"' });
  });
});

describe('a boot is refused when', () => {
  const reads = (service: string) => allow(`${service}:*`, '*');

  it.each([
    [
      'WorkMapping',
      'Work',
      [allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage'], '*')],
      'sqs:GetQueueAttributes on arn',
    ],
    ['CopyMapping', 'Copy', [allow('dynamodb:GetRecords', '*')], 'dynamodb:DescribeStream on arn'],
    ['IngestMapping', 'Ingest', [reads('dynamodb')], 'kinesis:DescribeStream on arn'],
  ])('the role behind %s may not read its source', async (mapping, fn, statements, missing) => {
    await expect(boot(under(fn, ...statements))).rejects.toThrow(
      new RegExp(`resource ${mapping} .*EventSourceArn: the role of the function does not allow ${missing}`),
    );
  });

  it('a function may not send what failed to the destination of its mapping', async () => {
    const withDestination = (template: MiniTemplate): void => {
      under('Ingest', reads('kinesis'))(template);
      const DestinationConfig = { OnFailure: { Destination: arnOf('Dead') } };
      Object.assign(template['IngestMapping']?.Properties ?? {}, { DestinationConfig });
    };

    await expect(boot(withDestination)).rejects.toThrow(
      /IngestMapping .*DestinationConfig: .* does not allow sqs:SendMessage on arn:aws:sqs:us-east-1:000000000000:mini-dead/,
    );
  });

  it('a function or machine works under a role that no template declares', async () => {
    const foreign = (logicalId: string, property: string) => (template: MiniTemplate) => {
      Object.assign(template[logicalId]?.Properties ?? {}, {
        [property]: 'arn:aws:iam::000000000000:role/x',
      });
    };

    await expect(boot(foreign('Put', 'Role'))).rejects.toThrow(/resource Put .*declares the role .*role\/x/);
    await expect(boot(foreign('Machine', 'RoleArn'))).rejects.toThrow(/resource Machine .*role\/x/);
  });
});
