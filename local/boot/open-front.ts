/** Opens the HTTP API of the template, in process and, when wanted, on a port. */
import type { Cloud, CloudRequest, CloudResponse } from '#local/boot/cloud.ts';
import type { StackSettings } from '#local/boot/stack-settings.ts';
import type { Activity } from '#local/kernel/activity.ts';
import type { Clock } from '#local/kernel/clock.ts';
import type { LambdaHost } from '#local/lambda/lambda-host.ts';
import { gatewayFaults } from '#local/rest/gateway-error.ts';
import { requestFront, restFront } from '#local/rest/rest-front.ts';
import { listenRest } from '#local/rest/rest-server.ts';
import { routeTree } from '#local/rest/route-tree.ts';

/** What the HTTP API is opened on. */
export interface FrontParts {
  readonly settings: StackSettings;
  readonly host: LambdaHost;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly accountId: string;
  readonly apiPort: number | undefined;
  readonly log: (text: string) => void;
}

/** The HTTP API, answering in process and perhaps on a port. */
export interface OpenFront {
  readonly url: string | undefined;
  readonly request: Cloud['request'];
  readonly close: () => Promise<void>;
}

/** A front that answers; rejects when the port is taken. */
export const openFront = async (parts: FrontParts): Promise<OpenFront> => {
  const { settings, host, clock, activity, accountId, apiPort, log } = parts;
  const answerFault = gatewayFaults(settings.resources);
  const front = restFront({
    findRoute: routeTree(settings.routes),
    answerFault,
    host,
    clock,
    accountId,
    stage: settings.api.stage,
    apiId: settings.api.id,
    log,
  });
  const server =
    apiPort === undefined ? undefined : await listenRest({ front, answerFault, activity, port: apiPort });
  return {
    url: server?.url,
    close: server?.close ?? (() => Promise.resolve()),
    request: async (method, path, request = {}) => {
      const { status, headers, body } = await requestFront(front, {
        method,
        target: path,
        headers: headersOf(request),
        body: bodyOf(request),
        sourceIp: '127.0.0.1',
      });
      return responseOf(status, headers, Buffer.from(body).toString('utf8'));
    },
  };
};

const headersOf = ({ headers = {}, body }: CloudRequest): Readonly<Record<string, string>> => ({
  host: 'localhost',
  ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
});

const bodyOf = ({ body }: CloudRequest): Uint8Array => {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
};

const responseOf = (status: number, headers: CloudResponse['headers'], text: string): CloudResponse => ({
  status,
  headers,
  text,
  json: () => JSON.parse(text) as unknown,
});
