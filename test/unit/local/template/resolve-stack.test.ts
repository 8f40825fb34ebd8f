import { describe, expect, it } from 'vitest';

import { readAssembly } from '#local/template/assembly.ts';
import { functionNameOf } from '#local/template/lambda-alias.ts';
import { resolveStacks } from '#local/template/resolve-stack.ts';
import type { ResolvedStack, Resource } from '#local/template/resolve-stack.ts';
import { writeAssembly } from '#test/unit/local/template/assembly-fixture.ts';
import type { StackToWrite } from '#test/unit/local/template/assembly-fixture.ts';

const account = { region: 'us-east-1', accountId: '000000000000', awsUrl: 'http://127.0.0.1:4566' };
const resolve = (stacks: Readonly<Record<string, StackToWrite>>): readonly ResolvedStack[] =>
  resolveStacks(readAssembly(writeAssembly(stacks)), account);
const resourceOf = (template: Readonly<Record<string, unknown>>, logicalId: string): Resource => {
  const found = resolve({ app: { template } })[0]?.resources.find((one) => one.logicalId === logicalId);
  if (found === undefined) throw new Error(`no resource ${logicalId}`);
  return found;
};
/** The environment of a function whose one variable is this value. */
const valueOf = (value: unknown, rest: Readonly<Record<string, unknown>> = {}): unknown => {
  const { properties } = resourceOf(
    {
      ...rest,
      Resources: {
        ...(rest['Resources'] as object),
        Probe: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: value } },
      },
    },
    'Probe',
  );
  return properties['Value'];
};
const resources = {
  Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'work.fifo', FifoQueue: true } },
  Unnamed: { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } },
  Table: {
    Type: 'AWS::DynamoDB::Table',
    Properties: { TableName: 'ledger', KeySchema: [], AttributeDefinitions: [] },
  },
  Machine: { Type: 'AWS::StepFunctions::StateMachine', Properties: { StateMachineName: 'retry' } },
  Function: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'fn', Handler: 'handler.handler' } },
  Version: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Function' } } },
  Alias: {
    Type: 'AWS::Lambda::Alias',
    Properties: {
      Name: 'live',
      FunctionName: { Ref: 'Function' },
      FunctionVersion: { 'Fn::GetAtt': ['Version', 'Version'] },
    },
  },
};
const with_ = { Resources: resources };

describe('an assembly', () => {
  it('gives its stacks in the order of their dependencies', () => {
    const stacks = resolve({
      api: { template: { Resources: {} }, dependencies: ['data'] },
      data: { template: { Resources: {} } },
    });
    expect(stacks.map(({ stackName }) => stackName)).toEqual(['data', 'api']);
  });

  it('says what to do when it is missing', () => {
    expect(() => readAssembly('/nowhere')).toThrow('run npm run synth first');
  });
});

