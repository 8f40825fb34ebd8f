import { describe, expect, it } from 'vitest';
import { AwsError } from '#local/kernel/aws-error.ts';
import { decodeQuery, encodeQuery, encodeQueryError } from '#local/sqs/query-protocol.ts';
import { queryErrorHeader } from '#local/sqs/refusal.ts';

const decode = (fields: Readonly<Record<string, string>>, path = '/'): ReturnType<typeof decodeQuery> =>
  decodeQuery(new URLSearchParams({ Version: '2012-11-05', ...fields }), path);

const xml = (name: string, body: string): string =>
  `<?xml version="1.0"?><${name} xmlns="http://queue.amazonaws.com/doc/2012-11-05/">${body}` +
  `<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></${name}>`;

describe('decodeQuery', () => {
  it('reads maps of attributes and tags', () => {
    expect(
      decode({
        Action: 'CreateQueue',
        QueueName: 'q',
        'Attribute.2.Name': 'DelaySeconds',
        'Attribute.2.Value': '3',
        'Attribute.1.Name': 'VisibilityTimeout',
        'Attribute.1.Value': '5',
        'Tag.1.Key': 'stage',
        'Tag.1.Value': 'dev',
      }),
    ).toEqual({
      operation: 'CreateQueue',
      input: {
        QueueName: 'q',
        Attributes: { VisibilityTimeout: '5', DelaySeconds: '3' },
        tags: { stage: 'dev' },
      },
    });
  });

  it('reads a map of one entry without number', () => {
    const { input } = decode({
      Action: 'SetQueueAttributes',
      'Attribute.Name': 'DelaySeconds',
      'Attribute.Value': '3',
    });

    expect(input).toEqual({ Attributes: { DelaySeconds: '3' } });
  });

  it.each(['Tag', 'Tags'])('reads the tags of TagQueue under %s', (name) => {
    expect(
      decode({ Action: 'TagQueue', [`${name}.1.Key`]: 'stage', [`${name}.1.Value`]: 'dev' }).input,
    ).toEqual({ Tags: { stage: 'dev' } });
  });

  it('reads lists in the order of their numbers, and integers as numbers', () => {
    const names = Object.fromEntries(
      Array.from({ length: 11 }, (_, index) => [`AttributeName.${String(index + 1)}`, `n${String(index)}`]),
    );

    const { input } = decode({
      Action: 'ReceiveMessage',
      ...names,
      'MessageAttributeName.1': 'All',
      'MessageSystemAttributeName.1': 'AWSTraceHeader',
      MaxNumberOfMessages: '10',
      VisibilityTimeout: '0',
      WaitTimeSeconds: '20',
    });

    expect(input).toEqual({
      AttributeNames: Array.from({ length: 11 }, (_, index) => `n${String(index)}`),
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['AWSTraceHeader'],
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 0,
      WaitTimeSeconds: 20,
    });
  });

  it('leaves an integer that is none to the engine to refuse', () => {
    expect(decode({ Action: 'ReceiveMessage', WaitTimeSeconds: 'soon' }).input).toEqual({
      WaitTimeSeconds: 'soon',
    });
  });

  it('reads entries of batches with message attributes', () => {
    const entry = 'SendMessageBatchRequestEntry.1';

    const { input } = decode({
      Action: 'SendMessageBatch',
      [`${entry}.Id`]: 'a',
      [`${entry}.MessageBody`]: 'x & y',
      [`${entry}.DelaySeconds`]: '1',
      [`${entry}.MessageAttribute.1.Name`]: 'kind.of',
      [`${entry}.MessageAttribute.1.Value.DataType`]: 'Binary',
      [`${entry}.MessageAttribute.1.Value.BinaryValue`]: 'AAEC',
      [`${entry}.MessageSystemAttribute.1.Name`]: 'AWSTraceHeader',
      [`${entry}.MessageSystemAttribute.1.Value.DataType`]: 'String',
      [`${entry}.MessageSystemAttribute.1.Value.StringValue`]: 'Root=1',
      'SendMessageBatchRequestEntry.2.Id': 'b',
    });

    expect(input).toEqual({
      Entries: [
        {
          Id: 'a',
          MessageBody: 'x & y',
          DelaySeconds: 1,
          MessageAttributes: { 'kind.of': { DataType: 'Binary', BinaryValue: 'AAEC' } },
          MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1' } },
        },
        { Id: 'b' },
      ],
    });
  });

  it('reads entries of the other batches', () => {
    expect(
      decode({
        Action: 'ChangeMessageVisibilityBatch',
        'ChangeMessageVisibilityBatchRequestEntry.1.Id': 'a',
        'ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout': '7',
      }).input,
    ).toEqual({ Entries: [{ Id: 'a', VisibilityTimeout: 7 }] });
    expect(
      decode({
        Action: 'DeleteMessageBatch',
        'DeleteMessageBatchRequestEntry.1.Id': 'a',
        'DeleteMessageBatchRequestEntry.1.ReceiptHandle': 'h',
      }).input,
    ).toEqual({ Entries: [{ Id: 'a', ReceiptHandle: 'h' }] });
    expect(decode({ Action: 'UntagQueue', 'TagKey.1': 'a', 'TagKey.2': 'b' }).input).toEqual({
      TagKeys: ['a', 'b'],
    });
  });

  it('takes the queue from the path unless the form names it', () => {
    expect(decode({ Action: 'PurgeQueue' }, '/000000000000/q').input).toEqual({
      QueueUrl: '/000000000000/q',
    });
    expect(decode({ Action: 'PurgeQueue', QueueUrl: 'u' }, '/000000000000/q').input).toEqual({
      QueueUrl: 'u',
    });
    expect(decode({ Action: 'ListQueues' }, '/').input).toEqual({});
  });
});

