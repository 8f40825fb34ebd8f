/** The SDK's `requestHandler` answered in the process: everything but the socket is the client's own. */
import { Readable } from 'node:stream';
import type { WireHandler } from '#local/wire/message.ts';

/** The part of the SDK's request this handler reads. */
export interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | Readable;
}

export interface RequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  readonly handle: (request: SdkRequest) => Promise<{ readonly response: SdkResponse }>;
  readonly updateHttpClientConfig: () => void;
  readonly httpHandlerConfigs: () => Record<string, never>;
  readonly destroy: () => void;
}

/** Hands requests to the wire. Only S3 gets its answers as streams, the others do not look at them. */
export const createRequestHandler = (handle: WireHandler): RequestHandler => ({
  metadata: { handlerProtocol: 'http/1.1' },
  handle: async (request) => {
    const headers = lowerCaseNames(request.headers);
    const { status, ...answer } = await handle({
      method: request.method,
      path: request.path,
      query: queryOf(request.query ?? {}),
      headers,
      body: await bytesOf(request.body),
    });
    const isRpc = headers['x-amz-target'] !== undefined;
    const body = isRpc ? answer.body : Readable.from(answer.body.byteLength > 0 ? [answer.body] : []);
    return { response: { statusCode: status, headers: { ...answer.headers }, body } };
  },
  updateHttpClientConfig: () => undefined,
  httpHandlerConfigs: () => ({}),
  destroy: () => undefined,
});

const lowerCaseNames = (headers: Readonly<Record<string, string>>): Record<string, string> => {
  const lower: Record<string, string> = {};
  for (const name in headers) lower[name.toLowerCase()] = headers[name] ?? '';
  return lower;
};

/** A value that is null has no equals sign, as in `?versioning`. */
const queryOf = (query: NonNullable<SdkRequest['query']>): string =>
  Object.entries(query)
    .flatMap(([name, value]) => {
      if (value === null) return [encode(name)];
      const values = typeof value === 'string' ? [value] : value;
      return values.map((each) => `${encode(name)}=${encode(each)}`);
    })
    .join('&');

const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** The bytes of whatever the SDK takes for a body. */
export const bytesOf = async (body: unknown): Promise<Uint8Array> => {
  if (typeof body === 'string') return Buffer.from(body);
  if (body === undefined || body === null) return new Uint8Array();
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  // A view of its own: the SDK's bytes warn when something takes them for text.
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (!isIterable(body))
    throw new Error('the local cloud cannot read this body; use bytes, text or a stream');
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(await bytesOf(chunk));
  return Buffer.concat(chunks);
};

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
