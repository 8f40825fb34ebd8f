/** Lambda's response streaming: the head first, then piece by piece. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** The head of a streamed HTTP answer. */
export interface StreamHead {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Takes the pieces of an answer whose head has been sent. */
export interface StreamBody {
  /** Waits until the receiver can take more; false when it has gone. */
  readonly write: (text: string) => Promise<boolean>;
}

export type HandleStream<Event> = (event: Event, open: (head: StreamHead) => StreamBody) => Promise<void>;

interface Runtime {
  readonly streamifyResponse: (
    handler: (event: unknown, stream: Writable) => Promise<void>,
  ) => (event: unknown) => Promise<unknown>;
  readonly HttpResponseStream: { readonly from: (stream: Writable, head: StreamHead) => Writable };
}

/** The runtime's own object, if it streams; AWS clients leave an object of this name behind elsewhere. */
const runtime = (): Runtime | undefined => {
  const global: object = globalThis;
  const found = Reflect.get(global, 'awslambda') as Partial<Runtime> | undefined;
  return found?.streamifyResponse === undefined ? undefined : (found as Runtime);
};

/** A handler as Lambda wants it for streaming; throws at its first event where there is no such runtime. */
export const streamedHandler = <Event>(
  handle: HandleStream<Event>,
): ((event: unknown) => Promise<unknown>) => {
  const found = runtime();
  if (!found) return () => Promise.reject(new Error('this runtime streams no answers'));
  return found.streamifyResponse(async (event, stream) => {
    let out = stream;
    await handle(event as Event, (head) => {
      out = found.HttpResponseStream.from(stream, head);
      let isOpen = true;
      // A receiver that goes closes the stream; without a listener that would end the whole environment.
      out.once('error', () => (isOpen = false));
      out.once('close', () => (isOpen = false));
      return {
        write: async (text) => {
          if (isOpen && !out.write(text)) await drained(out);
          return isOpen;
        },
      };
    });
    out.end();
  });
};

/** Waits until the receiver has taken what it was sent, or has gone. */
const drained = async (out: Writable): Promise<void> => {
  const controller = new AbortController();
  const { signal } = controller;
  await Promise.race([once(out, 'drain', { signal }), once(out, 'close', { signal })]).catch(() => undefined);
  controller.abort();
};
