/** The AWS Solutions checks: nothing is found beyond what is accepted, resource by resource, with a reason. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { beforeAll, expect, it } from 'vitest';

import { addStacks } from '#infra/sluice-app.ts';
import { testFolder } from '#test/support/folders.ts';
import { stubBundles } from '#test/support/kept-assembly.ts';
import { temporaryFolder } from '#test/support/process.ts';

interface Acceptance {
  readonly path: string;
  readonly rule: string;
  readonly reason: string;
}

const outdir = temporaryFolder();
let app: App;
let acceptances: readonly Acceptance[];

beforeAll(async () => {
  app = new App({ outdir, context: { dist: await stubBundles() } });
  addStacks(app);
  acceptances = app.node.findAll().flatMap(acceptedOn);
});

const acceptedOn = (construct: IConstruct): readonly Acceptance[] =>
  construct.node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) =>
      Object.entries(data as Readonly<Record<string, string>>).map(([rule, reason]) => ({
        path: construct.node.path,
        rule: rule.replace(/^annotation::/i, ''),
        reason,
      })),
    );

const findings = (scope: IConstruct): readonly string[] =>
  new AwsSolutionsChecks(app)
    .validateScope(scope)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} ${String(constructPath)}`),
    );

it('finds nothing that has not been accepted', () => {
  expect(findings(app)).toEqual([]);
});

it('accepts each finding on one resource and says why', () => {
  const kinds = new Map<string, number>();
  for (const { rule } of acceptances)
    kinds.set(rule.replace(/\[.*/, ''), (kinds.get(rule.replace(/\[.*/, '')) ?? 0) + 1);
  console.log(
    `${acceptances.length} accepted findings: ${[...kinds].map(([rule, count]) => `${rule} ${count}`).join(', ')}`,
  );

  for (const { path, reason } of acceptances) {
    expect(path.split('/').length, path).toBeGreaterThan(1);
    expect(reason.length, path).toBeGreaterThan(20);
  }
});

it('accepts nothing that is not found', async () => {
  const unaccepted = new App({ outdir: testFolder(), context: { dist: await stubBundles() } });
  addStacks(unaccepted);
  for (const construct of unaccepted.node.findAll())
    for (const { type, data } of construct.node.metadata)
      if (type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        for (const rule of Object.keys(data as object)) Reflect.deleteProperty(data as object, rule);
  const found = findings(unaccepted);

  const idle = acceptances.filter(
    ({ path, rule }) => !found.some((finding) => finding.startsWith(`${rule} ${path}`)),
  );

  expect(found.length).toBeGreaterThan(0);
  expect(idle).toEqual([]);
});
