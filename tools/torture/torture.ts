/**
 * Kills the real process with -9 at seeded instants of the main job and starts it again until the job is done, then
 * holds what it left against an undisturbed run of the same job.
 */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { differences } from '#tools/torture/compare.ts';
import { killPlan } from '#tools/torture/kill-plan.ts';
import type { KillMoment } from '#tools/torture/kill-plan.ts';
import { readOutcome } from '#tools/torture/outcome.ts';
import type { Outcome } from '#tools/torture/outcome.ts';
import { startSluice } from '#tools/torture/sluice-process.ts';
import type { Ending, SluiceProcess } from '#tools/torture/sluice-process.ts';
import { createWitness } from '#tools/torture/witness.ts';
import type { Witness } from '#tools/torture/witness.ts';

export interface TortureSetting {
  readonly kills: number;
  readonly seed: number;
  /** What to play, as arguments of `up`; empty for the demo's tape. */
  readonly tapeArguments: readonly string[];
  /** A directory for both states; whoever made it removes it. */
  readonly folder: string;
  readonly say: (line: string) => void;
  /** Starts the job, default `sluice ARGS…`. */
  readonly start?: (args: readonly string[]) => SluiceProcess;
  /** Reads what a job has left, default from a process that serves its state. */
  readonly read?: (stateDir: string) => Promise<Outcome>;
  /** How long a job may take to its end after the last kill, default ten minutes. */
  readonly patienceMs?: number;
}

export interface TortureReport {
  readonly kills: number;
  /** Lives that ended by themselves, the last one included. */
  readonly endings: number;
  readonly events: number;
  readonly acknowledged: number;
  readonly differences: readonly string[];
}

/** Runs both jobs and compares them; rejects when a process fails for another reason than a kill. */
export const torture = async (setting: TortureSetting): Promise<TortureReport> => {
  const { kills, seed, folder, say, read = readOutcome } = setting;
  const plain = path.join(folder, 'undisturbed');
  const killed = path.join(folder, 'killed');
  const pace = await undisturbedJob(setting, plain);
  say(`undisturbed: ready in ${seconds(pace.bootMs)}, done ${seconds(pace.workMs)} later`);
  const witness = createWitness();
  let done = 0;
  let endings = 0;
  for (const [index, moment] of killPlan({ kills, seed }).entries()) {
    const told = `kill ${index + 1} of ${kills}`;
    // A life that was over before its kill came is followed by one that is killed while it boots.
    const tries = [
      moment,
      { ...moment, phase: 'booting' } as const,
      { phase: 'booting', share: 0.1 } as const,
    ];
    for (const attempt of tries) {
      const life = startJob(setting, killed);
      const { ending, atMs, phase } = await killedLife(life, { moment: attempt, pace, witness });
      if (ending.signal === 'SIGKILL') {
        say(`${told}: ${phase} for ${seconds(atMs)}`);
        done += 1;
        break;
      }
      refuseFailure(ending, life);
      endings += 1;
      say(`${told}: the job was done before it`);
    }
  }
  const last = startJob(setting, killed);
  await withinPatience(last, setting.patienceMs ?? PATIENCE_MS);
  say(`done after ${done} kills: ${last.stdout.at(-1) ?? ''}`);
  const [undisturbed, tortured] = [await read(plain), await read(killed)];
  return {
    kills: done,
    endings: endings + 1,
    events: new Set(tortured.events.map(({ run_id, event_type }) => `${run_id} ${event_type}`)).size,
    acknowledged: tortured.market.length + witness.acknowledged.length,
    differences: differences(undisturbed, tortured, witness.acknowledged),
  };
};

/** A lost worker is noticed within two minutes; a job that stands still far longer will not move again. */
const PATIENCE_MS = 600_000;

const withinPatience = async (life: SluiceProcess, patienceMs: number): Promise<void> => {
  const stop = new AbortController();
  const tired = pause(patienceMs, undefined, { signal: stop.signal }).then(
    () => life.signal('SIGKILL'),
    () => undefined,
  );
  const ending = await life.ended;
  stop.abort();
  await tired;
  refuseFailure(ending, life);
};

interface Pace {
  readonly bootMs: number;
  readonly workMs: number;
}

const startJob = ({ tapeArguments, start = startSluice }: TortureSetting, stateDir: string): SluiceProcess =>
  start([
    ...['up', '--demo', '--worker', '--exit', '--json', '--state', stateDir],
    ...['--port', '0', '--aws-port', '0', ...tapeArguments],
  ]);

const undisturbedJob = async (setting: TortureSetting, stateDir: string): Promise<Pace> => {
  const startedMs = performance.now();
  const life = startJob(setting, stateDir);
  await life.ready();
  const readyMs = performance.now();
  refuseFailure(await life.ended, life);
  return { bootMs: readyMs - startedMs, workMs: performance.now() - readyMs };
};

interface Kill {
  readonly moment: KillMoment;
  readonly pace: Pace;
  readonly witness: Witness;
}

interface KilledLife {
  readonly ending: Ending;
  readonly phase: KillMoment['phase'];
  /** How long it had been in that phase. */
  readonly atMs: number;
}

const killedLife = async (life: SluiceProcess, { moment, pace, witness }: Kill): Promise<KilledLife> => {
  const startedMs = performance.now();
  const watching = life.ready().then(
    ({ awsUrl }) => witness.watch(awsUrl),
    () => undefined,
  );
  if (moment.phase === 'working') await Promise.race([life.firstLine.catch(() => undefined), life.ended]);
  const phaseMs = moment.phase === 'working' ? performance.now() : startedMs;
  const waitMs = moment.share * (moment.phase === 'working' ? pace.workMs : pace.bootMs);
  await Promise.race([pause(waitMs), life.ended]);
  life.signal('SIGKILL');
  const ending = await life.ended;
  await watching;
  return { ending, phase: moment.phase, atMs: performance.now() - phaseMs };
};

const SHOWN_LINES = 30;

const refuseFailure = ({ code, signal }: Ending, { stderr }: SluiceProcess): void => {
  if (code !== 0)
    throw new Error(`the job ended with ${code ?? signal ?? ''}:\n${stderr.slice(-SHOWN_LINES).join('\n')}`);
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
