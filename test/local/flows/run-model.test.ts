/** Whole runs under random workers, graphs and faults by seed; `npm run test:heavy` tells many more such stories. */
import { expect, it } from 'vitest';
import { tellStory } from '#test/support/run-story.ts';

it.each([{ seed: 9, what: 'when everything fails now and then' }])(
  'whatever workers do, $what, every run ends and every law of it holds, seed $seed',
  async ({ seed }) => {
    const { runs, attempts, faults } = await tellStory(seed);

    expect(attempts).toBeGreaterThan(runs);
    expect(faults).toBeGreaterThan(0);
  },
);
