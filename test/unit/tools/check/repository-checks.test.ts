/** The checks on a copy of the files they read, so that each kind of fault can be planted. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inProject } from '#test/support/tracked-files.ts';
import { freeze, frozenFaults } from '#tools/check/frozen.ts';
import { generatedFaults } from '#tools/check/generated.ts';
import { sampleFaults } from '#tools/check/samples.ts';
import { machineFaults, stateMachineFaults } from '#tools/check/state-machines.ts';
import { generate } from '#tools/generate/generate.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'sluice-check-'));
  for (const name of ['docs/api', 'events', 'statemachines', 'test/contract/frozen', 'package.json'])
    cpSync(inProject(name), path.join(root, name), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const edit = (file: string, change: (text: string) => string): void => {
  const place = path.join(root, file);
  writeFileSync(place, change(readFileSync(place, 'utf8')));
};
const remove = (file: string): void => rmSync(path.join(root, file));

describe('generated files', () => {
  it('are up to date after generating, and generating again changes nothing', () => {
    edit('docs/api/errors.md', () => 'edited by hand');
    remove('docs/api/metrics.md');
    writeFileSync(path.join(root, 'docs/api/old.json'), '{}');

    expect(generatedFaults(root)).toEqual([
      'docs/api/errors.md: is not what its sources say; run npm run generate',
      'docs/api/metrics.md: is not what its sources say; run npm run generate',
      'docs/api/old.json: nothing generates it any more; run npm run generate',
    ]);
    expect(generate(root)).toEqual({
      written: ['docs/api/errors.md', 'docs/api/metrics.md'],
      removed: ['docs/api/old.json'],
    });
    expect(generate(root)).toEqual({ written: [], removed: [] });
    expect(generatedFaults(root)).toEqual([]);
  });
});

describe('frozen schemas', () => {
  const file = 'run/TaskSkipped.v1.json';
  const frozen = `test/contract/frozen/${file}`;

  it('are broken when a published member has gone', () => {
    edit(frozen, (text) => text.replace('"taskIndex": {', '"gone": { "type": "string" }, "taskIndex": {'));

    expect(frozenFaults(root)).toEqual([
      `${file}: data.gone was removed; keep the old form, or publish a new version beside it`,
    ]);
    expect(() => freeze(root)).toThrow(`nothing was frozen:\n${file}: data.gone was removed`);
  });

  it('ask to be frozen when a shape is new or has grown, and are then', () => {
    remove(frozen);
    edit('test/contract/frozen/answers/RunItem.v1.json'.replace('RunItem', 'RunPage'), (text) =>
      text.replace(/"tasksFailed": \{[^}]*\}/, '"tasksFailed": {}').replace(/,\s*"tasksFailed"\n/, '\n'),
    );

    expect(frozenFaults(root)[0]).toBe(`${file}: not frozen yet; run npm run freeze`);
    remove('test/contract/frozen/answers/RunPage.v1.json');
    expect(freeze(root)).toEqual([file, 'answers/RunPage.v1.json']);
    expect(frozenFaults(root)).toEqual([]);
    expect(freeze(root)).toEqual([]);
  });

  it('are broken when a whole shape has gone', () => {
    writeFileSync(path.join(root, 'test/contract/frozen/run/RunVanished.v1.json'), '{}');

    expect(frozenFaults(root)).toEqual(['run/RunVanished.v1.json: a published shape was removed']);
    expect(() => freeze(root)).toThrow('run/RunVanished.v1.json');
  });
});

describe('samples', () => {
  it('are missed, strange or not understood, each by name', () => {
    remove('events/feed/FeedStarted.v1.json');
    mkdirSync(path.join(root, 'events/other'));
    writeFileSync(path.join(root, 'events/other/Thing.v1.json'), '{}');
    edit('events/requests/ClaimRequest.v1.json', (text) => text.replace('"maxTasks": 4', '"maxTasks": 11'));
    edit('events/tapes/demo.feed.json', (text) => text.replace('"boundary"', '"sundial"'));

    const faults = sampleFaults(root);

    expect(faults).toContain('events/feed/FeedStarted.v1.json: there is no sample; run npm run samples');
    expect(faults).toContain('events/other/Thing.v1.json: belongs to no shape');
    expect(faults.filter((fault) => fault.startsWith('events/requests/ClaimRequest.v1.json'))).toHaveLength(
      2,
    );
    expect(faults).toContain("events/tapes/demo.feed.json: scheduler.mode must be 'timer' or 'boundary'");
  });
});

describe('state machines', () => {
  it('are valid, all named, and all there', () => {
    expect(stateMachineFaults(root)).toEqual([]);

    writeFileSync(
      path.join(root, 'statemachines/stray.asl.json'),
      JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'End', States: { End: { Type: 'Succeed' } } }),
    );
    remove('statemachines/retry-task.asl.json');

    expect(stateMachineFaults(root)).toEqual([
      'statemachines/retry-task.asl.json: is missing',
      'statemachines/stray.asl.json: contracts/naming.ts does not name it',
    ]);
  });

  it('are refused when they point nowhere or speak JSONPath', () => {
    const lost = JSON.stringify({ StartAt: 'Gone', States: { End: { Type: 'Succeed' } } });

    expect(machineFaults(lost)).toHaveLength(2);
    expect(machineFaults(lost).at(-1)).toBe('QueryLanguage must be JSONata');
  });
});
