import { beforeAll, describe, expect, it } from 'vitest';

import { environmentKeysOf } from '#contracts/config.ts';
import { metricCatalogue } from '#contracts/metrics.ts';
import { functionNames } from '#contracts/naming.ts';
import { assembly, at, listOf, textAt } from '#test/infra/assembly.ts';
import type { TestAssembly } from '#test/infra/assembly.ts';

/** A stack beyond this is split before CloudFormation's 500 stop it. */
const resourcesMax = 350;

let app: TestAssembly;

beforeAll(async () => {
  app = await assembly();
});

const names = (type: string, property: string): readonly string[] =>
  app
    .ofType(type)
    .map(({ properties }) => String(properties[property]))
    .sort();

const mappings = () =>
  app.ofType('AWS::Lambda::EventSourceMapping').map(({ properties }) => ({
    source: String(properties['EventSourceArn']),
    target: String(properties['FunctionName']).replace(/^sluice-dev-|:live$/g, ''),
    properties,
  }));

describe('stacks', () => {
  it('refer to each other by names and never by exports', () => {
    for (const { stackName, template } of app.stacks) {
      expect(JSON.stringify(template.Resources), stackName).not.toContain('Fn::ImportValue');
      for (const output of Object.values(template.Outputs ?? {}))
        expect(at(output, 'Export')).toBeUndefined();
    }
  });

  it('stay within the number of resources they may have', () => {
    for (const { stackName, template } of app.stacks)
      expect(Object.keys(template.Resources ?? {}).length, stackName).toBeLessThanOrEqual(resourcesMax);
  });

  it('come in the order in which each finds what it names', () => {
    const order = app.stacks.map(({ stackName }) => stackName.replace('sluice-dev-', ''));

    expect(order.indexOf('data')).toBeLessThan(order.indexOf('ingest'));
    expect(order.indexOf('ingest')).toBeLessThan(order.indexOf('workflow'));
    expect([...order].sort()).toEqual(['api', 'data', 'ingest', 'observability', 'workflow']);
  });

  it('leave the market plane out when feeds are off', async () => {
    const quiet = await assembly({ feeds: 'off' });

    expect(quiet.stacks.map(({ stackName }) => stackName)).not.toContain('sluice-dev-ingest');
    expect(quiet.ofType('AWS::Kinesis::Stream')).toEqual([]);
    expect(JSON.stringify(quiet.ofType('AWS::Lambda::EventSourceMapping'))).not.toContain('engine-runs');
  });

  it('carry the stage in every physical name', async () => {
    const other = await assembly({ stage: 'qa' });

    for (const { properties } of other.ofType('AWS::Lambda::Function'))
      expect(String(properties['FunctionName'])).toMatch(/^sluice-qa-/);
    expect(JSON.stringify(other.resources.map(({ properties }) => properties))).not.toContain('sluice-dev');
  });
});

describe('stores', () => {
  it('are the tables, streams, bucket and secrets that everything else names', () => {
    expect(names('AWS::DynamoDB::Table', 'TableName')).toEqual([
      'sluice-dev-control',
      'sluice-dev-ledger',
      'sluice-dev-views',
    ]);
    expect(names('AWS::Kinesis::Stream', 'Name')).toEqual([
      'sluice-dev-market-events',
      'sluice-dev-orchestrator-events',
    ]);
    expect(names('AWS::S3::Bucket', 'BucketName')).toEqual(['sluice-dev-blobs-000000000000']);
    expect(names('AWS::SecretsManager::Secret', 'Name')).toEqual([
      'sluice-dev-run-id-key',
      'sluice-dev-task-token-key',
    ]);
  });

  it('can be restored, and survive a deleted stack', () => {
    for (const { properties } of app.ofType('AWS::DynamoDB::Table')) {
      expect(at(properties, 'PointInTimeRecoverySpecification', 'PointInTimeRecoveryEnabled')).toBe(true);
      expect(properties['DeletionProtectionEnabled']).toBe(true);
    }
    const lasting =
      /^AWS::(DynamoDB::Table|Kinesis::Stream|S3::Bucket|SecretsManager::Secret|Cognito::UserPool)$/;
    const stores = app.stacks
      .flatMap(({ template }) => Object.values(template.Resources ?? {}))
      .filter(({ Type }) => lasting.test(Type));
    expect(stores).toHaveLength(9);
    for (const store of stores) {
      expect(store.DeletionPolicy).toBe('Retain');
      expect(store.UpdateReplacePolicy).toBe('Retain');
    }
  });

  it('keep what is released for longer than a table can be recovered', () => {
    const [bucket] = app.ofType('AWS::S3::Bucket');
    const rules = at(bucket?.properties, 'LifecycleConfiguration', 'Rules') as readonly Record<
      string,
      unknown
    >[];
    expect(rules.filter((rule) => 'ExpirationInDays' in rule)).toEqual([
      { ExpirationInDays: 36, Status: 'Enabled', TagFilters: [{ Key: 'sluice', Value: 'released' }] },
    ]);
  });

  it('show the ledger as new images and find its streams by armed deadline', () => {
    const ledger = app
      .ofType('AWS::DynamoDB::Table')
      .find(({ physicalName }) => physicalName === 'sluice-dev-ledger')?.properties;

    expect(at(ledger, 'StreamSpecification', 'StreamViewType')).toBe('NEW_IMAGE');
    expect(at(ledger, 'GlobalSecondaryIndexes', 0)).toMatchObject({
      IndexName: 'by-due',
      Projection: { ProjectionType: 'KEYS_ONLY' },
    });
  });
});

