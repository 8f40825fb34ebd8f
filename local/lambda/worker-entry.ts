/** The program inside a worker thread: loads one bundle and runs its handler for every message. */
import { parentPort, workerData } from 'node:worker_threads';
import { pathToFileURL } from 'node:url';

import { documentFetch } from '#local/boot/document-fetch.ts';
import { pluginSymbol } from '#local/lambda/function-contract.ts';
import type { HostPlugin, LambdaHandler } from '#local/lambda/function-contract.ts';
import { lambdaContext } from '#local/lambda/lambda-context.ts';
import { functionErrorOf } from '#local/lambda/lambda-host.ts';
import { callHandler, installStreamingRuntime } from '#local/lambda/streaming-runtime.ts';
import type {
  InvokeMessage,
  ReportedError,
  WorkerData,
  WorkerMessage,
} from '#local/lambda/worker-message.ts';
import { currentLineage, traceHeader, withLineage } from '#local/mapping/lineage.ts';
import { portTransport } from '#local/sdk/port-transport.ts';
import { createSdkHost } from '#local/sdk/sdk-host.ts';
import type { WireHandler } from '#local/wire/message.ts';

const { awsPort, file, exportName, documents, region } = workerData as WorkerData;
const send = (message: WorkerMessage): void => parentPort?.postMessage(message);

const reportedError = (error: unknown): ReportedError => {
  const { errorType, message, stackTrace } = functionErrorOf(error);
  return { errorType, errorMessage: message, stackTrace };
};

/** AWS calls carry the chain of the invocation they are made in, as the SDK does on AWS. */
const tracing =
  (handle: WireHandler): WireHandler =>
  (request) =>
    handle({ ...request, headers: { ...request.headers, 'x-amzn-trace-id': traceHeader(currentLineage()) } });

const plugin: HostPlugin & ReturnType<typeof createSdkHost> = {
  ...createSdkHost({ handle: tracing(portTransport(awsPort)), fidelity: 'bytes', region }),
  nowMs: () => Date.now(),
  sleep: (waitMs, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
  fetch: documentFetch(new Map(documents)),
};

const load = async (): Promise<LambdaHandler> => {
  const module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  const handler = module[exportName];
  if (typeof handler !== 'function') throw new Error(`${file} exports no function ${exportName}`);
  return handler as LambdaHandler;
};

const run = async (handler: LambdaHandler, { id, event, context, lineage }: InvokeMessage): Promise<void> => {
  try {
    const answer = await withLineage(new Map(lineage), () =>
      callHandler(handler, {
        event,
        context: lambdaContext(context, Date.now),
        listener: {
          onMeta: (meta) => send({ kind: 'meta', id, meta }),
          onChunk: (chunk) => send({ kind: 'chunk', id, chunk }),
        },
      }),
    );
    send({ kind: 'answer', id, answer });
  } catch (error) {
    send({ kind: 'error', id, error: reportedError(error) });
  }
};

Reflect.set(globalThis, pluginSymbol, plugin);
installStreamingRuntime();
try {
  const handler = await load();
  parentPort?.on('message', (message: InvokeMessage) => void run(handler, message));
  send({ kind: 'ready' });
} catch (error) {
  send({ kind: 'failed', error: { ...reportedError(error), errorType: 'Runtime.ImportModuleError' } });
}
