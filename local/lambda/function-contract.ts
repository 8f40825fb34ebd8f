/**
 * What `functions/<name>/handler.ts` exports so that every host can run it:
 *
 * - `createHandler(environment, plugin?)` builds the handler from its settings. It reads settings from
 *   `environment` only (never `process.env`), and takes time, waits and fetches from the plugin when there is one.
 *   Several clouds may live in one process, so the module keeps no state of its own at top level.
 * - `handler` is what AWS and the worker host call: `createHandler(process.env)`, built at the first event.
 *
 * In both hosts `globalThis[Symbol.for('sluice.aws')]`, where AWS clients look, is the plugin of the running
 * invocation; read it when it is needed, inside `createHandler` or later, never at the top level of a module.
 * A module without `createHandler` also runs in the direct host; it then shares `process.env` with the others.
 */
import type { LambdaContext } from '#local/lambda/lambda-context.ts';

/** Where the worker host leaves the plugin before it imports a bundle. */
export const pluginSymbol: symbol = Symbol.for('sluice.aws');

/** What the local cloud lends to a function beside its AWS calls; the members of the SDK plugin join it. */
export interface HostPlugin {
  /** The cloud's time: virtual in tests. */
  readonly nowMs: () => number;
  /**
   * Waits on the cloud's clock, at most until the signal comes; a function that must wait uses nothing else, or virtual time
   * stands still.
   */
  readonly sleep: (waitMs: number, signal?: AbortSignal) => Promise<void>;
  /** Takes one line of what a function writes to its log; standard output of its thread when absent. */
  readonly write?: (line: string) => void;
  /** Answers the local issuer's documents in process; everything else goes to the network. */
  readonly fetch: typeof globalThis.fetch;
}

export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<unknown>;

/** The shape of `createHandler`. */
export type CreateHandler = (
  environment: Readonly<Record<string, string | undefined>>,
  plugin?: HostPlugin,
) => LambdaHandler;
