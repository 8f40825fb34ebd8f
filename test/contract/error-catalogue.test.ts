import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCatalogue } from '#contracts/errors.ts';
import type { ErrorCode } from '#contracts/errors.ts';
import { routeShapes } from '#contracts/route-shapes.ts';
import { inProject, trackedFiles } from '#test/support/tracked-files.ts';

const codes = Object.keys(errorCatalogue) as ErrorCode[];

const read = (name: string): string => readFileSync(inProject(name), 'utf8');
const sources = trackedFiles().filter(
  (name) =>
    /^(contracts|domain|adapters|functions|infra)\/.*\.ts$/.test(name) &&
    !['contracts/errors.ts', 'contracts/route-shapes.ts'].includes(name),
);
const text = sources.map(read).join('\n');

describe('the error catalogue', () => {
  it.each(codes)('%s is answered by something', (code) => {
    expect(text.includes(`'${code}'`) || text.includes(`"${code}"`)).toBe(true);
  });

  it.each(codes)('%s says in words what happened and what to do', (code) => {
    const { status, retryable, cause, remedy } = errorCatalogue[code];

    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(cause).toMatch(/^[^.]{10,}$/);
    expect(remedy).toMatch(/^[^.]{4,}[^.]$|Retry-After|details\./);
    expect(status).toBeGreaterThanOrEqual(400);
    if (status >= 500 || status === 429) expect(retryable).toBe(true);
  });

  it('knows every refusal a route names', () => {
    const named = new Set(Object.values(routeShapes).flatMap(({ refusals }) => refusals));

    expect([...named].filter((code) => !(code in errorCatalogue))).toEqual([]);
  });
});
