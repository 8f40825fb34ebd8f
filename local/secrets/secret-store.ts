/** Secrets in memory: names and versions are journaled, values go to the vault and nowhere else. */
import type { Journal, JournalEntry } from '#local/kernel/journal.ts';
import type { Vault } from './vault.ts';

export interface SecretVersion {
  readonly id: string;
  readonly createdAtMs: number;
  readonly stages: readonly string[];
}

export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly kmsKeyId: string | undefined;
  readonly tags: readonly unknown[];
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  /** Set while the secret waits for its deletion. */
  readonly deletedAtMs: number | undefined;
  readonly deleteAtMs: number | undefined;
  readonly versions: readonly SecretVersion[];
}

/** The value of one version: text or base64 bytes. */
export interface SecretValue {
  readonly SecretString?: string;
  readonly SecretBinary?: string;
}

export interface SecretStore {
  readonly find: (name: string) => Secret | undefined;
  readonly all: () => readonly Secret[];
  readonly save: (
    secret: Secret,
    added?: { readonly versionId: string; readonly value: SecretValue },
  ) => void;
  readonly remove: (name: string) => void;
  readonly value: (secret: Secret, versionId: string) => SecretValue | undefined;
  readonly restore: (entry: JournalEntry) => void;
  readonly snapshot: () => Iterable<JournalEntry>;
}

const vaultKey = (name: string, versionId: string): string => `${name} ${versionId}`;

/** No secrets yet; the vault is read when the first value is asked for. */
export const createSecretStore = ({
  journal,
  vault,
}: {
  readonly journal: Journal;
  readonly vault: Vault;
}): SecretStore => {
  const secrets = new Map<string, Secret>();
  let known: Map<string, string> | undefined;
  const values = (): Map<string, string> => (known ??= new Map(Object.entries(vault.read())));
  const keepOnly = (isKept: (key: string) => boolean): void => {
    for (const key of values().keys()) if (!isKept(key)) values().delete(key);
  };
  const write = (): void => vault.write(Object.fromEntries(values()));
  return {
    find: (name) => secrets.get(name),
    all: () => [...secrets.values()],
    save: (secret, added) => {
      if (added) {
        const kept = new Set(secret.versions.map(({ id }) => vaultKey(secret.name, id)));
        keepOnly((key) => !key.startsWith(`${secret.name} `) || kept.has(key));
        values().set(vaultKey(secret.name, added.versionId), JSON.stringify(added.value));
        // Before the journal: a version the journal knows always has its value.
        write();
      }
      journal.append('secretsmanager', ['secret', secret]);
      secrets.set(secret.name, secret);
    },
    remove: (name) => {
      keepOnly((key) => !key.startsWith(`${name} `));
      write();
      journal.append('secretsmanager', ['secret-removed', name]);
      secrets.delete(name);
    },
    value: (secret, versionId) => {
      const text = values().get(vaultKey(secret.name, versionId));
      return text === undefined ? undefined : (JSON.parse(text) as SecretValue);
    },
    restore: ([operation, value]) => {
      if (operation === 'secret') secrets.set((value as Secret).name, value as Secret);
      else if (operation === 'secret-removed') secrets.delete(value as string);
      else throw new Error(`the journal holds an unknown entry of the secrets engine: ${operation}`);
    },
    snapshot: function* () {
      for (const secret of secrets.values()) yield ['secret', secret];
    },
  };
};
