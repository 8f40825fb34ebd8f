import { describe, expect, it, vi } from 'vitest';
import { gates } from '#tools/check/gates.ts';
import { requireCheck } from '#tools/check/own-checks.ts';
import { runGates } from '#tools/check/run-gates.ts';
import type { GateEnding } from '#tools/check/run-gates.ts';
import { runTool } from '#tools/build/run-tool.ts';
import { repositoryRoot } from '#tools/torture/sluice-process.ts';
import { rejectWith } from '#test/support/thrown.ts';

const running = (wanted: readonly string[], red: readonly string[] = []) => {
  const ran: string[] = [];
  let said = '';
  const report = runGates(
    wanted,
    (text) => (said += text),
    ({ name }): GateEnding => {
      ran.push(name);
      return { status: red.includes(name) ? 1 : 0, stdout: `${name} out `, stderr: `${name} err` };
    },
  );
  return { ...report, ran, said };
};

describe('running the gates', () => {
  it('runs all of them in their order when none is named', () => {
    const { exitCode, ran, text } = running([]);

    expect([exitCode, ran]).toEqual([0, gates.map(({ name }) => name)]);
    expect(text).toMatch(new RegExp(`${gates.length} of ${gates.length} gates are green`));
  });

  it('goes on behind a red one, shows what it said, and ends with 1', () => {
    const { exitCode, ran, said } = running(['types', 'lint'], ['lint']);

    expect([exitCode, ran]).toEqual([1, ['lint', 'types']]);
    expect(said).toBe('lint FAILED\nlint out lint err\ntypes ok\n');
  });

  it('runs nothing when a name is no gate', () => {
    const { exitCode, ran, said } = running(['types', 'magic']);

    expect([exitCode, ran]).toEqual([2, []]);
    expect(said).toMatch(/^no gate is called magic; known are format, /);
  });
});

describe('a check of our own', () => {
  it('that is green throws nothing', async () => {
    await expect(requireCheck('machines', repositoryRoot)).resolves.toBeUndefined();
  });

  it('that is red throws what it found', async () => {
    await expect(requireCheck('openapi', '/nowhere')).rejects.toThrow();
  });

  it.each(['magic', undefined])('called %s is refused, and those there are are named', async (name) => {
    await expect(requireCheck(name, repositoryRoot)).rejects.toThrow(
      /is no check of ours; known are generated, /,
    );
  });
});

describe('a tool of the command line', () => {
  it.each([
    [new Error('broken'), 'broken'],
    ['just text', 'just text'],
  ])('that throws %s says so in one line and ends with 1', async (thrown, said) => {
    const error = vi.spyOn(console, 'error').mockReturnValue();
    const before = process.exitCode;
    try {
      await runTool(() => rejectWith(thrown));

      expect(process.exitCode).toBe(1);
      expect(error).toHaveBeenCalledWith(said);
    } finally {
      process.exitCode = before;
      error.mockRestore();
    }
  });
});
