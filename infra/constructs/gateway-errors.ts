/** What the gateway answers on its own, in the same error contract the functions keep. */
import { ResponseType } from 'aws-cdk-lib/aws-apigateway';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';

import { errorCatalogue } from '#contracts/errors.ts';
import type { ErrorCode } from '#contracts/errors.ts';

/** Each answer of the gateway and the code it stands for. */
const gatewayErrors: readonly (readonly [ResponseType, ErrorCode])[] = [
  // The gateway's name for a path that no route has; `ANY` answers the methods a path does not have.
  [ResponseType.MISSING_AUTHENTICATION_TOKEN, 'route_not_found'],
  [ResponseType.RESOURCE_NOT_FOUND, 'route_not_found'],
  [ResponseType.REQUEST_TOO_LARGE, 'payload_too_large'],
  [ResponseType.UNSUPPORTED_MEDIA_TYPE, 'unsupported_media_type'],
  [ResponseType.THROTTLED, 'rate_limited'],
  [ResponseType.QUOTA_EXCEEDED, 'rate_limited'],
  [ResponseType.INTEGRATION_FAILURE, 'unavailable'],
  [ResponseType.INTEGRATION_TIMEOUT, 'unavailable'],
  [ResponseType.DEFAULT_4XX, 'invalid_request'],
  [ResponseType.DEFAULT_5XX, 'internal'],
];

/** Makes every answer of the gateway itself an `ErrorBody`. The two defaults keep the status they stand for. */
export const addGatewayErrors = (api: RestApi): void => {
  for (const [type, code] of gatewayErrors) {
    const { status, retryable, cause } = errorCatalogue[code];
    const isDefault = type.responseType.startsWith('DEFAULT_');
    api.addGatewayResponse(`Error${pascal(type.responseType)}`, {
      type,
      ...(isDefault ? {} : { statusCode: String(status) }),
      responseHeaders: { 'x-request-id': 'context.requestId' },
      templates: {
        'application/json': JSON.stringify({
          code,
          message: cause,
          requestId: '$context.requestId',
          retryable,
        }),
      },
    });
  }
};

const pascal = (constant: string): string =>
  constant
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
