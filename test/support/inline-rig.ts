/** The inline runner over a local stage, with runners of the test's own. */
import type { InlineRunnerName } from '#contracts/runs/runner.ts';
import type { RecordedEvent } from '#contracts/event.ts';
import type { InlineOutcome, InlineTask, Runner } from '#domain/ports/runner.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runInline } from '#functions/run-inline/run-inline.ts';
import type { InlinePorts } from '#functions/run-inline/run-inline.ts';
import { loadStream } from '#functions/shared/load.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import { commandPorts, requestOf } from '#test/support/ledger.ts';
import type { RememberingPorts } from '#test/support/ledger.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { planOf, stream, triggerOf } from '#test/support/run-fixtures.ts';
import type { Edges, PlanOptions } from '#test/support/run-fixtures.ts';

/** One environment of the function. */
export interface InlineRig {
  readonly ports: RememberingPorts;
  /** Attempts its runners were asked for, in order. */
  readonly asked: readonly InlineTask[];
  /** Takes a message of the run, or of another stream. */
  readonly take: (isRepeat?: boolean, place?: string) => Promise<void>;
}

export interface RigOptions {
  readonly run?: (task: InlineTask) => Promise<InlineOutcome>;
  readonly inlineStepsMax?: number;
}

const succeed = (): Promise<InlineOutcome> => Promise.resolve({ outcome: 'SUCCEEDED' });

/** An environment of `run-inline` that shares the stage with others. */
export const inlineRig = (stage: LocalStage, options: RigOptions = {}): InlineRig => {
  const { run = succeed, inlineStepsMax = 100 } = options;
  const ports = commandPorts(stage);
  const asked: InlineTask[] = [];
  const runner: Runner = {
    run: (task) => {
      asked.push(task);
      return run(task);
    },
  };
  const runners: Readonly<Record<InlineRunnerName, Runner>> = { noop: runner };
  const inline: InlinePorts = {
    loadRun: async (place) => {
      const loaded = await loadStream(ports.ledger, runAggregate, place);
      if (!runAggregate.isTerminal(loaded.state)) ports.cache.put(place, loaded);
      return loaded.state;
    },
    mailbox: mailbox(ports),
    perform: ports.perform,
    runners,
    telemetry: ports.telemetry,
    nowMs: stage.clock.nowMs,
    inlineStepsMax,
  };
  return {
    ports,
    asked,
    take: (isRepeat = false, place = stream) =>
      runInline(inline, { body: JSON.stringify({ stream: place }), isRepeat }),
  };
};

/** Starts a run as the API would, and leaves its effects to the test. */
export const startRun = async (
  stage: LocalStage,
  edges: Edges,
  options: PlanOptions = { inline: Object.keys(edges) },
): Promise<void> => {
  await mailbox(commandPorts(stage)).send(runAggregate, requestOf(stream, triggerOf(planOf(edges, options))));
};

/** What has happened to the run's tasks, without what differs from time to time. */
export const historyOf = async (stage: LocalStage): Promise<readonly string[]> =>
  (await eventsOf(stage)).map(({ type, data }) =>
    [type, data['taskKey'], data['attempt'], data['outcome']]
      .filter((part) => part !== undefined)
      .map(String)
      .join(' '),
  );

/** Every event of the run. */
export const eventsOf = (stage: LocalStage): Promise<readonly RecordedEvent[]> =>
  readEvents(commandPorts(stage).ledger, stream, 1);
