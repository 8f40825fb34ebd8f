/** What readers see of a run. */
import { publicRunState } from '#contracts/runs/states.ts';
import type { RunState } from '#contracts/runs/states.ts';
import type { Run } from '#domain/run/run.ts';
import { gateOf } from '#domain/run/visibility.ts';

/** The state of a run by its status, by whether it is being stopped, and by whether its outputs can be read. */
export const stateOf = (run: Exclude<Run, { readonly status: 'none' }>): RunState => {
  if (run.status === 'RUNNING' && run.stop !== undefined) return 'CANCELLING';
  return run.status === 'SUCCEEDED' ? succeededState[gateOf(run)] : publicRunState[run.status];
};

const succeededState = { open: 'SUCCEEDED', pending: 'RUNNING', failed: 'FAILED' } as const;
