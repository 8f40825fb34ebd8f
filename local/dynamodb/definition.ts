/** What a table is declared to be: plain data that the journal carries and `DescribeTable` prints. */
import type { Json } from '#local/kernel/engine.ts';
import type { KeySchema } from './key.ts';

export type StreamView = 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES';

/** Which attributes a secondary index holds besides its keys and the table's. */
export type IndexProjection =
  | { readonly type: 'ALL' | 'KEYS_ONLY' }
  | { readonly type: 'INCLUDE'; readonly attributes: readonly string[] };

export interface IndexDefinition {
  readonly name: string;
  readonly keys: KeySchema;
  readonly projection: IndexProjection;
  readonly throughput: Json | undefined;
}

export interface StreamDefinition {
  readonly arn: string;
  readonly label: string;
  readonly view: StreamView;
  readonly shardCount: number;
  readonly createdAtMs: number;
}

export interface TableDefinition {
  readonly name: string;
  readonly id: string;
  readonly arn: string;
  readonly createdAtMs: number;
  readonly keys: KeySchema;
  readonly indexes: readonly IndexDefinition[];
  readonly billingMode: 'PAY_PER_REQUEST' | 'PROVISIONED';
  readonly throughput: Json | undefined;
  readonly stream: StreamDefinition | undefined;
  readonly isDeletionProtected: boolean;
  readonly encryption: Json | undefined;
  readonly tableClass: string | undefined;
  readonly tags: readonly Json[];
  readonly expiryAttribute: string | undefined;
  readonly recovery: { readonly isEnabled: boolean; readonly days: number };
}
