/**
 * Secrets Manager of the local cloud: create, put, get, describe, list, delete. Values live in the vault only.
 *
 * Not imitated: rotation, replication, resource policies, restoring a deleted secret.
 */
import { randomUUID } from 'node:crypto';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Engine, EngineSetting, Json } from '#local/kernel/engine.ts';
import { secretArnOf } from './secret-arn.ts';
import { createSecretStore } from './secret-store.ts';
import type { Secret, SecretStore, SecretValue, SecretVersion } from './secret-store.ts';
import type { Vault } from './vault.ts';

export interface SecretsSetting extends EngineSetting {
  readonly vault: Vault;
}

interface World {
  readonly setting: SecretsSetting;
  readonly store: SecretStore;
}

const current = 'AWSCURRENT';
const previous = 'AWSPREVIOUS';
const valueBytesMax = 65_536;
const dayMs = 24 * 3_600_000;
const recoveryDays = { least: 7, usual: 30, most: 30 } as const;
const pageMax = 100;

/** A Secrets Manager that keeps its values in the given vault. */
export const createSecrets = (setting: SecretsSetting): Engine => {
  const world: World = { setting, store: createSecretStore(setting) };
  return {
    operations: {
      CreateSecret: (input) => createSecret(world, input),
      PutSecretValue: (input) => putSecretValue(world, input),
      GetSecretValue: (input) => getSecretValue(world, input),
      DescribeSecret: (input) => describe(secretOf(world, input)),
      ListSecrets: (input) => listSecrets(world, input),
      DeleteSecret: (input) => deleteSecret(world, input),
    },
    restore: world.store.restore,
    snapshot: world.store.snapshot,
  };
};

const notFound = (what = "Secrets Manager can't find the specified secret."): AwsError =>
  new AwsError('ResourceNotFoundException', what);
const invalid = (message: string): AwsError => new AwsError('InvalidParameterException', message);

const text = (input: Json, member: string): string | undefined => {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw invalid(`${member} must be a string`);
};

const seconds = (atMs: number): number => atMs / 1_000;

/** The secret under a name or ARN; one whose recovery window is over is gone. */
const findSecret = ({ store, setting }: World, id: string): Secret | undefined => {
  const name = /^arn:[^:]+:secretsmanager:[^:]*:\d*:secret:(.+)-[A-Za-z0-9]{6}$/.exec(id)?.[1] ?? id;
  const secret = store.find(name);
  if (secret?.deleteAtMs === undefined || secret.deleteAtMs > setting.clock.nowMs()) return secret;
  store.remove(name);
  return undefined;
};

const secretOf = (world: World, input: Json): Secret => {
  const id = text(input, 'SecretId');
  if (id === undefined) throw invalid('SecretId must not be null');
  const secret = findSecret(world, id);
  if (!secret) throw notFound();
  return secret;
};

const livingSecret = (world: World, input: Json): Secret => {
  const secret = secretOf(world, input);
  if (secret.deletedAtMs === undefined) return secret;
  throw new AwsError(
    'InvalidRequestException',
    "You can't perform this operation on the secret because it was marked for deletion.",
  );
};

const valueOf = (input: Json): SecretValue | undefined => {
  const secretString = text(input, 'SecretString');
  const secretBinary = text(input, 'SecretBinary');
  if (secretString !== undefined && secretBinary !== undefined)
    throw invalid('You can specify either SecretString or SecretBinary, not both.');
  const value = secretString ?? secretBinary;
  if (value === undefined) return undefined;
  const byteCount =
    secretString === undefined ? Buffer.byteLength(value, 'base64') : Buffer.byteLength(value);
  if (byteCount > valueBytesMax) throw invalid(`a secret value has at most ${valueBytesMax} bytes`);
  return secretString === undefined ? { SecretBinary: value } : { SecretString: value };
};

const createSecret = (world: World, input: Json): Json => {
  const { setting, store } = world;
  const name = text(input, 'Name') ?? '';
  if (!/^[\w/+=.@!-]{1,512}$/.test(name))
    throw invalid(
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    );
  const value = valueOf(input);
  const versionId = text(input, 'ClientRequestToken') ?? randomUUID();
  const known = findSecret(world, name);
  if (known) {
    const isRepeated = value !== undefined && isSame(store.value(known, versionId), value);
    if (isRepeated) return { ARN: known.arn, Name: name, VersionId: versionId };
    throw new AwsError(
      'ResourceExistsException',
      `The operation failed because the secret ${name} already exists.`,
    );
  }
  const nowMs = setting.clock.nowMs();
  const secret: Secret = {
    name,
    arn: secretArnOf(setting, name),
    description: text(input, 'Description'),
    kmsKeyId: text(input, 'KmsKeyId'),
    tags: Array.isArray(input['Tags']) ? input['Tags'] : [],
    createdAtMs: nowMs,
    changedAtMs: nowMs,
    deletedAtMs: undefined,
    deleteAtMs: undefined,
    versions: value === undefined ? [] : [{ id: versionId, createdAtMs: nowMs, stages: [current] }],
  };
  store.save(secret, value === undefined ? undefined : { versionId, value });
  return { ARN: secret.arn, Name: name, ...(value === undefined ? {} : { VersionId: versionId }) };
};

const isSame = (one: SecretValue | undefined, other: SecretValue): boolean =>
  one?.SecretString === other.SecretString && one?.SecretBinary === other.SecretBinary;

