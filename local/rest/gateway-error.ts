/** What the gateway answers by itself: the gateway responses of the template, else the catalogue's words. */
import { errorCatalogue } from '#contracts/errors.ts';
import type { ErrorBody, ErrorCode } from '#contracts/errors.ts';
import type { RestResponse } from '#local/rest/rest-message.ts';
import type { Resource } from '#local/template/resolve-stack.ts';

/** Why a request never got a function's answer. */
export type GatewayFault =
  'no_route' | 'body_too_large' | 'foreign_host' | 'broken_function' | 'function_timeout';

export type AnswerFault = (fault: GatewayFault, requestId: string) => RestResponse;

interface FaultRule {
  /** Gateway response types of AWS, the first that the template declares wins. */
  readonly types: readonly string[];
  /** Status when the template sets none. */
  readonly status: number;
  readonly code: ErrorCode;
  /** Said instead of what the catalogue says of the code. */
  readonly message?: string;
}

const rules: Readonly<Record<GatewayFault, FaultRule>> = {
  no_route: { types: ['MISSING_AUTHENTICATION_TOKEN', 'DEFAULT_4XX'], status: 404, code: 'route_not_found' },
  body_too_large: { types: ['REQUEST_TOO_LARGE', 'DEFAULT_4XX'], status: 413, code: 'payload_too_large' },
  foreign_host: {
    types: [],
    status: 403,
    code: 'forbidden',
    message: 'this host name is not served; use 127.0.0.1',
  },
  broken_function: { types: ['DEFAULT_5XX'], status: 502, code: 'internal' },
  function_timeout: { types: ['INTEGRATION_TIMEOUT', 'DEFAULT_5XX'], status: 504, code: 'internal' },
};

/** Answers faults as the API's gateway responses among the resources say. */
export const gatewayFaults = (resources: readonly Resource[]): AnswerFault => {
  const declared = new Map(
    resources
      .filter(({ type }) => type === 'AWS::ApiGateway::GatewayResponse')
      .map(({ properties }) => [String(properties['ResponseType']), properties]),
  );
  return (fault, requestId) => {
    const { types, status, ...rule } = rules[fault];
    const properties = types.map((type) => declared.get(type)).find((found) => found !== undefined);
    const headers = { 'content-type': ['application/json'], 'x-request-id': [requestId] };
    const template = templateOf(properties);
    if (template === undefined)
      return { status, headers, body: Buffer.from(JSON.stringify(ruleBody(rule, requestId))) };
    return {
      status: Number(properties?.['StatusCode'] ?? status),
      headers,
      body: Buffer.from(template.replaceAll('$context.requestId', requestId)),
    };
  };
};

const templateOf = (properties: Readonly<Record<string, unknown>> | undefined): string | undefined => {
  const templates = properties?.['ResponseTemplates'];
  if (templates === null || typeof templates !== 'object') return undefined;
  const template = 'application/json' in templates ? templates['application/json'] : undefined;
  return typeof template === 'string' ? template : undefined;
};

const ruleBody = ({ code, message }: Pick<FaultRule, 'code' | 'message'>, requestId: string): ErrorBody => ({
  code,
  message: message ?? errorCatalogue[code].cause,
  requestId,
  retryable: errorCatalogue[code].retryable,
});
