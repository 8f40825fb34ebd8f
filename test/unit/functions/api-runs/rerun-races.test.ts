import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { Answer } from '#test/support/ports-assets.ts';

/** Reruns of one run that come at once: each request to the cloud takes a turn, so that all of them read alike. */
const rerunAtOnce = async (bodies: readonly object[]): Promise<readonly Answer[]> => {
  const plane = await assetPlane({ gate: () => turn() });
  await plane.deploy({ a: [] });
  const runId = String((await plane.trigger(['m.a'])).body['runId']);
  const rerun = (body: object): Promise<Answer> =>
    plane.call(
      plane.handlers.runs,
      plane.inWorkspace('/runs/{runId}/rerun', {
        method: 'POST',
        parameters: { runId },
        body: { mode: 'subset', selection: ['m.a'], ...body },
      }),
    );
  // What is read once is warm from then on.
  await rerun({ runKey: 'first' });
  return Promise.all(bodies.map(rerun));
};

const summed = (answers: readonly Answer[]) => ({
  statuses: answers.map(({ status }) => status).sort(),
  runCount: new Set(answers.map(({ body }) => body['runId'])).size,
});

it.each([
  ['differ', [1, 2, 3].map((n) => ({ labels: { n: String(n) } }))],
  ['are forced', [1, 2, 3].map(() => ({ force: true }))],
])(
  'reruns without a key that %s and come at once are started, each with a number of its own',
  async (_, bodies) => {
    expect(summed(await rerunAtOnce(bodies))).toEqual({ statuses: [201, 201, 201], runCount: 3 });
  },
);

it('the same rerun without a key that comes at once is started once', async () => {
  expect(summed(await rerunAtOnce([{}, {}, {}]))).toEqual({ statuses: [200, 200, 201], runCount: 1 });
});
