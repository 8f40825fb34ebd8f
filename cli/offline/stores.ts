/** The stores of a stage for commands that work on tables: of the running local stack, or of an AWS account. */
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { setTimeout as pause } from 'node:timers/promises';
import { dynamoCursors } from '#adapters/dynamodb/control.ts';
import { forgetSweeperCursor } from '#adapters/dynamodb/cursor-reset.ts';
import { dynamoLedgerItems } from '#adapters/dynamodb/ledger-items.ts';
import type { LedgerItems } from '#adapters/dynamodb/ledger-items.ts';
import { dynamoLedger } from '#adapters/dynamodb/ledger.ts';
import { dynamoViewTables } from '#adapters/dynamodb/view-tables.ts';
import { s3BlobObjects } from '#adapters/s3/blob-objects.ts';
import type { BlobObjects } from '#adapters/s3/blob-objects.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { queueUrlOf } from '#adapters/sqs/queue-urls.ts';
import { sqsQueues } from '#adapters/sqs/queues.ts';
import { withAws } from '#cli/aws-connection.ts';
import type { AwsConnection } from '#cli/aws-connection.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { blobsBucketName, physicalName, Stage } from '#contracts/naming.ts';
import type { LedgerScan } from '#domain/ports/ledger.ts';
import type { Cursors } from '#domain/ports/control.ts';
import type { Queues } from '#domain/ports/outside.ts';
import type { ViewTables } from '#domain/ports/rebuild.ts';

/** What a rebuild, a reconciliation, a backup and a restore work on. */
export interface Stores {
  readonly stage: Stage;
  readonly ledger: LedgerScan;
  readonly items: LedgerItems;
  readonly tables: ViewTables;
  readonly blobs: BlobObjects;
  readonly cursors: Cursors;
  /** `compactions` and `publications`. */
  readonly queues: Queues;
  /** Makes the next sweep look at every armed deadline. */
  readonly forgetSweep: () => Promise<void>;
  readonly pause: (waitMs: number) => Promise<void>;
  readonly nowMs: () => number;
}

export interface StoresSetting {
  readonly stage: Stage;
  /** A host of the clients (see `adapters/sdk/connection.ts`); absent, the environment's own account. */
  readonly plugin?: object;
  readonly bucket: string;
  readonly pause: (waitMs: number) => Promise<void>;
  readonly nowMs: () => number;
}

/** The stores of a stage, by their names. */
export const storesOf = (setting: StoresSetting): Stores => {
  const { stage, plugin, bucket, nowMs } = setting;
  const client = dynamodbClient(plugin);
  const table = (name: string): string => physicalName(stage, name);
  return {
    stage,
    ledger: dynamoLedger({ client, table: table('ledger'), nowMs }),
    items: dynamoLedgerItems(client, table('ledger')),
    tables: dynamoViewTables({ client, table: table('views'), pause: setting.pause }),
    blobs: s3BlobObjects(s3Client(plugin), bucket),
    cursors: dynamoCursors({ client, table: table('control'), nowMs }),
    queues: catchUpQueues(stage, plugin),
    forgetSweep: () => forgetSweeperCursor(client, table('control')),
    pause: setting.pause,
    nowMs,
  };
};

/** The queues by which a stream is caught up; their addresses are asked for at the first message. */
const catchUpQueues = (stage: Stage, plugin: object | undefined): Queues => {
  const client = sqsClient(plugin);
  const urls = async () => {
    const [compactions, publications] = await Promise.all(
      (['compactions', 'publications'] as const).map((name) => queueUrlOf(client, physicalName(stage, name))),
    );
    return { ...(compactions && { compactions }), ...(publications && { publications }) };
  };
  let known: ReturnType<typeof urls> | undefined;
  return { send: async (messages) => sqsQueues(client, await (known ??= urls())).send(messages) };
};

/** Connects to the stores of a stage, uses them, and closes the clients. */
export const withStores = async <Result>(
  options: AwsConnection & { readonly stage: string },
  use: (stores: Stores) => Promise<Result>,
): Promise<Result> => {
  const stage = Stage.safeParse(options.stage);
  if (!stage.success)
    throw new CliError('usage', `stage ${options.stage} is none: ${stage.error.issues[0]?.message ?? ''}`, {
      exitCode: exitCodes.usage,
    });
  return withAws(options, async (plugin) => {
    const bucket = options.isAws
      ? await findBucket(s3Client(plugin), stage.data)
      : blobsBucketName(stage.data, LOCAL_ACCOUNT);
    const platform = { pause: (waitMs: number) => pause(waitMs), nowMs: () => Date.now() };
    return use(storesOf({ stage: stage.data, plugin, bucket, ...platform }));
  });
};

const LOCAL_ACCOUNT = '000000000000';

/** Bucket names carry the account, which a person need not know. */
const findBucket = async (client: S3Client, stage: Stage): Promise<string> => {
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  const prefix = blobsBucketName(stage, '');
  const found = Buckets.flatMap(({ Name }) => (Name?.startsWith(prefix) ? [Name] : []));
  const [bucket] = found;
  if (bucket !== undefined && found.length === 1) return bucket;
  throw new CliError('not_found', `the account has ${found.length} buckets named ${prefix}…, not one`, {
    exitCode: exitCodes.portOrState,
  });
};
