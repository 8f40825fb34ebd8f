/**
 * Answers a client from the wire with real bytes and none of its middleware: a step at the very front that does
 * not call the next one. It serializes and deserializes with the client's own protocol, so inputs, outputs and
 * modelled exceptions are the real ones; signing, endpoint rules, retries and user agent are skipped. A put costs
 * a fraction of what it costs through the whole stack, which is most of the time of a local run.
 */
import type { WireHandler } from '#local/wire/message.ts';

/** Any client of the SDK. */
export interface SdkClient {
  readonly config: object;
  readonly middlewareStack: object;
}

/** An operation as the SDK's protocols take it. */
interface OperationSchema {
  readonly name: unknown;
  readonly namespace: unknown;
  readonly traits: unknown;
  readonly input: unknown;
  readonly output: unknown;
}

interface SerializedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

interface Response {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

interface Protocol {
  serializeRequest(schema: OperationSchema, input: object, context: object): Promise<SerializedRequest>;
  deserializeResponse(schema: OperationSchema, context: object, response: Response): Promise<object>;
}

interface Arguments {
  readonly input: object;
}

type Middleware = (
  next: unknown,
  context: object,
) => (args: Arguments) => Promise<{ readonly response: Response; readonly output: object }>;

interface MiddlewareStack {
  add(middleware: Middleware, options: object): void;
}

const SMITHY_CONTEXT = '__smithy_context';
/** What the SDK calls a static operation schema. */
const OPERATION_SCHEMA = 9;

/** Puts the step in front of the client's middleware; leaves clients of other protocols (S3) as they are. */
export const installShortCircuit = (client: SdkClient, handle: WireHandler): void => {
  const protocol: unknown = Reflect.get(client.config, 'protocol');
  if (!isProtocol(protocol) || !isMiddlewareStack(client.middlewareStack)) {
    throw new Error('this version of the SDK client shows no protocol; use the handler fidelity');
  }
  if (!isJsonRpc(protocol)) return;
  const endpoint = { protocol: 'http:', hostname: '127.0.0.1', path: '/' };
  // The rest of the context is the client's configuration, read through and never copied.
  const context = Object.assign(Object.create(client.config) as object, { endpoint: () => endpoint });
  const middleware: Middleware = (_next, execution) => {
    const schema = operationSchemaOf(execution);
    return async ({ input }) => {
      const request = await protocol.serializeRequest(schema, input, context);
      const { method, path, headers } = request;
      const answer = await handle({ method, path, query: '', headers, body: viewOf(request.body) });
      const response = { statusCode: answer.status, headers: { ...answer.headers }, body: answer.body };
      return { response, output: await protocol.deserializeResponse(schema, context, response) };
    };
  };
  client.middlewareStack.add(middleware, {
    step: 'initialize',
    priority: 'high',
    name: 'localShortCircuit',
    override: true,
  });
  // The stack of a command no longer depends on its input, so it need not be built for each request.
  Reflect.set(client.config, 'cacheMiddleware', true);
};

/** A view of its own: the SDK's bytes warn when something takes them for text. */
const viewOf = (body: Uint8Array | string): Uint8Array =>
  typeof body === 'string'
    ? Buffer.from(body)
    : new Uint8Array(body.buffer, body.byteOffset, body.byteLength);

const operationSchemaOf = (execution: object): OperationSchema => {
  const smithy: unknown = Reflect.get(execution, SMITHY_CONTEXT);
  const schema: unknown =
    typeof smithy === 'object' && smithy !== null ? Reflect.get(smithy, 'operationSchema') : undefined;
  if (!Array.isArray(schema) || schema[0] !== OPERATION_SCHEMA) {
    throw new Error('this version of the SDK shows no operation schema; use the handler fidelity');
  }
  const [, namespace, name, traits, input, output] = schema as readonly unknown[];
  return { name, namespace, traits, input, output };
};

const isProtocol = (value: unknown): value is Protocol & { getShapeId(): string } =>
  typeof value === 'object' &&
  value !== null &&
  'serializeRequest' in value &&
  'deserializeResponse' in value &&
  'getShapeId' in value &&
  typeof value.getShapeId === 'function';

const isJsonRpc = (protocol: { getShapeId(): string }): boolean =>
  protocol.getShapeId().startsWith('aws.protocols#awsJson1_');

const isMiddlewareStack = (value: object): value is MiddlewareStack =>
  'add' in value && typeof value.add === 'function';