const putSecretValue = (world: World, input: Json): Json => {
  const { setting, store } = world;
  const secret = livingSecret(world, input);
  const value = valueOf(input);
  if (value === undefined) throw invalid('You must provide either SecretString or SecretBinary.');
  const versionId = text(input, 'ClientRequestToken') ?? randomUUID();
  const stages = Array.isArray(input['VersionStages'])
    ? (input['VersionStages'] as readonly string[])
    : [current];
  const answer = { ARN: secret.arn, Name: secret.name, VersionId: versionId, VersionStages: stages };
  const repeated = store.value(secret, versionId);
  if (repeated !== undefined) {
    if (isSame(repeated, value)) return answer;
    throw new AwsError(
      'ResourceExistsException',
      `a version ${versionId} with another value already exists for the secret ${secret.name}`,
    );
  }
  const nowMs = setting.clock.nowMs();
  const versions = withVersion(secret.versions, { id: versionId, createdAtMs: nowMs, stages });
  store.save({ ...secret, changedAtMs: nowMs, versions }, { versionId, value });
  return answer;
};

/** A stage belongs to one version; the one that was current becomes the previous, and a version without stage goes. */
const withVersion = (versions: readonly SecretVersion[], added: SecretVersion): readonly SecretVersion[] => {
  const movesCurrent = added.stages.includes(current);
  const moved = versions.map((version) => {
    const kept = version.stages.filter(
      (stage) => !added.stages.includes(stage) && !(movesCurrent && stage === previous),
    );
    const wasCurrent = movesCurrent && version.stages.includes(current);
    return { ...version, stages: wasCurrent ? [...kept, previous] : kept };
  });
  return [...moved.filter(({ stages }) => stages.length > 0), added];
};

const getSecretValue = (world: World, input: Json): Json => {
  const secret = livingSecret(world, input);
  const versionId = text(input, 'VersionId');
  const stage = text(input, 'VersionStage') ?? (versionId === undefined ? current : undefined);
  const version = secret.versions.find(
    ({ id, stages }) =>
      (versionId === undefined || id === versionId) && (stage === undefined || stages.includes(stage)),
  );
  const value = version && world.store.value(secret, version.id);
  if (!value)
    throw notFound(
      `Secrets Manager can't find the specified secret value for ${versionId === undefined ? `staging label: ${stage ?? current}` : `VersionId: ${versionId}`}`,
    );
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    VersionStages: version.stages,
    CreatedDate: seconds(version.createdAtMs),
    ...value,
  };
};

const describe = (secret: Secret): Json => ({
  ARN: secret.arn,
  Name: secret.name,
  ...(secret.description === undefined ? {} : { Description: secret.description }),
  ...(secret.kmsKeyId === undefined ? {} : { KmsKeyId: secret.kmsKeyId }),
  Tags: secret.tags,
  CreatedDate: seconds(secret.createdAtMs),
  LastChangedDate: seconds(secret.changedAtMs),
  ...(secret.deletedAtMs === undefined ? {} : { DeletedDate: seconds(secret.deletedAtMs) }),
  VersionIdsToStages: Object.fromEntries(secret.versions.map(({ id, stages }) => [id, stages])),
});

const listSecrets = (world: World, input: Json): Json => {
  if (input['Filters'] !== undefined) throw invalid('filters of ListSecrets are not supported');
  const max = Math.min(Number(input['MaxResults'] ?? pageMax), pageMax);
  if (!Number.isInteger(max) || max < 1)
    throw invalid(`MaxResults must be a whole number from 1 to ${pageMax}`);
  const after = Buffer.from(text(input, 'NextToken') ?? '', 'base64').toString();
  const living = world.store
    .all()
    .flatMap(({ name }) => findSecret(world, name) ?? [])
    .filter((secret) => secret.deletedAtMs === undefined || input['IncludePlannedDeletion'] === true)
    .filter(({ name }) => name > after)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const page = living.slice(0, max);
  const last = page.at(-1);
  return {
    SecretList: page.map((secret) => {
      const { VersionIdsToStages: SecretVersionsToStages, ...described } = describe(secret);
      return { ...described, SecretVersionsToStages };
    }),
    ...(living.length > max && last ? { NextToken: Buffer.from(last.name).toString('base64') } : {}),
  };
};

const deleteSecret = (world: World, input: Json): Json => {
  const { setting, store } = world;
  const isForced = input['ForceDeleteWithoutRecovery'] === true;
  const window = input['RecoveryWindowInDays'];
  if (isForced && window !== undefined)
    throw invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
  const days = window === undefined ? recoveryDays.usual : Number(window);
  if (!Number.isInteger(days) || days < recoveryDays.least || days > recoveryDays.most)
    throw invalid(`RecoveryWindowInDays must be from ${recoveryDays.least} to ${recoveryDays.most}`);
  const nowMs = setting.clock.nowMs();
  if (isForced) {
    const secret = secretOf(world, input);
    store.remove(secret.name);
    return { ARN: secret.arn, Name: secret.name, DeletionDate: seconds(nowMs) };
  }
  const secret = livingSecret(world, input);
  const deleteAtMs = nowMs + days * dayMs;
  store.save({ ...secret, deletedAtMs: nowMs, deleteAtMs });
  return { ARN: secret.arn, Name: secret.name, DeletionDate: seconds(deleteAtMs) };
};
