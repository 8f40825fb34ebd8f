/** A door to the API that loses answers, for workers that must bear it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface LossyDoor {
  readonly url: string;
  /** Kinds of requests that have lost an answer. */
  readonly lost: readonly string[];
  readonly close: () => void;
}

/** In front of the API: of each kind of request the first one that counts arrives, and its answer is lost. */
export const lossyDoor = async (apiUrl: string): Promise<LossyDoor> => {
  const lost: string[] = [];
  const server = createServer((request, response) => {
    const pass = async (): Promise<void> => {
      const { host: _host, connection: _connection, ...headers } = request.headers;
      const { port } = server.address() as AddressInfo;
      const answer = await fetch(apiUrl + (request.url ?? ''), {
        method: 'POST',
        headers: headers as Record<string, string>,
        body: await text(request),
      });
      const body = (await answer.text()).replaceAll(apiUrl, `http://127.0.0.1:${port}`);
      const kind = request.url?.split('/').at(-1) ?? '';
      if (lost.includes(kind) || body === '{"tasks":[]}') {
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(body);
        return;
      }
      lost.push(kind);
      // Half of it, so that the status alone would look well.
      response.writeHead(answer.status, { 'content-length': body.length }).write(body.slice(0, 20));
      setImmediate(() => response.destroy());
    };
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, lost, close: () => void server.close() };
};
