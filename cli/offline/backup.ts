/**
 * Takes a backup of a stage: every ledger item and every body. The ledger is only ever appended to, so a scan while
 * work goes on is consistent once what was committed after its beginning is left out; bodies are read after the
 * items, because a body is stored before the commit that refers to it.
 */
import type {
  BackupEntry,
  BackupHeader,
  BackupItem,
  BackupTrailer,
  StoredValue,
} from '#cli/offline/backup-format.ts';
import { BACKUP_FORMAT, BACKUP_VERSION } from '#cli/offline/backup-format.ts';
import { writeBackup } from '#cli/offline/backup-writer.ts';
import type { Stores } from '#cli/offline/stores.ts';

/** What a backup holds, and what it left out. */
export interface BackupReport extends Omit<BackupTrailer, 'kind'> {
  readonly createdAt: string;
  /** Commits made after the backup began. */
  readonly laterCommitCount: number;
}

type Item = Readonly<Record<string, { readonly S?: string; readonly N?: string; readonly B?: Uint8Array }>>;

/** Writes the backup; the file appears when it is whole. */
export const backup = async (
  stores: Pick<Stores, 'stage' | 'items' | 'blobs' | 'nowMs'>,
  file: string,
): Promise<BackupReport> => {
  const startedAtMs = stores.nowMs();
  const createdAt = new Date(startedAtMs).toISOString();
  let laterCommitCount = 0;
  // Clocks differ between writers: what follows a commit that was left out is left out too, whatever its time.
  const cutStreams = new Set<string>();
  const entries = async function* (): AsyncIterable<BackupEntry> {
    for await (const page of stores.items.scan()) {
      for (const item of page) {
        if (isKeptState(item)) continue;
        const stream = item['stream']?.S ?? '';
        const isLater = Number(item['committedAtMs']?.N ?? 0) > startedAtMs;
        if (isLater || (isCommit(item) && cutStreams.has(stream))) {
          cutStreams.add(stream);
          laterCommitCount += 1;
        } else yield { kind: 'item', item: storedItem(item) };
      }
    }
    for await (const { key, body, contentEncoding } of stores.blobs.all())
      yield {
        kind: 'blob',
        key,
        body: Buffer.from(body).toString('base64'),
        ...(contentEncoding === undefined ? {} : { contentEncoding }),
      };
  };
  const header: BackupHeader = {
    kind: 'header',
    format: BACKUP_FORMAT,
    version: BACKUP_VERSION,
    stage: stores.stage,
    createdAt,
  };
  const { itemCount, blobCount, sha256 } = await writeBackup(file, header, entries());
  return { createdAt, itemCount, blobCount, sha256, laterCommitCount };
};

/** A state kept beside its stream saves a fold and may reflect commits that are left out: it is made again. */
const isKeptState = (item: Item): boolean => !Number.isInteger(Number(item['sequence']?.N ?? 0));

const isCommit = (item: Item): boolean => item['committedAtMs'] !== undefined;

const storedItem = (item: Item): BackupItem['item'] =>
  Object.fromEntries(
    Object.entries(item).map(([name, { S, N, B }]): [string, StoredValue] => {
      if (S !== undefined) return [name, { S }];
      if (N !== undefined) return [name, { N }];
      if (B !== undefined) return [name, { B: Buffer.from(B).toString('base64') }];
      throw new Error(
        `ledger item ${item['stream']?.S ?? ''} ${item['sequence']?.N ?? ''}: attribute ${name} is neither text nor number nor bytes`,
      );
    }),
  );
