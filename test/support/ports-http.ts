/** HTTP as the gateway hands it to a function, and an issuer of tokens. */
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { START_MS } from '#test/support/ports.ts';

export const ISSUER = 'https://issuer.test';
export const AUDIENCE = 'sluice-api';

export interface TestIssuer {
  /** A token of these claims, good for an hour from the start of a stage. */
  readonly token: (
    claims?: object,
    over?: { readonly issuer?: string; readonly expiresAtMs?: number },
  ) => Promise<string>;
  /** Serves the keys. */
  readonly fetch: typeof globalThis.fetch;
}

export const testIssuer = async (): Promise<TestIssuer> => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = JSON.stringify({
    keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }],
  });
  return {
    token: (claims = {}, over = {}) =>
      new SignJWT({
        sub: 'ops@acme.example',
        tenant_id: 'acme',
        workspace_id: 'prod',
        role: 'admin',
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(over.issuer ?? ISSUER)
        .setAudience(AUDIENCE)
        .setExpirationTime((over.expiresAtMs ?? START_MS + 3_600_000) / 1000)
        .sign(privateKey),
    fetch: () => Promise.resolve(new Response(keys)),
  };
};

export interface TestRequest {
  readonly method?: string;
  /** Path with its variables filled in. */
  readonly path: string;
  /** The resource as the route table spells it; the path by default. */
  readonly resource?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly text?: string;
  readonly token?: string;
}

/** A proxy event of a REST API. */
export const proxyEventOf = (request: TestRequest): APIGatewayProxyEvent => {
  const text = request.text ?? (request.body === undefined ? null : JSON.stringify(request.body));
  return {
    resource: request.resource ?? request.path,
    path: request.path,
    httpMethod: request.method ?? 'GET',
    headers: {
      ...(text === null ? {} : { 'Content-Type': 'application/json' }),
      ...(request.token === undefined ? {} : { Authorization: `Bearer ${request.token}` }),
      ...request.headers,
    },
    multiValueHeaders: {},
    queryStringParameters: request.query ?? null,
    multiValueQueryStringParameters: null,
    pathParameters: request.parameters ?? null,
    stageVariables: null,
    requestContext: { requestId: 'gateway-request', stage: 'dev', domainName: 'api.test' },
    body: text,
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEvent;
};

/** An answer with its body parsed. */
export const answerOf = ({ statusCode, headers, body }: APIGatewayProxyResult) => ({
  status: statusCode,
  headers: headers ?? {},
  body: (String(headers?.['content-type']).startsWith('text/plain')
    ? { text: body }
    : JSON.parse(body)) as Record<string, unknown>,
});
