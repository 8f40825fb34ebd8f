/** Commands through load, decide, append: the run aggregate over the SDK, every append fsynced. */
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { benchRun, STEPS } from '#bench/chain-run.ts';
import { openLedgerRig } from '#bench/ledger-rig.ts';
import type { LedgerRig } from '#bench/ledger-rig.ts';
import { runLoad } from '#bench/load.ts';
import type { Load } from '#bench/load.ts';
import type { Measure, Row } from '#bench/measurement.ts';

/** A trigger, and a claim and a completion of each task. */
const COMMANDS_PER_RUN = 1 + 2 * STEPS;
const KEPT_WARM = 1_000;

const loads: readonly Load[] = [
  { callers: 1, repeats: 40 },
  { callers: 50, repeats: 40 },
];

/** Warm: the handler committed the stream last. Cold: it knows nothing of it, as a new environment does. */
const warmth = { warm: KEPT_WARM, cold: 0 } as const;

/** Commands per second and CPU per command, through load, decide and append. */
export const measure: Measure = async () => {
  const rig = await openLedgerRig();
  try {
    const rows: Row[] = [];
    for (const [name, warmStreams] of Object.entries(warmth)) {
      await runLoad({ callers: 10, repeats: 20 }, playRun(rig.mailbox(warmStreams)));
      for (const load of loads) rows.push(...(await measureLoad(rig, load, { name, warmStreams })));
    }
    return rows;
  } finally {
    await rig.close();
  }
};

const playRun = (mailbox: Mailbox) => async (): Promise<void> => {
  const run = benchRun();
  await mailbox.send(runAggregate, run.trigger, { assumeNew: true });
  for (let index = 0; index < STEPS; index++) {
    await mailbox.send(runAggregate, run.claim(index));
    await mailbox.send(runAggregate, run.complete(index));
  }
};

const measureLoad = async (
  rig: LedgerRig,
  load: Load,
  { name, warmStreams }: { readonly name: string; readonly warmStreams: number },
): Promise<readonly Row[]> => {
  rig.reset();
  const { seconds, cpuMs } = await runLoad(load, playRun(rig.mailbox(warmStreams)));
  const counts = rig.counts();
  const commands = load.callers * load.repeats * COMMANDS_PER_RUN;
  const of = (what: string): string => `${what}, ${name}, ${load.callers} callers`;
  return [
    { what: of('commands'), value: commands / seconds, unit: '/s' },
    { what: of('CPU'), value: cpuMs / commands, unit: 'ms/command' },
    ...(load.callers === 1
      ? [
          {
            what: of('reads'),
            value: readsOf(counts) / commands,
            unit: '/command',
            target: name === 'warm' ? '0' : 'at most 2',
          },
          {
            what: of('writes'),
            value: (counts['dynamodb.PutItem'] ?? 0) / commands,
            unit: '/command',
            target: '1',
          },
        ]
      : []),
  ];
};

const readsOf = (counts: Readonly<Record<string, number>>): number =>
  (counts['dynamodb.Query'] ?? 0) + (counts['dynamodb.GetItem'] ?? 0);
