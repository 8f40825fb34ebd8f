/** Buckets and their objects in memory, every change journaled. */
import type { EngineSetting } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';

export interface StoredObject {
  readonly body: Uint8Array;
  /** With its quotes. */
  readonly etag: string;
  readonly modifiedAtMs: number;
  /** Headers given back as they came, by member name: `ContentType`, `ChecksumCRC32`… */
  readonly members: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Objects with this tag expire this many days after they were stored. */
export interface ExpiryRule {
  readonly key: string;
  readonly value: string;
  readonly days: number;
}

export interface Bucket {
  readonly name: string;
  readonly createdAtMs: number;
  readonly objects: Map<string, StoredObject>;
  expiry: readonly ExpiryRule[];
  /** The day, in days since 1970, on which expired objects were last looked for. */
  expiredOnDay?: number;
}

export interface Buckets {
  readonly all: ReadonlyMap<string, Bucket>;
  readonly add: (name: string, createdAtMs: number) => void;
  readonly drop: (name: string) => void;
  readonly setExpiry: (bucket: Bucket, rules: readonly ExpiryRule[]) => void;
  readonly put: (bucket: Bucket, key: string, object: StoredObject) => void;
  readonly remove: (bucket: Bucket, key: string) => void;
  readonly restore: (entry: JournalEntry) => void;
  readonly snapshot: () => Iterable<JournalEntry>;
}

/** An object as the journal carries it: its body as base64. */
type JournaledObject = Omit<StoredObject, 'body'> & { readonly body: string };

/** No buckets yet. */
export const createBuckets = ({ journal }: Pick<EngineSetting, 'journal'>): Buckets => {
  const all = new Map<string, Bucket>();
  const append = (...entry: JournalEntry): void => journal.append('s3', entry);
  return {
    all,
    add: (name, createdAtMs) => {
      append('bucket', name, createdAtMs);
      all.set(name, { name, createdAtMs, objects: new Map(), expiry: [] });
    },
    setExpiry: (bucket, rules) => {
      append('bucket-expiry', bucket.name, rules);
      bucket.expiry = rules;
    },
    drop: (name) => {
      append('bucket-deleted', name);
      all.delete(name);
    },
    put: (bucket, key, object) => {
      append('object', bucket.name, key, journaled(object));
      bucket.objects.set(key, object);
    },
    remove: (bucket, key) => {
      if (!bucket.objects.has(key)) return;
      append('object-deleted', bucket.name, key);
      bucket.objects.delete(key);
    },
    restore: (entry) => restore(all, entry),
    snapshot: () => snapshotOf(all),
  };
};

const journaled = ({ body, ...object }: StoredObject): JournaledObject => ({
  ...object,
  body: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64'),
});

/** Entries are our own words, so their values are taken as they are. */
const restore = (all: Map<string, Bucket>, [operation, first, ...values]: JournalEntry): void => {
  const name = first as string;
  switch (operation) {
    case 'bucket':
      all.set(name, { name, createdAtMs: values[0] as number, objects: new Map(), expiry: [] });
      return;
    case 'bucket-expiry': {
      const bucket = all.get(name);
      if (bucket) bucket.expiry = values[0] as readonly ExpiryRule[];
      return;
    }
    case 'bucket-deleted':
      all.delete(name);
      return;
    case 'object': {
      const { body, ...object } = values[1] as JournaledObject;
      all.get(name)?.objects.set(values[0] as string, { ...object, body: Buffer.from(body, 'base64') });
      return;
    }
    case 'object-deleted':
      all.get(name)?.objects.delete(values[0] as string);
      return;
    default:
      throw new Error(`the journal holds an unknown entry of the s3 engine: ${operation}`);
  }
};

const snapshotOf = function* (all: ReadonlyMap<string, Bucket>): Iterable<JournalEntry> {
  for (const bucket of all.values()) {
    yield ['bucket', bucket.name, bucket.createdAtMs];
    if (bucket.expiry.length > 0) yield ['bucket-expiry', bucket.name, bucket.expiry];
    for (const [key, object] of bucket.objects) yield ['object', bucket.name, key, journaled(object)];
  }
};
