import process from 'node:process';

/** Time, waits and fetches as the host gives them: the wall clock on AWS, the cloud's own clock in tests. */
export interface Platform {
  readonly nowMs: () => number;
  readonly sleep: (waitMs: number) => Promise<void>;
  readonly fetch: typeof globalThis.fetch;
  /** Takes one line of log or metrics; standard output on AWS. */
  readonly write: (line: string) => void;
  /** The host's plugin, for the AWS clients. */
  readonly plugin: object | undefined;
}

const HOST = Symbol.for('sluice.aws');

/** What this thread or the given plugin offers. */
export const platformOf = (given?: object): Platform => {
  const plugin = (given ?? Reflect.get(globalThis, HOST)) as Partial<Platform> | undefined;
  return {
    nowMs: plugin?.nowMs ?? (() => Date.now()),
    sleep: plugin?.sleep ?? ((waitMs) => new Promise((resolve) => setTimeout(resolve, waitMs))),
    fetch: plugin?.fetch ?? globalThis.fetch,
    write: plugin?.write ?? ((line) => void process.stdout.write(`${line}\n`)),
    plugin,
  };
};
