/**
 * One loopback port for HTTP/1.1 and HTTP/2 without TLS: the first bytes of a connection tell which it is, since
 * the Kinesis client speaks HTTP/2 to any endpoint. Signatures are not checked, but a request without one is
 * refused: a web page can make a browser post a form here, and cannot make it send that header.
 */
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import type { WireHandler, WireRequest, WireResponse } from '#local/wire/message.ts';

export interface Listening {
  readonly port: number;
  /** Ends every connection. */
  readonly close: () => Promise<void>;
}

/** What a port serves. */
export interface Served {
  readonly handle: WireHandler;
  /** Public JSON by path, for callers without credentials: the documents of the token issuer. */
  readonly documents?: ReadonlyMap<string, string>;
}

/** The largest request body that is read, in bytes. */
export const BODY_MAX_BYTES = 16 * 1024 * 1024;

const FORGET_MAX_BYTES = 4 * BODY_MAX_BYTES;
const HOST = '127.0.0.1';
const PREFACE = 'PRI';
/** Longer than clients keep idle connections, so that none is closed under a request. */
const KEEP_ALIVE_MS = 120_000;

type Incoming = http.IncomingMessage | http2.Http2ServerRequest;
type Outgoing = http.ServerResponse | http2.Http2ServerResponse;

/** Serves the handler; rejects with the error of the system when the port cannot be had. */
export const listen = async (served: Served, port: number): Promise<Listening> => {
  const act = (incoming: Incoming, outgoing: Outgoing): void => void exchange(served, incoming, outgoing);
  const http1 = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, act);
  const h2c = http2.createServer({ settings: { maxConcurrentStreams: 1000 } }, act);
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    sniff(socket, Buffer.alloc(0), (isHttp2) => (isHttp2 ? h2c : http1).emit('connection', socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

/** Looks at the first bytes and puts them back. */
const sniff = (socket: net.Socket, before: Buffer, decide: (isHttp2: boolean) => void): void => {
  socket.once('data', (chunk: Buffer) => {
    socket.pause();
    const seen = Buffer.concat([before, chunk]);
    const start = seen.subarray(0, PREFACE.length).toString('latin1');
    if (start.length < PREFACE.length && PREFACE.startsWith(start)) {
      sniff(socket, seen, decide);
      socket.resume();
      return;
    }
    socket.unshift(seen);
    decide(start === PREFACE);
    process.nextTick(() => socket.resume());
  });
};

const exchange = async (served: Served, incoming: Incoming, outgoing: Outgoing): Promise<void> => {
  try {
    send(outgoing, await respondTo(served, incoming));
  } catch {
    // A lost answer, or a client that left: either way the connection breaks without one.
    if (outgoing instanceof http2.Http2ServerResponse)
      outgoing.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    else incoming.socket.destroy();
  }
};

const respondTo = async ({ handle, documents }: Served, incoming: Incoming): Promise<WireResponse> => {
  const request = requestOf(incoming);
  if (request.method === 'GET' && request.path === '/health') return json('{"status":"ok"}');
  const document = request.method === 'GET' ? documents?.get(request.path) : undefined;
  if (document !== undefined) return json(document);
  if (!(request.headers['authorization'] ?? '').startsWith('AWS'))
    return refuse(
      403,
      'MissingAuthenticationTokenException',
      'the request is not signed: any credentials do',
    );
  const body = await read(incoming);
  if (body) return handle({ ...request, body });
  return refuse(413, 'RequestEntityTooLargeException', `the body is over ${BODY_MAX_BYTES} bytes`);
};

const json = (text: string): WireResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(text),
});

const requestOf = (incoming: Incoming): Omit<WireRequest, 'body'> => {
  const [path = '/', ...query] = (incoming.url ?? '/').split('?');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined && !name.startsWith(':'))
      headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { method: incoming.method ?? 'GET', path, query: query.join('?'), headers };
};

/** The body, or undefined when it is over the limit: the rest is read and forgotten, so that the client listens. */
const read = (incoming: Incoming): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let byteCount = 0;
    incoming.on('data', (chunk: Buffer) => {
      byteCount += chunk.length;
      if (byteCount <= BODY_MAX_BYTES) chunks.push(chunk);
      else chunks = [];
      if (byteCount > FORGET_MAX_BYTES) incoming.destroy();
    });
    incoming.once('end', () =>
      resolve(byteCount > BODY_MAX_BYTES ? undefined : Buffer.concat(chunks, byteCount)),
    );
    incoming.once('error', reject);
    incoming.once('close', () => reject(new Error('the client left')));
  });

const refuse = (status: number, code: string, message: string): WireResponse => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': code, connection: 'close' },
  body: Buffer.from(JSON.stringify({ __type: code, message })),
});

const send = (outgoing: Outgoing, { status, headers, body }: WireResponse): void => {
  const isHttp2 = outgoing instanceof http2.Http2ServerResponse;
  outgoing.statusCode = status;
  for (const [name, value] of Object.entries(headers)) {
    if (!(isHttp2 && name === 'connection')) outgoing.setHeader(name, value);
  }
  if (headers['content-length'] === undefined && status !== 204 && status !== 304)
    outgoing.setHeader('content-length', body.byteLength);
  outgoing.end(body);
};
