/** The run as the command handler, the sweeper and the compactor know it. */
import type { RunEvent } from '#contracts/runs/run-events.ts';
import type { Aggregate } from '#domain/kernel/aggregate.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { decide } from '#domain/run/decide.ts';
import { evolve, originFrom, runEventTypes } from '#domain/run/evolve.ts';
import { outstanding } from '#domain/run/outstanding.ts';
import type { Run } from '#domain/run/run.ts';
import { returnsOf } from '#domain/run/slots.ts';
import { decodeRun, encodeRun } from '#domain/run/state-codec.ts';
import { gateOf } from '#domain/run/visibility.ts';
import { waiting } from '#domain/run/waiting.ts';

/** A run that has succeeded goes on while it waits for its outputs, and any run until it has given back its slots. */
const isTerminal = (run: Run): boolean =>
  run.status !== 'none' &&
  run.status !== 'TRIGGERED' &&
  run.status !== 'RUNNING' &&
  gateOf(run) !== 'pending' &&
  returnsOf(run).length === 0;

/** A run, as the command handler, the sweeper and the compactor know it. */
export const runAggregate: Aggregate<Run, RunCommand, RunEvent> = {
  kind: 'run',
  foldVersion: 7,
  eventTypes: runEventTypes,
  initialState: () => ({ status: 'none' }),
  decide,
  evolve,
  outstanding,
  waiting,
  sweepCommand: (nowMs) => ({ type: 'SweepRun', nowMs, lostOffers: [] }),
  isTerminal,
  origin: {
    isMissing: (run) => 'origin' in run && run.origin === undefined,
    attach: (run, firstCommit) => ('origin' in run ? { ...run, origin: originFrom(firstCommit) } : run),
  },
  encodeState: encodeRun,
  decodeState: decodeRun,
};
