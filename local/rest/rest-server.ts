/** The REST front on a loopback port; a Host header of any other name is refused against DNS rebinding. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import type { Activity } from '#local/kernel/activity.ts';
import type { AnswerFault, GatewayFault } from '#local/rest/gateway-error.ts';
import { BODY_BYTES_MAX, requestIdOf } from '#local/rest/rest-front.ts';
import type { RestFront } from '#local/rest/rest-front.ts';
import type { RestRequest, RestResponse } from '#local/rest/rest-message.ts';

/** A front that listens; `close` ends open connections too. */
export interface RestServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** What the server is made of. */
export interface RestServerParts {
  readonly front: RestFront;
  readonly answerFault: AnswerFault;
  readonly activity: Activity;
  /** 0 is any free port. */
  readonly port: number;
}

const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;

/** Listens on 127.0.0.1 only; rejects with the system's error when the port is taken. */
export const listenRest = async ({
  front,
  answerFault,
  activity,
  port,
}: RestServerParts): Promise<RestServer> => {
  const server = createServer((incoming, outgoing) => {
    serve({ front, answerFault, activity, incoming, outgoing }).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${portOf(server)}`, close: () => closeServer(server) };
};

interface Exchange {
  readonly front: RestFront;
  readonly answerFault: AnswerFault;
  readonly activity: Activity;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

const serve = async ({ front, answerFault, activity, incoming, outgoing }: Exchange): Promise<void> => {
  const head: RestRequest = {
    method: incoming.method ?? 'GET',
    target: incoming.url ?? '/',
    headers: Object.fromEntries(
      Object.entries(incoming.headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    ),
    body: new Uint8Array(),
    sourceIp: incoming.socket.remoteAddress ?? '127.0.0.1',
  };
  const refuse = (fault: GatewayFault): void => writeWhole(outgoing, answerFault(fault, requestIdOf(head)));
  if (!LOOPBACK_HOST.test(incoming.headers.host ?? '')) {
    refuse('foreign_host');
    return;
  }
  const end = activity.begin();
  const body = await readBody(incoming).finally(end);
  if (body === undefined) {
    refuse('body_too_large');
    return;
  }
  await front(
    { ...head, body },
    {
      head: (status, headers) => {
        outgoing.writeHead(status, mutable(headers));
        outgoing.flushHeaders();
      },
      chunk: (bytes) => outgoing.write(bytes),
      end: () => outgoing.end(),
    },
  );
};

/** The body, or undefined when it is over the limit; the rest is then read and thrown away. */
const readBody = async (incoming: IncomingMessage): Promise<Uint8Array | undefined> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes > BODY_BYTES_MAX ? undefined : Buffer.concat(chunks);
};

const writeWhole = (outgoing: ServerResponse, { status, headers, body }: RestResponse): void => {
  outgoing.writeHead(status, mutable(headers));
  outgoing.end(body);
};

const mutable = (headers: RestResponse['headers']): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, [first = '', ...more]]) => [
      name,
      more.length === 0 ? first : [first, ...more],
    ]),
  );

const portOf = (server: Server): number => {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
};

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
