/** Names SQS errors had in its Query protocol; JSON clients still get them in a header. */
import type { AwsError } from '#local/kernel/aws-error.ts';

const legacyCodes: Readonly<Record<string, string>> = {
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  QueueDeletedRecently: 'AWS.SimpleQueueService.QueueDeletedRecently',
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
};

/** The code of an error in the Query protocol. */
export const queryErrorCode = ({ code }: AwsError): string => legacyCodes[code] ?? code;

/** The header that carries code and fault to clients of the JSON protocol. */
export const queryErrorHeader = (error: AwsError): Readonly<Record<string, string>> => ({
  'x-amzn-query-error': `${queryErrorCode(error)};${error.status < 500 ? 'Sender' : 'Receiver'}`,
});