describe('queues', () => {
  it('have a dead-letter queue each, of their own kind', () => {
    for (const { properties, physicalName } of app.ofType('AWS::SQS::Queue')) {
      const isFinal = /-dead(\.fifo)?$|dead-letters$/.test(physicalName);
      const dead = textAt(properties, 'RedrivePolicy', 'deadLetterTargetArn');
      expect(dead === undefined, physicalName).toBe(isFinal);
      if (dead !== undefined) expect(dead.endsWith('.fifo')).toBe(physicalName.endsWith('.fifo'));
    }
  });

  it('hide a message six times as long as its consumer may take', () => {
    for (const { source, target } of mappings()) {
      if (!source.includes(':sqs:')) continue;
      const queue = app
        .ofType('AWS::SQS::Queue')
        .find(({ physicalName }) => source.endsWith(`:${physicalName}`));
      const consumer = app
        .ofType('AWS::Lambda::Function')
        .find(({ physicalName }) => physicalName === `sluice-dev-${target}`);
      expect(Number(queue?.properties['VisibilityTimeout'])).toBeGreaterThanOrEqual(
        6 * Number(consumer?.properties['Timeout']),
      );
    }
  });

  it('have an alarm each, or a consumer that counts what was given up, which has one', () => {
    const alarms = app.ofType('AWS::CloudWatch::Alarm').map(({ properties }) => properties);
    const watched = alarms
      .flatMap((properties) => listOf(properties['Dimensions']))
      .map((dimension) => String(at(dimension, 'Value')));
    const consumed = mappings().map(({ source }) => source);

    for (const { physicalName } of app.ofType('AWS::SQS::Queue'))
      if (/-dead(\.fifo)?$/.test(physicalName))
        expect(consumed).toContain(`arn:aws:sqs:us-east-1:000000000000:${physicalName}`);
      else expect(watched).toContain(physicalName);
    // Commands that cannot be decided stay where they are.
    expect(watched).toContain('sluice-dev-commands-dead.fifo');
    expect(alarms.map((properties) => properties['MetricName'])).toContain('DeadLetters');
    expect(watched).toContain('sluice-dev-dead-letters:live');
  });
});

