/** How the worker of bash and curl reads answers: as a parser of JSON would, whatever else stands in them. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inProject } from '#test/support/tracked-files.ts';

const script = inProject(path.join('docs', 'examples', 'worker.sh'));
/** Takes the one function out of the script, since the script itself begins to work. */
const READ = `source <(sed -n '/^member()/,/^}/p' "$1"); member "$2" "$3"`;

const member = (text: string, name: string, depth: number): string => {
  const args = ['-c', READ, 'bash', script, name, String(depth)];
  const { status, stdout, stderr } = spawnSync('bash', args, { input: text, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.replace(/\n$/, '');
};

const misleading = fc.constantFrom('"taskId":"x"', '\\', '{', '}]', 'taskId', '\\"', ':', '\n', 'é', '');
const strings = fc.array(misleading, { maxLength: 4 }).map((parts) => parts.join(''));
/** Anything, with members of the name that is looked for in it. */
const values = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, strings, fc.integer(), fc.boolean(), tie('list'), tie('record')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  record: fc.dictionary(fc.oneof(fc.constant('taskId'), strings), tie('value'), { maxKeys: 3 }),
})).record;
const spaces = fc.constantFrom(undefined, 2);

it('finds a member at its depth alone, and strings as they are written', () => {
  fc.assert(
    fc.property(
      values,
      strings,
      fc.integer({ min: -99, max: 99 }),
      spaces,
      (payload, told, attempt, space) => {
        const task = { payload, note: told, taskId: told, more: payload, attempt };
        const text = JSON.stringify({ before: [payload], tasks: [task] }, undefined, space);

        expect(member(text, 'attempt', 3)).toBe(String(attempt));
        expect(member(JSON.stringify({ tasks: [task] }, undefined, space), 'taskId', 3)).toBe(
          JSON.stringify(told).slice(1, -1),
        );
      },
    ),
    { numRuns: 40 },
  );
});

it.each([
  ['{"tasks":[]}', 'taskId', 3, ''],
  ['', 'taskId', 3, ''],
  ['{"shouldCancel":true,"a":1}', 'shouldCancel', 1, 'true'],
  ['{"a":1,"shouldCancel":false}', 'shouldCancel', 1, 'false'],
  ['<html>503</html>', 'message', 1, ''],
])('reads %s', (text, name, depth, expected) => {
  expect(member(text, name, depth)).toBe(expected);
});
