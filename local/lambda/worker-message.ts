/** What passes between the worker host and the environment inside a worker thread. */
import type { MessagePort } from 'node:worker_threads';

import type { ContextData } from '#local/lambda/lambda-context.ts';
import type { StreamMeta } from '#local/lambda/lambda-host.ts';

/** How an environment begins. */
export interface WorkerData {
  readonly file: string;
  readonly exportName: string;
  /** AWS calls go over this port to the main thread. */
  readonly awsPort: MessagePort;
  readonly region: string;
  /** The local issuer's documents by URL. */
  readonly documents: readonly (readonly [url: string, body: string])[];
}

/** Asks an environment to run its handler once. */
export interface InvokeMessage {
  readonly id: string;
  readonly event: unknown;
  readonly context: ContextData;
  readonly lineage: readonly (readonly [string, number])[];
}

/** An error as the Lambda service reports it, fit to cross a thread border. */
export interface ReportedError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace: readonly string[];
}

export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ReportedError }
  | { readonly kind: 'meta'; readonly id: string; readonly meta: StreamMeta }
  | { readonly kind: 'chunk'; readonly id: string; readonly chunk: Uint8Array }
  | { readonly kind: 'answer'; readonly id: string; readonly answer: unknown }
  | { readonly kind: 'error'; readonly id: string; readonly error: ReportedError };
