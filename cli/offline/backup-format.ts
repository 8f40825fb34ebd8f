/**
 * The backup file: gzip over lines of JSON. A header says what it is, then come the items of the ledger, then the
 * bodies, and a trailer with the counts and the SHA-256 of every byte before it, so that a file that was cut short
 * or damaged is told from a whole one before anything is written.
 */
import * as z from 'zod';

/** Tells a backup from other files of JSON lines. */
export const BACKUP_FORMAT = 'sluice-backup';
/** The version of the format this code writes, and the only one it reads. */
export const BACKUP_VERSION = 1;

/** First line. */
export const BackupHeader = z.strictObject({
  kind: z.literal('header'),
  format: z.literal(BACKUP_FORMAT),
  version: z.int(),
  stage: z.string(),
  createdAt: z.iso.datetime(),
});
export type BackupHeader = z.infer<typeof BackupHeader>;

const base64 = z.base64();

/** An attribute as stored; the ledger has text, numbers and bytes only. */
const StoredValue = z.union([
  z.strictObject({ S: z.string() }),
  z.strictObject({ N: z.string() }),
  z.strictObject({ B: base64 }),
]);
export type StoredValue = z.infer<typeof StoredValue>;

/** A commit, a document or a kept state. */
export const BackupItem = z.strictObject({
  kind: z.literal('item'),
  item: z
    .record(z.string(), StoredValue)
    .refine((item) => 'stream' in item && 'sequence' in item, 'an item has a stream and a sequence'),
});
export type BackupItem = z.infer<typeof BackupItem>;

/** A body of the object store. */
export const BackupBlob = z.strictObject({
  kind: z.literal('blob'),
  key: z.string().min(1),
  body: base64,
  contentEncoding: z.string().optional(),
});
export type BackupBlob = z.infer<typeof BackupBlob>;

/** Last line. */
export const BackupTrailer = z.strictObject({
  kind: z.literal('trailer'),
  itemCount: z.int().min(0),
  blobCount: z.int().min(0),
  /** Of the uncompressed lines before this one, line feeds included. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type BackupTrailer = z.infer<typeof BackupTrailer>;

/** A line between header and trailer. */
export const BackupEntry = z.discriminatedUnion('kind', [BackupItem, BackupBlob]);
export type BackupEntry = z.infer<typeof BackupEntry>;
