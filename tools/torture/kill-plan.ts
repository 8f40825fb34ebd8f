/** When processes are killed: a seed gives the same plan, in shares of what an undisturbed process takes. */
import { seededRandom } from '#tools/tape/random.ts';

/** One kill: at a share of the time to ready, or at a share of the job's time after it. */
export interface KillMoment {
  readonly phase: 'booting' | 'working';
  /** At least 0, below 1. */
  readonly share: number;
}

/** Up to here of the job kills reach; the rest lets the last ones hit before the end. */
const WORK_SHARE = 0.95;
const BOOTING_SHARE = 0.25;

/**
 * A plan of so many kills. Those that hit work have shares that add up to less than the whole job, so that each hits
 * a part of it that the lives before have not reached.
 */
export const killPlan = ({
  kills,
  seed,
}: {
  readonly kills: number;
  readonly seed: number;
}): readonly KillMoment[] => {
  const random = seededRandom(seed);
  const phases = Array.from({ length: kills }, (): KillMoment['phase'] =>
    random.next() < BOOTING_SHARE ? 'booting' : 'working',
  );
  const instants = phases
    .filter((phase) => phase === 'working')
    .map(() => random.next() * WORK_SHARE)
    .sort((left, right) => left - right);
  let reached = 0;
  return phases.map((phase) => {
    if (phase === 'booting') return { phase, share: random.next() };
    const instant = instants.shift() ?? reached;
    const share = instant - reached;
    reached = instant;
    return { phase, share };
  });
};