describe('mappings', () => {
  it('give the ledger stream exactly two consumers, in order, from the oldest record on', () => {
    const consumers = mappings().filter(({ source }) => source.includes(':dynamodb:'));

    expect(consumers.map(({ target }) => target)).toEqual(['compact', 'publish']);
    for (const { properties } of consumers)
      expect(properties).toMatchObject({
        BatchSize: 100,
        ParallelizationFactor: 1,
        StartingPosition: 'TRIM_HORIZON',
        BisectBatchOnFunctionError: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      });
  });

  it('let only commits and tampering through to compact, and only outputs to publish', () => {
    const patternsOf = (name: string) =>
      listOf(
        at(mappings().find(({ target }) => target === name)?.properties, 'FilterCriteria', 'Filters'),
      ).map((filter) => JSON.parse(String(at(filter, 'Pattern'))) as unknown);

    expect(patternsOf('compact')).toEqual([
      { dynamodb: { NewImage: { count: { N: [{ exists: true }] } } } },
      { eventName: ['MODIFY', 'REMOVE'] },
    ]);
    expect(patternsOf('publish')).toEqual([
      { dynamodb: { NewImage: { outputs: { S: [{ exists: true }] } } } },
      { dynamodb: { NewImage: { outputs: { B: [{ exists: true }] } } } },
    ]);
  });

  it('read the market stream in order and keep what was given up', () => {
    const ingest = mappings().find(({ target }) => target === 'ingest-market')?.properties;

    expect(ingest).toMatchObject({
      BatchSize: 500,
      ParallelizationFactor: 1,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: {
        OnFailure: { Destination: 'arn:aws:sqs:us-east-1:000000000000:sluice-dev-market-dead-letters' },
      },
    });
  });

  it('bound what a queue can start at once', () => {
    for (const { source, properties } of mappings())
      if (source.includes(':sqs:'))
        expect(at(properties, 'ScalingConfig', 'MaximumConcurrency')).toBeLessThanOrEqual(
          // An invocation of `run-task` waits for functions of customers, most of its time for one alone.
          source.endsWith(':sluice-dev-function-tasks') ? 50 : 10,
        );
  });

  it('hide a task of a function for longer than its invocation may last', () => {
    const queue = app
      .ofType('AWS::SQS::Queue')
      .find(({ properties }) => properties['QueueName'] === 'sluice-dev-function-tasks');
    const runTask = app
      .ofType('AWS::Lambda::Function')
      .find(({ properties }) => properties['FunctionName'] === 'sluice-dev-run-task');

    expect(runTask?.properties).toMatchObject({ Timeout: 900, RecursiveLoop: 'Allow' });
    expect(queue?.properties).toMatchObject({ VisibilityTimeout: 5_400 });
  });
});

describe('functions', () => {
  it('are all there, each with exactly the variables of its contract', () => {
    const functions = app.ofType('AWS::Lambda::Function');

    expect(functions.map(({ physicalName }) => physicalName).sort()).toEqual(
      functionNames.map((name) => `sluice-dev-${name}`).sort(),
    );
    for (const name of functionNames) {
      const found = functions.find(({ physicalName }) => physicalName === `sluice-dev-${name}`);
      const variables = Object.keys(at(found?.properties, 'Environment', 'Variables') as object);
      const expected = environmentKeysOf[name].filter((key) => key !== 'LIMITS');
      expect(variables.sort()).toEqual([...expected].sort());
    }
  });

  it('have Lambda log nothing of an invocation that went well', () => {
    for (const { properties } of app.ofType('AWS::Lambda::Function'))
      expect(at(properties, 'LoggingConfig')).toMatchObject({ LogFormat: 'JSON', SystemLogLevel: 'WARN' });
  });

  it('carry limits that differ from their defaults, and refuse unknown ones', async () => {
    const tight = await assembly({ limits: '{"sweepOverlapMinutes":5}' });

    for (const { properties } of tight.ofType('AWS::Lambda::Function'))
      expect(at(properties, 'Environment', 'Variables', 'LIMITS')).toBe('{"sweepOverlapMinutes":5}');
    await expect(assembly({ limits: '{"sweepOverlap":5}' })).rejects.toThrow('must be JSON of known limits');
  });
});

describe('observability', () => {
  it('draws every metric of the catalogue and alarms on those that ask for it', () => {
    const dashboard = JSON.stringify(
      app.ofType('AWS::CloudWatch::Dashboard').map(({ properties }) => properties),
    );
    const alarms = names('AWS::CloudWatch::Alarm', 'AlarmName');

    for (const [name, metric] of Object.entries(metricCatalogue)) {
      expect(dashboard).toContain(`MetricName=\\\\\\"${name}\\\\\\"`);
      expect(alarms.includes(`sluice-dev-${name}`), name).toBe('alarm' in metric);
    }
  });

  it('alarms when a reader of a stream is ten minutes behind, and pages at six hours', () => {
    const thresholds = app
      .ofType('AWS::CloudWatch::Alarm')
      .filter(({ properties }) => properties['MetricName'] === 'IteratorAge')
      .map(({ properties }) => Number(properties['Threshold']) / 60_000);

    expect(thresholds).toEqual([10, 360, 10, 360, 10, 360]);
  });

  it('tells the topic when there is one', async () => {
    const told = await assembly({ alarmTopicArn: 'arn:aws:sns:us-east-1:000000000000:pager' });

    for (const { properties } of told.ofType('AWS::CloudWatch::Alarm'))
      expect(properties['AlarmActions']).toEqual(['arn:aws:sns:us-east-1:000000000000:pager']);
  });
});
