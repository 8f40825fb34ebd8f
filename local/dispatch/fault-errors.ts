/** What each service says when it throttles or breaks; the SDK retries all of them. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { ServiceName } from '#local/kernel/engine.ts';

const throttles: Readonly<Record<ServiceName, readonly [code: string, status: number]>> = {
  dynamodb: ['ProvisionedThroughputExceededException', 400],
  dynamodbstreams: ['ThrottlingException', 400],
  kinesis: ['ProvisionedThroughputExceededException', 400],
  sqs: ['RequestThrottled', 400],
  states: ['ThrottlingException', 400],
  lambda: ['TooManyRequestsException', 429],
  s3: ['SlowDown', 503],
  secretsmanager: ['ThrottlingException', 400],
  scheduler: ['ThrottlingException', 429],
  logs: ['ThrottlingException', 400],
};

const serverErrors: Readonly<Record<ServiceName, string>> = {
  dynamodb: 'InternalServerError',
  dynamodbstreams: 'InternalServerError',
  kinesis: 'InternalFailureException',
  sqs: 'InternalFailure',
  states: 'InternalFailure',
  lambda: 'ServiceException',
  s3: 'InternalError',
  secretsmanager: 'InternalServiceError',
  scheduler: 'InternalServerException',
  logs: 'ServiceUnavailableException',
};

/** The service's refusal of too many requests. */
export const throttle = (service: ServiceName): AwsError => {
  const [code, status] = throttles[service];
  return new AwsError(code, 'the rate of requests exceeds the allowed throughput', { status });
};

/** The service's own fault, status 500. */
export const serverError = (service: ServiceName, message = 'the request failed'): AwsError =>
  new AwsError(serverErrors[service], message, { status: 500 });
