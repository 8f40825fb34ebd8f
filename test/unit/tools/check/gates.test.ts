import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { inProject } from '#test/support/tracked-files.ts';
import { gates } from '#tools/check/gates.ts';
import { gateTable } from '#tools/check/gate-table.ts';

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(inProject('package.json'), 'utf8')));

describe('the gates', () => {
  it('are each a script of their own, and no gate script is left out', () => {
    const scripted = Object.keys(scripts).flatMap((name) => /^check:(.+)$/.exec(name)?.[1] ?? []);

    expect(gates.map(({ name }) => name).sort()).toEqual(scripted.sort());
  });

  it('run in one order: what is quick first, the tests last', () => {
    expect(gates.map(({ name }) => name)).toEqual([
      'format',
      'lint',
      'types',
      'layers',
      'generated',
      'samples',
      'frozen',
      'links',
      'openapi',
      'machines',
      'templates',
      'tests',
    ]);
  });
});

describe('the table', () => {
  const gate = (name: string) => ({ name, proves: `${name} holds` });

  it('has a line for each gate and sums up', () => {
    const table = gateTable([
      { gate: gate('format'), isGreen: true, seconds: 1.26 },
      { gate: gate('tests'), isGreen: false, seconds: 100 },
    ]);

    expect(table.split('\n')).toEqual([
      'gate    result  seconds  proves',
      'format  ok          1.3  format holds',
      'tests   FAILED    100.0  tests holds',
      '1 of 2 gates are green in 101.3 s',
    ]);
  });
});
