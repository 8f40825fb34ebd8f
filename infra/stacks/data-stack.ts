/**
 * What must outlive every deployment: the ledger, the read models, coordination, bodies, the streams and the
 * secrets. Other stacks know these by name.
 */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { TableProps } from 'aws-cdk-lib/aws-dynamodb';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';

import {
  dueIndexName,
  ledgerStreamParameterName,
  listIndexName,
  releasedDays,
  releasedTag,
} from '#contracts/naming.ts';
import type { SecretName, StreamName, TableName } from '#contracts/naming.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { resourceNames } from '#infra/resource-names.ts';
import type { ResourceNames } from '#infra/resource-names.ts';
import type { StackSettings } from '#infra/settings.ts';

const text = (name: string) => ({ name, type: AttributeType.STRING });
const number = (name: string) => ({ name, type: AttributeType.NUMBER });

/** The stores of a stage; all of them stay when the stack is deleted. */
export class DataStack extends Stack {
  private readonly settings: StackSettings;
  private readonly names: ResourceNames;

  constructor(scope: Construct, id: string, settings: StackSettings) {
    super(scope, id, { description: 'Sluice: ledger, read models, coordination, bodies and streams' });
    this.settings = settings;
    this.names = resourceNames(settings.stage);
    this.ledger();
    this.views();
    this.control();
    this.blobs();
    this.secret('TaskTokenKey', {
      name: 'task-token-key',
      description: 'Signs the tokens of task attempts',
      reason: 'a rotation would refuse the reports of every attempt at work; tokens live one attempt anyway',
    });
    this.secret('RunIdKey', {
      name: 'run-id-key',
      description: 'Names the run of a run key',
      reason: 'with another key every run key would name another run, and what was started would start again',
    });
    if (settings.feeds === 'on') {
      this.stream('MarketEvents', 'market-events', settings.marketRetentionHours);
      this.stream('OrchestratorEvents', 'orchestrator-events', 24);
    }
  }

  private ledger(): void {
    const table = this.table('Ledger', 'ledger', {
      partitionKey: text('stream'),
      sortKey: number('sequence'),
      stream: StreamViewType.NEW_IMAGE,
      // States kept beside their stream expire; commits carry no expiresAt.
      timeToLiveAttribute: 'expiresAt',
    });
    table.addGlobalSecondaryIndex({
      indexName: dueIndexName,
      partitionKey: text('due'),
      sortKey: text('stream'),
      projectionType: ProjectionType.KEYS_ONLY,
    });
    if (table.tableStreamArn === undefined) throw new Error('the ledger has no stream');
    new CfnParameter(this, 'LedgerStreamArn', {
      name: ledgerStreamParameterName(this.settings.stage),
      type: 'String',
      description: 'ARN of the stream of the ledger, for the stacks that read it',
      value: table.tableStreamArn,
    });
  }

  private views(): void {
    const table = this.table('Views', 'views', {
      partitionKey: text('pk'),
      sortKey: text('sk'),
      timeToLiveAttribute: 'expiresAt',
    });
    table.addGlobalSecondaryIndex({
      indexName: listIndexName,
      partitionKey: text('listKey'),
      sortKey: text('listSort'),
      projectionType: ProjectionType.KEYS_ONLY,
    });
  }

  private control(): void {
    this.table('Control', 'control', {
      partitionKey: text('pk'),
      sortKey: text('sk'),
      timeToLiveAttribute: 'expiresAt',
    });
  }

  /** Encrypted with a key of AWS's own, which costs nothing while idle. */
  private table(id: string, name: TableName, props: TableProps): Table {
    return new Table(this, id, {
      ...props,
      tableName: this.names.of(name),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private blobs(): void {
    const bucket = new Bucket(this, 'Blobs', {
      bucketName: this.names.bucketName,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(7) },
        { tagFilters: { [releasedTag.key]: releasedTag.value }, expiration: Duration.days(releasedDays) },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(bucket, {
      rule: 'AwsSolutions-S1',
      reason:
        'bodies are written once under the hash of their content, and what refers to them is in the ledger',
    });
  }

  private stream(id: string, name: StreamName, retentionHours: number): void {
    const stream = new Stream(this, id, {
      streamName: this.names.of(name),
      streamMode: StreamMode.PROVISIONED,
      shardCount: 1,
      retentionPeriod: Duration.hours(retentionHours),
      encryption: StreamEncryption.MANAGED,
    });
    stream.applyRemovalPolicy(RemovalPolicy.RETAIN);
  }

  /** A secret that is generated once and never rotates; `reason` says why. */
  private secret(
    id: string,
    {
      name,
      description,
      reason,
    }: { readonly name: SecretName; readonly description: string; readonly reason: string },
  ): void {
    const secret = new Secret(this, id, {
      secretName: this.names.of(name),
      description,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(secret, { rule: 'AwsSolutions-SMG4', reason });
  }
}
