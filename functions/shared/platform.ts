import process from 'node:process';

/** Time, waits and fetches as the host gives them: the wall clock on AWS, the cloud's own clock in tests. */
export interface Platform {
  readonly nowMs: () => number;
  /** Ends early, and well, when the signal comes. */
  readonly sleep: (waitMs: number, signal?: AbortSignal) => Promise<void>;
  readonly fetch: typeof globalThis.fetch;
  /** Takes one line of log or metrics; standard output on AWS. */
  readonly write: (line: string) => void;
  /** The host's plugin, for the AWS clients. */
  readonly plugin: object | undefined;
}

const waitFor: Platform['sleep'] = (waitMs, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

const HOST = Symbol.for('sluice.aws');

/** What this thread or the given plugin offers. */
export const platformOf = (given?: object): Platform => {
  const plugin = (given ?? Reflect.get(globalThis, HOST)) as Partial<Platform> | undefined;
  return {
    nowMs: plugin?.nowMs ?? (() => Date.now()),
    sleep: plugin?.sleep ?? waitFor,
    fetch: plugin?.fetch ?? globalThis.fetch,
    write: plugin?.write ?? ((line) => void process.stdout.write(`${line}\n`)),
    plugin,
  };
};
