import process from 'node:process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { paint, table } from '#cli/output.ts';

afterEach(() => vi.unstubAllEnvs());

const terminal = { isTTY: true };
const pipe = { isTTY: false };

describe('colour', () => {
  it('is for terminals that want it', () => {
    vi.stubEnv('NO_COLOR', undefined);
    expect(paint('red', 'x', pipe)).toBe('x');
    expect(paint('red', 'x', terminal)).toContain('x');
    vi.stubEnv('NO_COLOR', '1');
    expect(paint('red', 'x', terminal)).toBe('x');
  });

  it('is looked for on standard output unless another stream is named', () => {
    vi.stubEnv('NO_COLOR', '1');

    expect(paint('bold', 'x')).toBe('x');
    expect(process.stdout).toBeDefined();
  });
});

it('pads columns to their widest cell and nothing behind the last', () => {
  vi.stubEnv('NO_COLOR', '1');

  expect(table(['A', 'LONG'], [['longer', 'x'], ['y', 'z', 'more than the header'], ['only']])).toBe(
    ['A       LONG', 'longer  x', 'y       z     more than the header', 'only'].join('\n'),
  );
});
