/** The `awslambda` global of the Node runtime: streamed answers of a handler to a listener. */
import { Writable } from 'node:stream';

import type { LambdaHandler } from '#local/lambda/function-contract.ts';
import type { LambdaContext } from '#local/lambda/lambda-context.ts';
import type { StreamListener, StreamMeta } from '#local/lambda/lambda-host.ts';

const streamingMark = Symbol.for('sluice.streaming');
const metaMark = Symbol.for('sluice.stream-meta');

type StreamingHandler = (event: unknown, stream: Writable, context: LambdaContext) => Promise<unknown>;

interface ResponseStream extends Writable {
  setContentType: (contentType: string) => void;
  [metaMark]: (meta: StreamMeta) => void;
}

/** Makes `awslambda.streamifyResponse` and `awslambda.HttpResponseStream` known, once per thread. */
export const installStreamingRuntime = (): void => {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: StreamingHandler) => Object.assign(handler, { [streamingMark]: true }),
      HttpResponseStream: {
        from: (stream: ResponseStream, meta: StreamMeta) => {
          stream[metaMark](meta);
          return stream;
        },
      },
    },
  });
};

interface Call {
  readonly event: unknown;
  readonly context: LambdaContext;
  readonly listener: StreamListener;
}

/** Calls a handler of either kind; a streaming one answers undefined when its stream has ended. */
export const callHandler = async (
  handler: LambdaHandler | StreamingHandler,
  { event, context, listener }: Call,
): Promise<unknown> => {
  if (!isStreaming(handler)) return handler(event, context);
  const stream = responseStream(listener);
  const finished = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    stream.once('error', reject);
  });
  finished.catch(() => undefined);
  await handler(event, stream, context);
  if (!stream.writableEnded) stream.end();
  await finished;
  return undefined;
};

const isStreaming = (handler: LambdaHandler | StreamingHandler): handler is StreamingHandler =>
  streamingMark in handler;

const responseStream = ({ onMeta, onChunk }: StreamListener): ResponseStream => {
  const stream = new Writable({
    write: (chunk: Uint8Array, _encoding, callback) => {
      onChunk?.(chunk);
      callback();
    },
  });
  return Object.assign(stream, {
    setContentType: (contentType: string) =>
      onMeta?.({ statusCode: 200, headers: { 'content-type': contentType } }),
    [metaMark]: (meta: StreamMeta) => onMeta?.(meta),
  });
};
