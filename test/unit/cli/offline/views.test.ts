import { describe, expect, it } from 'vitest';

import { viewsText } from '#cli/offline/views.ts';
import type { ViewsReport } from '#cli/offline/views.ts';

const difference = { kind: 'differs', pk: 'run#a', sk: 'run', members: ['state'], isMoving: false } as const;
const found = (more: Partial<ViewsReport> = {}): ViewsReport => ({
  live: { digest: 'l', rowCount: 2 },
  rebuilt: { digest: 'r', rowCount: 3 },
  differences: [],
  unnamedCount: 0,
  isEqual: false,
  ...more,
});
const lines = (report: ViewsReport): readonly string[] => viewsText(report).split('\n');

describe('the report of a comparison', () => {
  it('names every difference, both digests, and what repairs it', () => {
    const missing = { ...difference, kind: 'missing', members: [] } as const;

    expect(lines(found({ differences: [difference, missing], unnamedCount: 7 }))).toEqual([
      'differs run#a run: state',
      'missing run#a run',
      'and 7 more rows',
      'live     l 2 rows',
      'rebuilt  r 3 rows',
      'the read models differ from the ledger; "sluice rebuild" repairs them',
    ]);
  });

  it('asks for another look when rows only kept changing', () => {
    const report = found({ differences: [{ ...difference, isMoving: true }] });

    expect(lines(report)[0]).toBe('differs run#a run: state (changing)');
    expect(lines(report).at(-1)).toMatch(/^rows kept changing while they were compared; run it again/);
  });
});

describe('the report of a rebuild', () => {
  it('says how much it repaired and what the read models are now', () => {
    const left = found();

    expect(lines(found({ differences: [difference], repairedCount: 1, left, isEqual: true }))).toEqual([
      'differs run#a run: state',
      'live     l 2 rows',
      'rebuilt  r 3 rows',
      'repaired 1 rows',
      'live     l 2 rows',
      'rebuilt  r 3 rows',
      'the read models are what the ledger says',
    ]);
  });

  it('says nothing of repairs when there were none', () => {
    expect(lines(found({ repairedCount: 0, isEqual: true }))).toHaveLength(3);
  });

  it('sends to the runbook when rows still differ, and asks again when they only kept changing', () => {
    const still = found({
      differences: [difference],
      repairedCount: 1,
      left: found({ differences: [difference] }),
    });
    const moving = { ...still, left: found({ differences: [{ ...difference, isMoving: true }] }) };

    expect(lines(still).at(-1)).toMatch(/^the read models still differ .*docs\/runbooks\/rebuild.md$/);
    expect(lines(moving).at(-1)).toMatch(/^rows kept changing/);
  });
});
