/**
 * The refusals of SQS. Codes are those of the JSON protocol; the older Query protocol, the entries of a batch and
 * the header `x-amzn-query-error` use other names for the same, which are here too.
 */
import { AwsError } from '#local/kernel/aws-error.ts';

const queryCodes: Readonly<Record<string, string>> = {
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  InvalidParameterValueException: 'InvalidParameterValue',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  MissingRequiredParameterException: 'MissingParameter',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  UnknownOperationException: 'InvalidAction',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
};

/** The code the Query protocol and batch entries use for the error. */
export const queryCode = (error: AwsError): string => queryCodes[error.code] ?? error.code;

/** Who is at fault, in the words of the Query protocol. */
export const faultOf = (error: AwsError): 'Sender' | 'Receiver' =>
  error.status < 500 ? 'Sender' : 'Receiver';

/** The value of the header `x-amzn-query-error` that goes with the error in the JSON protocol. */
export const queryErrorHeader = (error: AwsError): string => `${queryCode(error)};${faultOf(error)}`;

/** A value that is not allowed. */
export const invalidValue = (message: string): AwsError =>
  new AwsError('InvalidParameterValueException', message);

/** A value that is not allowed for the parameter, with the reason. */
export const invalidParameter = (name: string, value: unknown, reason: string): AwsError =>
  invalidValue(`Value ${String(value)} for parameter ${name} is invalid. Reason: ${reason}`);

/** A parameter that must be there. */
export const missingParameter = (name: string): AwsError =>
  new AwsError('MissingRequiredParameterException', `The request must contain the parameter ${name}.`);

/** No queue has the name. */
export const queueDoesNotExist = (): AwsError =>
  new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');

/** The text is no receipt handle of the queue. */
export const invalidReceiptHandle = (handle: string): AwsError =>
  new AwsError(
    'ReceiptHandleIsInvalid',
    `The input receipt handle "${handle}" is not a valid receipt handle.`,
    {
      status: 404,
    },
  );

/** Queues of this kind have no attribute of the name. */
export const unknownAttribute = (name: string): AwsError =>
  new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);

/** The attribute may not have the value. */
export const invalidAttribute = (name: string): AwsError =>
  new AwsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
