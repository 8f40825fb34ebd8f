/** How handlers load runs that they decide on. */
import type { Run } from '#domain/run/run.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { actingOf } from '#functions/shared/wiring.ts';

/** Loads a run as the ledger has it now; what was read is kept warm for the command that follows. */
export const runLoader =
  ({ loadWarm }: Pick<ReturnType<typeof actingOf>, 'loadWarm'>) =>
  async (stream: string): Promise<Run> =>
    (await loadWarm(runAggregate, stream)).state;
