import type { FunctionSetting } from '#local/lambda/lambda-host.ts';

/** The context object of an invocation, as far as the Node runtime documents it. */
export interface LambdaContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly awsRequestId: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  readonly getRemainingTimeInMillis: () => number;
}

/** The part of a context that can cross a thread border. */
export interface ContextData {
  readonly functionName: string;
  readonly invokedFunctionArn: string;
  readonly memoryMb: number;
  readonly awsRequestId: string;
  readonly deadlineMs: number;
}

/** What an invocation of this function that starts now is told. */
export const contextData = (setting: FunctionSetting, awsRequestId: string, nowMs: number): ContextData => ({
  functionName: setting.name,
  invokedFunctionArn: setting.arn,
  memoryMb: setting.memoryMb,
  awsRequestId,
  deadlineMs: nowMs + setting.timeoutMs,
});

/** Builds the context a handler sees; the remaining time runs on the given clock. */
export const lambdaContext = (data: ContextData, nowMs: () => number): LambdaContext => ({
  functionName: data.functionName,
  functionVersion: '$LATEST',
  invokedFunctionArn: data.invokedFunctionArn,
  memoryLimitInMB: String(data.memoryMb),
  awsRequestId: data.awsRequestId,
  logGroupName: `/aws/lambda/${data.functionName}`,
  logStreamName: 'local',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => Math.max(0, data.deadlineMs - nowMs()),
});
