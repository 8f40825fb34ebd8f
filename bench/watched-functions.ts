/** Functions of the bundles whose every invocation is seen when it has ended. */
import { pathToFileURL } from 'node:url';
import { handlerFile } from '#local/lambda/direct-host.ts';
import type { ImportModule } from '#local/lambda/direct-host.ts';
import type { CreateHandler, LambdaHandler } from '#local/lambda/function-contract.ts';
import type { FunctionSetting } from '#local/lambda/lambda-host.ts';

/** One invocation that has ended, well or not. */
export interface Invoked {
  readonly setting: FunctionSetting;
  readonly event: unknown;
  readonly durationMs: number;
}

/** Loads functions for the direct host and tells the witness of each invocation. */
export const watchedFunctions =
  (witness: (invoked: Invoked) => void): ImportModule =>
  async (setting) => {
    const module = (await import(pathToFileURL(handlerFile(setting)).href)) as {
      readonly createHandler?: CreateHandler;
      readonly handler: LambdaHandler;
    };
    const createHandler: CreateHandler = (environment, plugin) => {
      const handler = module.createHandler?.(environment, plugin) ?? module.handler;
      return async (event, context) => {
        const startedMs = performance.now();
        try {
          return await handler(event, context);
        } finally {
          witness({ setting, event, durationMs: performance.now() - startedMs });
        }
      };
    };
    return { createHandler };
  };

/** Tells when `run-inline` has come to the end of a run. */
export interface InlineEnds {
  readonly importModule: ImportModule;
  /** Resolves when the run has been taken to its end, which may be before it is asked for. */
  readonly ended: (runId: string) => Promise<void>;
}

/** A watch over in-process runs. */
export const inlineEnds = (): InlineEnds => {
  const done = new Set<string>();
  const waiting = new Map<string, () => void>();
  const end = (runId: string): void => {
    const resolve = waiting.get(runId);
    waiting.delete(runId);
    if (resolve) resolve();
    else done.add(runId);
  };
  return {
    importModule: watchedFunctions(({ setting, event }) => {
      if (!setting.name.endsWith('-run-inline')) return;
      const { Records } = event as { readonly Records: readonly { readonly body: string }[] };
      for (const { body } of Records) {
        const { stream } = JSON.parse(body) as { readonly stream: string };
        end(stream.slice(stream.lastIndexOf('/') + 1));
      }
    }),
    ended: (runId) =>
      done.delete(runId) ? Promise.resolve() : new Promise((resolve) => waiting.set(runId, resolve)),
  };
};
