/** Lambda drops the seventeenth hop of a loop unless told otherwise; the loops are derived from the template. */
import { beforeAll, expect, it } from 'vitest';

import { assembly, at, listOf, textAt } from '#test/infra/assembly.ts';
import type { TestAssembly } from '#test/infra/assembly.ts';

/** What an action on a resource sets in motion. */
const triggering = new Set([
  'sqs:SendMessage',
  'kinesis:PutRecord',
  'dynamodb:PutItem',
  'states:StartExecution',
  'lambda:InvokeFunction',
]);

let app: TestAssembly;

beforeAll(async () => {
  app = await assembly();
});

const nameOf = (reference: unknown): string => {
  const text = String(reference).replace(/:live$/, '');
  return (text.split(/[:/]/).find((part) => part.startsWith('sluice-dev-')) ?? text).replace(
    'sluice-dev-',
    '',
  );
};

const allowedResources = (policies: readonly unknown[]): readonly string[] =>
  policies
    .flatMap((policy) => listOf(at(policy, 'PolicyDocument', 'Statement')))
    .filter((statement) => at(statement, 'Effect') === 'Allow')
    .filter((statement) => listOf(at(statement, 'Action')).some((action) => triggering.has(String(action))))
    .flatMap((statement) => listOf(at(statement, 'Resource')).map(String));

const policiesOfRole = (roleArn: unknown): readonly unknown[] => {
  const role = app
    .ofType('AWS::IAM::Role')
    .find(({ properties }) => String(roleArn).endsWith(`/${String(properties['RoleName'])}`));
  return listOf(role?.properties['Policies']);
};

/** Who causes what: functions, machines, queues, streams and tables as nodes. */
const edges = (): ReadonlyMap<string, ReadonlySet<string>> => {
  const found = new Map<string, Set<string>>();
  const add = (from: string, to: string) => found.set(from, (found.get(from) ?? new Set()).add(to));
  const nodeOf = (arn: string) => `${String(arn.split(':')[2])} ${nameOf(arn)}`;
  for (const { properties } of app.ofType('AWS::Lambda::Function'))
    for (const arn of allowedResources(policiesOfRole(properties['Role'])))
      add(`lambda ${nameOf(properties['FunctionName'])}`, nodeOf(arn));
  for (const { properties } of app.ofType('AWS::StepFunctions::StateMachine'))
    for (const arn of allowedResources(policiesOfRole(properties['RoleArn'])))
      add(`states ${nameOf(properties['StateMachineName'])}`, nodeOf(arn));
  for (const { properties } of app.ofType('AWS::Lambda::EventSourceMapping')) {
    add(nodeOf(String(properties['EventSourceArn'])), `lambda ${nameOf(properties['FunctionName'])}`);
  }
  for (const { properties } of app.ofType('AWS::SQS::Queue')) {
    const dead = textAt(properties, 'RedrivePolicy', 'deadLetterTargetArn');
    if (dead !== undefined) add(`sqs ${nameOf(properties['QueueName'])}`, nodeOf(dead));
  }
  return found;
};

const reaches = (graph: ReadonlyMap<string, ReadonlySet<string>>, start: string): boolean => {
  const seen = new Set<string>();
  const open = [...(graph.get(start) ?? [])];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node === start) return true;
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...(graph.get(node) ?? []));
  }
  return false;
};

it('allows the loop of exactly those functions that can cause messages to themselves', () => {
  const graph = edges();
  const functions = app.ofType('AWS::Lambda::Function').map(({ properties }) => properties);

  const looping = functions
    .map((properties) => nameOf(properties['FunctionName']))
    .filter((name) => reaches(graph, `lambda ${name}`));
  const permitted = functions
    .filter((properties) => properties['RecursiveLoop'] === 'Allow')
    .map((properties) => nameOf(properties['FunctionName']));

  expect(looping.length).toBeGreaterThan(0);
  expect(permitted.sort()).toEqual(looping.sort());
});
