/** What Lambda needs of a function's role before it maps a source to it; refused at creation, as on AWS. */
import type { FunctionSetting } from '#local/lambda/lambda-host.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import type { Resource } from '#local/template/resolve-stack.ts';
import { TemplateError } from '#local/template/template-error.ts';

/** Actions Lambda performs on a source under the role of the function. */
const actionsOn: Readonly<Record<string, readonly string[]>> = {
  sqs: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  kinesis: [
    'kinesis:DescribeStream',
    'kinesis:DescribeStreamSummary',
    'kinesis:GetRecords',
    'kinesis:GetShardIterator',
    'kinesis:ListShards',
  ],
  dynamodb: [
    'dynamodb:DescribeStream',
    'dynamodb:GetRecords',
    'dynamodb:GetShardIterator',
    'dynamodb:ListStreams',
  ],
};

/** Throws unless the function's role allows to read the source and to send what fails to its destination. */
export const requireMappingAccess = (
  resource: Resource,
  { sourceArn, failureQueueArn }: MappingSetting,
  { principal }: FunctionSetting,
): void => {
  const [, , service = ''] = sourceArn.split(':');
  for (const action of actionsOn[service] ?? [])
    if (principal?.policy.judge({ action, resource: sourceArn }) !== 'allowed')
      throw lacks(resource, 'EventSourceArn', `${action} on ${sourceArn}`);
  const send = { action: 'sqs:SendMessage', resource: failureQueueArn ?? '' };
  if (failureQueueArn !== undefined && principal?.policy.judge(send) !== 'allowed')
    throw lacks(resource, 'DestinationConfig', `${send.action} on ${send.resource}`);
};

const lacks = (resource: Resource, property: string, access: string): TemplateError =>
  new TemplateError({ ...resource, property }, `the role of the function does not allow ${access}`);
