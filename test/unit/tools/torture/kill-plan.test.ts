import fc from 'fast-check';
import { expect, it } from 'vitest';
import { killPlan } from '#tools/torture/kill-plan.ts';

const settings = fc.record({ kills: fc.integer({ min: 0, max: 60 }), seed: fc.integer({ min: 0 }) });

it('gives the same plan for the same seed and another for another', () => {
  expect(killPlan({ kills: 20, seed: 1 })).toEqual(killPlan({ kills: 20, seed: 1 }));
  expect(killPlan({ kills: 20, seed: 1 })).not.toEqual(killPlan({ kills: 20, seed: 2 }));
});

it('plans every kill, none past the end of its phase, and hits work in new places up to near its end', () => {
  fc.assert(
    fc.property(settings, (setting) => {
      const plan = killPlan(setting);
      const worked = plan.filter(({ phase }) => phase === 'working');
      const reached = worked.reduce((sum, { share }) => sum + share, 0);

      return (
        plan.length === setting.kills &&
        plan.every(({ share }) => share >= 0 && share < 1) &&
        reached <= 0.95 + Number.EPSILON * setting.kills
      );
    }),
  );
});

it('strikes while processes boot as well as while they work', () => {
  const phases = new Set(killPlan({ kills: 40, seed: 5 }).map(({ phase }) => phase));

  expect([...phases].sort()).toEqual(['booting', 'working']);
});
