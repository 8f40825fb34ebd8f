/** One worker thread that holds a function's environment: started once, asked many times, killed on timeout. */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';

import { currentLineage } from '#local/mapping/lineage.ts';
import { handlerExport, handlerFile, runtimeEnvironment } from '#local/lambda/direct-host.ts';
import { contextData } from '#local/lambda/lambda-context.ts';
import { FunctionError, timedOut } from '#local/lambda/lambda-host.ts';
import type { FunctionSetting, StreamListener } from '#local/lambda/lambda-host.ts';
import { workerProgram } from '#local/lambda/worker-program.ts';
import type {
  InvokeMessage,
  ReportedError,
  WorkerData,
  WorkerMessage,
} from '#local/lambda/worker-message.ts';

/** What an environment is started with. */
export interface WorkerEnvironmentParts {
  readonly setting: FunctionSetting;
  /** Answers the AWS calls of the function that come over the port. */
  readonly attachPort: (port: MessagePort, setting: FunctionSetting) => void;
  /** The local issuer's documents by URL. */
  readonly documents: ReadonlyMap<string, string>;
  readonly log: (text: string) => void;
  /** Told when the thread ends for whatever reason; nothing new may be sent to it. */
  readonly onEnd: () => void;
}

/** A function loaded in a thread. */
export interface WorkerEnvironment {
  readonly ready: Promise<void>;
  readonly invoke: (id: string, event: unknown, listener: StreamListener) => Promise<unknown>;
  readonly inFlightCount: () => number;
  readonly end: () => Promise<void>;
}

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: FunctionError) => void;
  readonly listener: StreamListener;
}

/** Heap a worker needs beside what the template grants the function. */
const HEAP_MB_MIN = 64;

/** Starts the thread; invocations wait until the handler's module is loaded. */
export const workerEnvironment = (parts: WorkerEnvironmentParts): WorkerEnvironment => {
  const { setting } = parts;
  const pending = new Map<string, Pending>();
  const worker = startWorker(parts);
  let settleReady: { resolve: () => void; reject: (error: FunctionError) => void } | undefined;
  const ready = new Promise<void>((resolve, reject) => {
    settleReady = { resolve, reject };
  });
  ready.catch(() => undefined);

  const fail = (error: FunctionError): void => {
    settleReady?.reject(error);
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'ready') settleReady?.resolve();
    else if (message.kind === 'failed') fail(reported(message.error));
    else deliver(pending, message);
  });
  worker.on('error', (error: Error & { code?: string }) => {
    const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    fail(new FunctionError(isMemory ? 'Runtime.OutOfMemory' : 'Runtime.UnhandledError', error.message));
  });
  worker.once('exit', (code) => {
    fail(
      new FunctionError('Runtime.ExitError', `RequestId: unknown Error: Runtime exited with code ${code}`),
    );
    parts.onEnd();
  });

  const invoke = async (id: string, event: unknown, listener: StreamListener): Promise<unknown> => {
    await ready;
    const answered = new Promise<unknown>((resolve, reject) =>
      pending.set(id, { resolve, reject, listener }),
    );
    const message: InvokeMessage = {
      id,
      event,
      context: contextData(setting, id, Date.now()),
      lineage: [...currentLineage()],
    };
    worker.postMessage(message);
    const timer = setTimeout(() => {
      pending.get(id)?.reject(timedOut(setting));
      pending.delete(id);
      parts.onEnd();
      void worker.terminate();
    }, setting.timeoutMs);
    return answered.finally(() => clearTimeout(timer));
  };
  return {
    ready,
    invoke,
    inFlightCount: () => pending.size,
    end: async () => {
      await worker.terminate();
    },
  };
};

const startWorker = ({ setting, attachPort, documents, log }: WorkerEnvironmentParts): Worker => {
  const { port1, port2 } = new MessageChannel();
  const workerData: WorkerData = {
    file: handlerFile(setting),
    exportName: handlerExport(setting),
    awsPort: port2,
    region: setting.arn.split(':')[3] ?? 'us-east-1',
    documents: [...documents],
  };
  const worker = new Worker(workerProgram(), {
    workerData,
    transferList: [port2],
    execArgv: [],
    stdout: true,
    stderr: true,
    env: {
      ...setting.environment,
      ...runtimeEnvironment(setting),
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    resourceLimits: { maxOldGenerationSizeMb: Math.max(HEAP_MB_MIN, setting.memoryMb) },
  });
  for (const output of [worker.stdout, worker.stderr])
    output.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line !== '') log(`${setting.name}: ${line}`);
    });
  attachPort(port1, setting);
  port1.unref();
  worker.unref();
  return worker;
};

const deliver = (
  pending: Map<string, Pending>,
  message: Exclude<WorkerMessage, { kind: 'ready' | 'failed' }>,
): void => {
  const call = pending.get(message.id);
  if (call === undefined) return;
  switch (message.kind) {
    case 'meta':
      call.listener.onMeta?.(message.meta);
      return;
    case 'chunk':
      call.listener.onChunk?.(message.chunk);
      return;
    case 'answer':
      pending.delete(message.id);
      call.resolve(message.answer);
      return;
    case 'error':
      pending.delete(message.id);
      call.reject(reported(message.error));
  }
};

const reported = ({ errorType, errorMessage, stackTrace }: ReportedError): FunctionError =>
  new FunctionError(errorType, errorMessage, stackTrace);
