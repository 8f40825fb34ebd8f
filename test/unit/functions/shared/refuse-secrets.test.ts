import { describe, expect, it } from 'vitest';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';

describe('refuseSecrets', () => {
  it.each([
    ['a label value', { labels: { note: 'password: hunter2hunter2' } }, 'labels.note'],
    ['a run key', { runKey: 'AKIAIOSFODNN7EXAMPLE' }, 'runKey'],
    ['an entry of a list', { selection: ['ok', 'Bearer abcdefghijklmnopqrstuvwxyz012345'] }, 'selection.1'],
    ['a name', { tags: { AKIAIOSFODNN7EXAMPLE: 'x' } }, 'tags'],
    ['a body that is a secret itself', 'AKIAIOSFODNN7EXAMPLE', 'the body'],
    ['a name and its value together', { tags: { password: 'hunter2hunter2' } }, 'tags.password'],
  ])('refuses %s, naming the place', (_, body, place) => {
    expect(() => refuseSecrets(body)).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        message: expect.stringMatching(`^${place} `) as string,
      }),
    );
  });

  it('lets ordinary values pass, whatever their type', () => {
    const body = {
      selection: ['markets.bars_1m'],
      labels: { desk: 'rates' },
      maxTasks: 3,
      note: null,
      deep: [[{}]],
    };

    expect(() => refuseSecrets(body)).not.toThrow();
  });
});
