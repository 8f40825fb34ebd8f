/** Many of the stories of which `test/local/flows/run-model.test.ts` tells a few: random workers, graphs and faults. */
import { expect, it } from 'vitest';
import { tellStory } from '#test/support/run-story.ts';
import type { Told } from '#test/support/run-story.ts';

const seeds = Array.from({ length: 150 }, (_, index) => index + 1);
const told: Told[] = [];

it.each(seeds)('every run ends and every law of it holds, seed %i', async (seed) => {
  told.push(await tellStory(seed));
  expect(told.at(-1)?.runs).toBeGreaterThan(0);
});

it('met faults and many attempts on the way', () => {
  const sum = (member: keyof Told): number => told.reduce((total, story) => total + story[member], 0);
  console.log(
    `${sum('runs')} runs, ${sum('attempts')} attempts, ${sum('faults')} faults, ${sum('steps')} steps`,
  );
  expect(sum('attempts')).toBeGreaterThan(told.length * 4);
  expect(sum('faults')).toBeGreaterThan(told.length * 4);
});