describe('intrinsic functions', () => {
  it.each([
    ['Ref to a queue', { Ref: 'Queue' }, 'http://127.0.0.1:4566/000000000000/work.fifo'],
    [
      'Ref to a queue without a name',
      { Ref: 'Unnamed' },
      'http://127.0.0.1:4566/000000000000/app-Unnamed.fifo',
    ],
    ['Ref to a table', { Ref: 'Table' }, 'ledger'],
    ['Ref to a machine', { Ref: 'Machine' }, 'arn:aws:states:us-east-1:000000000000:stateMachine:retry'],
    ['Ref to an alias', { Ref: 'Alias' }, 'arn:aws:lambda:us-east-1:000000000000:function:fn:live'],
    ['a pseudo parameter', { Ref: 'AWS::Region' }, 'us-east-1'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:aws:sqs:us-east-1:000000000000:work.fifo'],
    ['GetAtt as text', { 'Fn::GetAtt': 'Table.Arn' }, 'arn:aws:dynamodb:us-east-1:000000000000:table/ledger'],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'Table' }]] }, 'a-ledger'],
    [
      'Sub',
      { 'Fn::Sub': '${AWS::AccountId}/${Table}/${Queue.Arn}/${!kept}' },
      '000000000000/ledger/arn:aws:sqs:us-east-1:000000000000:work.fifo/${kept}',
    ],
    ['Sub with variables', { 'Fn::Sub': ['${x}', { x: { Ref: 'Table' } }] }, 'ledger'],
    ['Select of Split', { 'Fn::Select': [1, { 'Fn::Split': [':', 'a:b'] }] }, 'b'],
    ['Base64', { 'Fn::Base64': 'hi' }, 'aGk='],
    ['FindInMap', { 'Fn::FindInMap': ['Map', 'top', 'second'] }, 'found'],
    ['If', { 'Fn::If': ['IsUs', 'yes', 'no'] }, 'yes'],
    ['If of a compound condition', { 'Fn::If': ['IsNot', 'yes', 'no'] }, 'no'],
    ['a parameter', { Ref: 'Stage' }, 'dev'],
  ])('resolve %s', (_, value, expected) => {
    const rest = {
      ...with_,
      Parameters: { Stage: { Type: 'String', Default: 'dev' } },
      Mappings: { Map: { top: { second: 'found' } } },
      Conditions: {
        IsUs: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
        IsNot: {
          'Fn::And': [
            { Condition: 'IsUs' },
            { 'Fn::Or': [{ 'Fn::Not': [{ Condition: 'IsUs' }] }, { 'Fn::Equals': ['a', 'b'] }] },
          ],
        },
      },
    };
    expect(valueOf(value, rest)).toBe(expected);
  });

  it('leave out members without a value and resources whose condition does not hold', () => {
    expect(valueOf({ a: { Ref: 'AWS::NoValue' }, b: [{ Ref: 'AWS::NoValue' }, 1] })).toEqual({ b: [1] });
    const [stack] = resolve({
      app: {
        template: {
          Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
          Resources: { Gone: { Type: 'AWS::SQS::Queue', Condition: 'Never' } },
        },
      },
    });
    expect(stack?.resources).toEqual([]);
  });

  it('read an SSM parameter of an earlier stack', () => {
    const stored = { Type: 'AWS::SSM::Parameter', Properties: { Name: '/a/b', Type: 'String', Value: 'v' } };
    const stacks = resolve({
      late: {
        dependencies: ['early'],
        template: {
          Parameters: { P: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/a/b' } },
          Resources: {
            Q: { Type: 'AWS::SQS::Queue', Properties: { QueueName: '{{resolve:ssm:/a/b}}' } },
            R: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'P' } } },
          },
        },
      },
      early: { template: { Resources: { Stored: stored } } },
    });
    expect(stacks[1]?.resources.map(({ properties }) => properties['QueueName'])).toEqual(['v', 'v']);
  });
});

describe('what is refused', () => {
  it.each([
    [
      'an unknown type',
      { X: { Type: 'AWS::Redshift::Cluster' } },
      'stack app, resource X (AWS::Redshift::Cluster): this resource type is not supported',
    ],
    [
      'an unknown property of a known type',
      { X: { Type: 'AWS::SQS::Queue', Properties: { QueName: 'a' } } },
      'stack app, resource X (AWS::SQS::Queue), property QueName: this property is not supported',
    ],
    [
      'an unknown property of a type without effect',
      { X: { Type: 'AWS::IAM::Role', Properties: { Polices: [] } } },
      'property Polices',
    ],
    [
      'an import from another stack',
      { X: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { 'Fn::ImportValue': 'y' } } } },
      'property QueueName: Fn::ImportValue is not supported',
    ],
    [
      'an unknown function',
      { X: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { 'Fn::Cidr': [] } } } },
      'the intrinsic function Fn::Cidr is not supported',
    ],
    [
      'an unknown attribute',
      {
        X: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { 'Fn::GetAtt': ['Y', 'Size'] } } },
        Y: { Type: 'AWS::SQS::Queue' },
      },
      'resource Y (AWS::SQS::Queue): the attribute Size is not supported',
    ],
    [
      'a reference to nothing',
      { X: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'Z' } } } },
      'there is no resource Z',
    ],
  ])('%s', (_, declared, message) => {
    expect(() => resolve({ app: { template: { Resources: declared } } })).toThrow(message);
  });
});

describe('a function name', () => {
  it.each([
    'fn',
    'fn:live',
    'arn:aws:lambda:us-east-1:000000000000:function:fn',
    'arn:aws:lambda:us-east-1:000000000000:function:fn:live',
  ])('is found in %s', (reference) => {
    expect(functionNameOf(reference)).toBe('fn');
  });
});