describe('encodeQuery', () => {
  it('writes messages with both kinds of attributes, safe for XML', () => {
    const message = {
      MessageId: 'm',
      Body: 'a<b> & "c"\r\n',
      Attributes: { SenderId: '1' },
      MessageAttributes: { kind: { DataType: 'String', StringValue: 'x' } },
    };

    expect(encodeQuery('ReceiveMessage', { Messages: [message, { MessageId: 'n' }] }, 'r-1')).toBe(
      xml(
        'ReceiveMessageResponse',
        '<ReceiveMessageResult>' +
          '<Message><MessageId>m</MessageId><Body>a&lt;b&gt; &amp; &quot;c&quot;&#xD;\n</Body>' +
          '<Attribute><Name>SenderId</Name><Value>1</Value></Attribute>' +
          '<MessageAttribute><Name>kind</Name><Value><DataType>String</DataType>' +
          '<StringValue>x</StringValue></Value></MessageAttribute></Message>' +
          '<Message><MessageId>n</MessageId></Message>' +
          '</ReceiveMessageResult>',
      ),
    );
  });

  it('writes the results of batches', () => {
    const output = {
      Successful: [{ Id: 'a' }],
      Failed: [{ Id: 'b', SenderFault: true, Code: 'X', Message: 'y' }],
    };

    expect(encodeQuery('DeleteMessageBatch', output, 'r-1')).toBe(
      xml(
        'DeleteMessageBatchResponse',
        '<DeleteMessageBatchResult>' +
          '<DeleteMessageBatchResultEntry><Id>a</Id></DeleteMessageBatchResultEntry>' +
          '<BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault><Code>X</Code>' +
          '<Message>y</Message></BatchResultErrorEntry>' +
          '</DeleteMessageBatchResult>',
      ),
    );
  });

  it.each([
    ['ListQueues', { QueueUrls: ['u', 'v'] }, '<QueueUrl>u</QueueUrl><QueueUrl>v</QueueUrl>'],
    ['ListDeadLetterSourceQueues', { queueUrls: ['u'] }, '<QueueUrl>u</QueueUrl>'],
    ['CreateQueue', { QueueUrl: 'u' }, '<QueueUrl>u</QueueUrl>'],
    [
      'GetQueueAttributes',
      { Attributes: { DelaySeconds: '0' } },
      '<Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute>',
    ],
    ['ListQueueTags', { Tags: { a: 'b' } }, '<Tag><Key>a</Key><Value>b</Value></Tag>'],
    [
      'ListMessageMoveTasks',
      { Results: [{ Status: 'COMPLETED', StartedTimestamp: 5 }] },
      '<ListMessageMoveTasksResultEntry><Status>COMPLETED</Status>' +
        '<StartedTimestamp>5</StartedTimestamp></ListMessageMoveTasksResultEntry>',
    ],
    ['ReceiveMessage', {}, ''],
  ])('writes the answer of %s', (operation, output, body) => {
    expect(encodeQuery(operation, output, 'r-1')).toBe(
      xml(`${operation}Response`, `<${operation}Result>${body}</${operation}Result>`),
    );
  });

  it('writes no result where the operation has none', () => {
    expect(encodeQuery('DeleteMessage', {}, 'r-1')).toBe(xml('DeleteMessageResponse', ''));
  });
});

describe('refusals', () => {
  it.each([
    ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'],
    ['QueueNameExists', 'QueueAlreadyExists'],
    ['InvalidParameterValueException', 'InvalidParameterValue'],
    ['MissingRequiredParameterException', 'MissingParameter'],
    ['EmptyBatchRequest', 'AWS.SimpleQueueService.EmptyBatchRequest'],
    ['ReceiptHandleIsInvalid', 'ReceiptHandleIsInvalid'],
    ['UnknownOperationException', 'InvalidAction'],
  ])('of the code %s are %s in the Query protocol', (code, queryCode) => {
    const error = new AwsError(code, 'no <queue>');

    expect(queryErrorHeader(error)).toBe(`${queryCode};Sender`);
    expect(encodeQueryError(error, 'r-1')).toBe(
      '<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">' +
        `<Error><Type>Sender</Type><Code>${queryCode}</Code><Message>no &lt;queue&gt;</Message><Detail></Detail></Error>` +
        '<RequestId>r-1</RequestId></ErrorResponse>',
    );
  });

  it('of our own are the fault of the receiver', () => {
    expect(queryErrorHeader(new AwsError('InternalFailure', 'x', { status: 500 }))).toBe(
      'InternalFailure;Receiver',
    );
  });
});
