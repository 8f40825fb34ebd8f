/**
 * The wire over a MessagePort, for Lambda hosts in worker threads: what is sent in one turn of the event loop goes
 * as one message each way, its bodies in one buffer that changes owner instead of being copied.
 */
import type { MessagePort } from 'node:worker_threads';
import { LostAnswerError } from '#local/dispatch/lost-answer-error.ts';
import type { WireHandler, WireRequest, WireResponse } from '#local/wire/message.ts';

type RequestHead = Omit<WireRequest, 'body'>;

/** What an answer has beside its body; undefined when there is no answer. */
type AnswerHead = Omit<WireResponse, 'body'> | undefined;

interface Packed<Head> {
  readonly id: number;
  readonly head: Head;
  readonly byteCount: number;
}

interface Turn<Head> {
  readonly items: readonly Packed<Head>[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The client side: requests go through the port. The port keeps the thread alive only while one is unanswered. */
export const portTransport = (port: MessagePort): WireHandler => {
  const waiting = new Map<
    number,
    { readonly resolve: (response: WireResponse) => void; readonly reject: (error: Error) => void }
  >();
  const send = createSender(port);
  let lastId = 0;
  port.on('message', (turn: Turn<AnswerHead>) => {
    for (const { id, head, body } of unpack(turn)) {
      const call = waiting.get(id);
      waiting.delete(id);
      if (head) call?.resolve({ ...head, body });
      else call?.reject(new LostAnswerError('the request', String(id)));
    }
    if (waiting.size === 0) port.unref();
  });
  port.once('close', () => {
    for (const { reject } of waiting.values()) reject(new LostAnswerError('the request', 'port closed'));
    waiting.clear();
  });
  port.unref();
  return ({ body, ...head }) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      port.ref();
      send(id, head, body);
    });
};

/** The serving side: answers what comes through the port; close the port to end it. */
export const servePort = (port: MessagePort, handle: WireHandler): void => {
  const send = createSender(port);
  port.on('message', (turn: Turn<RequestHead>) => {
    for (const { id, head, body } of unpack(turn)) {
      handle({ ...head, body }).then(
        ({ body: answer, ...answerHead }) => send(id, answerHead, answer),
        () => send(id, undefined, new Uint8Array()),
      );
    }
  });
};

/** Collects until the turn ends. */
const createSender = (
  port: MessagePort,
): ((id: number, head: RequestHead | AnswerHead, body: Uint8Array) => void) => {
  let items: Packed<RequestHead | AnswerHead>[] = [];
  let bodies: Uint8Array[] = [];
  const flush = (): void => {
    const bytes = concatenate(bodies);
    port.postMessage({ items, bytes } satisfies Turn<unknown>, [bytes.buffer]);
    items = [];
    bodies = [];
  };
  return (id, head, body) => {
    if (items.length === 0) setImmediate(flush);
    items.push({ id, head, byteCount: body.byteLength });
    bodies.push(body);
  };
};

/** A buffer of its own: one of the pool cannot change owner. */
const concatenate = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
};

const unpack = <Head>({
  items,
  bytes,
}: Turn<Head>): readonly { readonly id: number; readonly head: Head; readonly body: Uint8Array }[] => {
  let at = 0;
  return items.map(({ id, head, byteCount }) => {
    const body = bytes.subarray(at, at + byteCount);
    at += byteCount;
    return { id, head, body };
  });
};
