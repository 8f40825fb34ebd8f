/** The Query protocol (form in, XML out) of SQS for older clients, and of STS for `get-caller-identity`. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import type { Json } from '#local/kernel/engine.ts';
import { faultOf, queryCode } from '#local/sqs/refusal.ts';
import { bodyText, type WireRequest, type WireResponse } from '#local/wire/message.ts';

/** Turns a service's forms into the input of its JSON protocol and its output into XML. */
export interface QueryCodec {
  readonly decode: (
    form: URLSearchParams,
    path: string,
  ) => { readonly operation: string; readonly input: Json };
  readonly encode: (operation: string, output: Json, requestId: string) => string;
}

export interface QuerySetting {
  readonly dispatcher: Dispatcher;
  readonly accountId: string;
  readonly sqsQuery?: QueryCodec;
}

const SQS_VERSION = '2012-11-05';
const STS_VERSION = '2011-06-15';
const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** Answers a form; refuses every other service and version by name. */
export const answerQuery = async (
  setting: QuerySetting,
  request: WireRequest,
  requestId: string,
): Promise<WireResponse> => {
  const form = new URLSearchParams(bodyText(request));
  const action = form.get('Action') ?? '';
  const version = form.get('Version') ?? '';
  try {
    if (version === STS_VERSION && action === 'GetCallerIdentity')
      return respond(200, callerIdentity(setting.accountId, requestId), requestId);
    if (version !== SQS_VERSION || !setting.sqsQuery) throw unknownAction(action, version);
    const { operation, input } = setting.sqsQuery.decode(form, request.path);
    const output = await setting.dispatcher.call('sqs', operation, input);
    return respond(200, setting.sqsQuery.encode(operation, output, requestId), requestId);
  } catch (error) {
    if (error instanceof AwsError) return respond(error.status, refusal(error, requestId), requestId);
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

const refusal = (error: AwsError, requestId: string): string =>
  `<ErrorResponse><Error><Type>${faultOf(error)}</Type>` +
  `<Code>${escapeXml(queryCode(error))}</Code><Message>${escapeXml(error.message)}</Message></Error>` +
  `<RequestId>${requestId}</RequestId></ErrorResponse>`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
