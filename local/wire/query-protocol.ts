/** The Query protocol (form in, XML out) of SQS for older clients, and of STS for `get-caller-identity`. */
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { decodeQuery, encodeQuery, encodeQueryError } from '#local/sqs/query-protocol.ts';
import { bodyText, type WireRequest, type WireResponse } from '#local/wire/message.ts';

export interface QuerySetting {
  readonly dispatcher: Dispatcher;
  readonly accountId: string;
}

const SQS_VERSION = '2012-11-05';
const STS_VERSION = '2011-06-15';
const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** Answers a form; refuses every other service and version by name. */
export const answerQuery = async (
  { dispatcher, accountId }: QuerySetting,
  request: WireRequest,
  requestId: string,
): Promise<WireResponse> => {
  const form = new URLSearchParams(bodyText(request));
  const action = form.get('Action') ?? '';
  const version = form.get('Version') ?? '';
  try {
    if (version === STS_VERSION && action === 'GetCallerIdentity')
      return respond(200, callerIdentity(accountId, requestId), requestId);
    if (version !== SQS_VERSION) throw unknownAction(action, version);
    const { operation, input } = decodeQuery(form, request.path);
    const output = await dispatcher.call('sqs', operation, input);
    return respond(200, encodeQuery(operation, output, requestId), requestId);
  } catch (error) {
    if (error instanceof AwsError)
      return respond(error.status, encodeQueryError(error, requestId), requestId);
    throw error;
  }
};

const unknownAction = (action: string, version: string): AwsError =>
  new AwsError(
    'UnknownOperationException',
    `the local cloud does not support the action ${action} of version ${version}`,
  );

const respond = (status: number, xml: string, requestId: string): WireResponse => ({
  status,
  headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
  body: Buffer.from(xml),
});

const callerIdentity = (accountId: string, requestId: string): string =>
  `<GetCallerIdentityResponse xmlns="${STS_NAMESPACE}"><GetCallerIdentityResult>` +
  `<Arn>arn:aws:iam::${accountId}:root</Arn><UserId>${accountId}</UserId><Account>${accountId}</Account>` +
  `</GetCallerIdentityResult><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>` +
  '</GetCallerIdentityResponse>';
