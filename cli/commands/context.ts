/** What every command gets: output, and a client found only when it is first needed. */
import { discover } from '#cli/discovery.ts';
import type { Target } from '#cli/discovery.ts';
import { httpClient } from '#cli/client.ts';
import type { HttpClient } from '#cli/client.ts';
import { output } from '#cli/output.ts';
import type { Output } from '#cli/output.ts';

export interface GlobalOptions {
  readonly json?: boolean;
  readonly state: string;
}

export interface CommandContext {
  readonly output: Output;
  readonly stateDir: string;
  readonly target: () => Target;
  readonly client: () => HttpClient;
}

/** The context of one invocation. */
export const commandContext = (options: GlobalOptions): CommandContext => {
  const target = (): Target => discover(options.state);
  return {
    output: output(options.json === true),
    stateDir: options.state,
    target,
    client: () => httpClient(target()),
  };
};
