/** The settings around tables: time to live, backups, tags, and what the account may do. */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import { describeBackups } from './describe-table.ts';
import { optionalCount, optionalFlag, refuseUnknown, requiredRecord, requiredText } from './request.ts';
import { tableNameOf } from './store.ts';
import type { Store } from './store.ts';
import { redefine, requireKnownTable } from './table-operations.ts';

/** The operations on settings. */
export const settingOperations = (store: Store): Readonly<Record<string, Operation>> => ({
  UpdateTimeToLive: (input) => updateTimeToLive(store, input),
  DescribeTimeToLive: (input) => {
    refuseUnknown(input, 'DescribeTimeToLive', NAME_ONLY);
    const { expiryAttribute } = requireKnownTable(store, input).definition;
    return {
      TimeToLiveDescription:
        expiryAttribute === undefined
          ? { TimeToLiveStatus: 'DISABLED' }
          : { TimeToLiveStatus: 'ENABLED', AttributeName: expiryAttribute },
    };
  },
  UpdateContinuousBackups: (input) => updateBackups(store, input),
  DescribeContinuousBackups: (input) => {
    refuseUnknown(input, 'DescribeContinuousBackups', NAME_ONLY);
    return {
      ContinuousBackupsDescription: describeBackups(requireKnownTable(store, input).definition),
    };
  },
  ListTagsOfResource: (input) => listTags(store, input),
  DescribeLimits: () => ({
    AccountMaxReadCapacityUnits: 80_000,
    AccountMaxWriteCapacityUnits: 80_000,
    TableMaxReadCapacityUnits: 40_000,
    TableMaxWriteCapacityUnits: 40_000,
  }),
  DescribeEndpoints: () => ({
    Endpoints: [{ Address: `dynamodb.${store.setting.region}.amazonaws.com`, CachePeriodInMinutes: 1_440 }],
  }),
});

const NAME_ONLY: ReadonlySet<string> = new Set(['TableName']);

const TTL_PARAMETERS: ReadonlySet<string> = new Set(['TableName', 'TimeToLiveSpecification']);

const updateTimeToLive = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'UpdateTimeToLive', TTL_PARAMETERS);
  const { definition } = requireKnownTable(store, input);
  const specification = requiredRecord(input, 'TimeToLiveSpecification');
  const attribute = requiredText(specification, 'AttributeName');
  const isWanted = optionalFlag(specification, 'Enabled') ?? false;
  const { expiryAttribute } = definition;
  if (isWanted && expiryAttribute !== undefined) throw validation('TimeToLive is already enabled');
  if (!isWanted && expiryAttribute === undefined) throw validation('TimeToLive is already disabled');
  if (!isWanted && expiryAttribute !== attribute) {
    throw validation('TimeToLive is active on a different AttributeName');
  }
  redefine(store, { ...definition, expiryAttribute: isWanted ? attribute : undefined });
  return { TimeToLiveSpecification: { AttributeName: attribute, Enabled: isWanted } };
};

const BACKUP_PARAMETERS: ReadonlySet<string> = new Set(['TableName', 'PointInTimeRecoverySpecification']);

const updateBackups = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'UpdateContinuousBackups', BACKUP_PARAMETERS);
  const { definition } = requireKnownTable(store, input);
  const specification = requiredRecord(input, 'PointInTimeRecoverySpecification');
  const next = {
    ...definition,
    recovery: {
      isEnabled: optionalFlag(specification, 'PointInTimeRecoveryEnabled') ?? false,
      days:
        optionalCount(specification, 'RecoveryPeriodInDays', { least: 1, most: 35 }) ??
        definition.recovery.days,
    },
  };
  redefine(store, next);
  return { ContinuousBackupsDescription: describeBackups(next) };
};

const TAG_PARAMETERS: ReadonlySet<string> = new Set(['ResourceArn', 'NextToken']);

const listTags = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'ListTagsOfResource', TAG_PARAMETERS);
  const arn = requiredText(input, 'ResourceArn');
  const table = store.tables.get(tableNameOf(arn));
  if (table === undefined) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Requested resource not found: ResourcArn: ${arn} not found`,
    );
  }
  return { Tags: table.definition.tags };
};
