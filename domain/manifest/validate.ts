/** Checks a manifest as a whole and names everything that is wrong with it at once. */
import { Cron } from 'croner';
import type * as z from 'zod';
import type { AssetKey } from '#contracts/ids.ts';
import { DeclaredLimit } from '#contracts/runs/concurrency.ts';
import { concurrency } from '#contracts/runs/limits.ts';
import { DeployManifestRequest, ManifestAsset, ManifestSchedule } from '#contracts/runs/manifest.ts';
import type { AssetKeyParts, ManifestFault, Partitioning } from '#contracts/runs/manifest.ts';
import { cycles } from '#domain/kernel/graph.ts';
import { assetKeyOf, parseAssetKey } from '#domain/manifest/asset-key.ts';

export type ManifestCheck =
  | { readonly kind: 'valid'; readonly manifest: DeployManifestRequest }
  | { readonly kind: 'invalid'; readonly faults: readonly ManifestFault[] };

/** A list member that parsed, with its place in the input. */
interface Placed<Item> {
  readonly index: number;
  readonly item: Item;
}

/**
 * The parsed manifest, or all its faults. Assets and schedules of the right shape are checked against each other
 * even when others are misshapen, so that one round of corrections is enough.
 */
export const validateManifest = (input: unknown): ManifestCheck => {
  const parsed = DeployManifestRequest.safeParse(input);
  const members = isRecord(input) ? input : {};
  const assets = wellFormed(ManifestAsset, members['assets']);
  const schedules = wellFormed(ManifestSchedule, members['schedules']);
  const keys = new Set(assets.flatMap(({ item }) => assetKeyOf(item.key) ?? []));
  const faults: readonly ManifestFault[] = [
    ...(parsed.success ? [] : parsed.error.issues.map(shapeFault)),
    ...blankFaults(members, ['manifestVersion', 'codeVersionId']),
    ...(Array.isArray(members['assets']) && members['assets'].length === 0
      ? [{ path: 'assets', code: 'no_assets' as const, message: 'must have at least one asset' }]
      : []),
    ...assets.flatMap(({ index, item }) => assetFaults(item, `assets[${index}]`, keys)),
    ...duplicates(assets, ({ key }) => assetKeyOf(key), {
      list: 'assets',
      member: 'key',
      code: 'duplicate_asset_key',
    }),
    ...cycleFaults(assets),
    ...schedules.flatMap(({ index, item }) => scheduleFaults(item, `schedules[${index}]`, keys)),
    ...limitFaults(wellFormed(DeclaredLimit, members['limits']), assets),
    ...duplicates(schedules, ({ id }) => id, { list: 'schedules', member: 'id', code: 'duplicate_schedule' }),
  ];
  return parsed.success && faults.length === 0
    ? { kind: 'valid', manifest: parsed.data }
    : { kind: 'invalid', faults };
};

const limitFaults = (
  limits: readonly Placed<DeclaredLimit>[],
  assets: readonly Placed<ManifestAsset>[],
): readonly ManifestFault[] => {
  const place = { list: 'limits', member: 'limit', code: 'duplicate_limit' } as const;
  const ids = new Set([
    ...limits.map(({ item }): string => item.limit),
    ...assets.flatMap(({ item }) =>
      item.execution?.concurrencyKey ? [`key:${item.execution.concurrencyKey}`] : [],
    ),
  ]);
  const message = `declares ${ids.size} limits with those of its concurrency keys; at most ${concurrency.limitsMax} may be`;
  return [
    ...duplicates(limits, ({ limit }) => limit, place),
    ...(ids.size > concurrency.limitsMax
      ? [{ path: 'limits', code: 'too_many_limits' as const, message }]
      : []),
  ];
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wellFormed = <Item>(schema: z.ZodType<Item>, list: unknown): readonly Placed<Item>[] =>
  (Array.isArray(list) ? list : []).flatMap((member: unknown, index) => {
    const parsed = schema.safeParse(member);
    return parsed.success ? [{ index, item: parsed.data }] : [];
  });

const shapeFault = (issue: z.core.$ZodIssue): ManifestFault => ({
  path: issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, ''),
  code: 'invalid_shape',
  message: issue.message,
});

const isBlank = (value: unknown): boolean => typeof value === 'string' && value.trim() === '';

const blankFaults = (
  members: Readonly<Record<string, unknown>>,
  names: readonly string[],
  at = '',
): readonly ManifestFault[] =>
  names
    .filter((name) => isBlank(members[name]))
    .map((name) => ({ path: `${at}${name}`, code: 'blank', message: 'must not be blank' }));

const keyText = ({ namespace, name }: AssetKeyParts): string => `${namespace}.${name}`;

const malformedKey = (path: string, key: string): ManifestFault => ({
  path,
  code: 'invalid_asset_key',
  message: `"${key}" is no asset key; write namespace and name in a-z, 0-9 and _, each part starting with a letter`,
});

const assetFaults = (
  asset: ManifestAsset,
  path: string,
  keys: ReadonlySet<AssetKey>,
): readonly ManifestFault[] => [
  ...(assetKeyOf(asset.key) ? [] : [malformedKey(`${path}.key`, keyText(asset.key))]),
  ...blankFaults({ id: asset.id }, ['id'], `${path}.`),
  ...(asset.dependencies ?? []).flatMap(({ upstreamKey }, index): readonly ManifestFault[] => {
    const at = `${path}.dependencies[${index}].upstreamKey`;
    const upstream = assetKeyOf(upstreamKey);
    if (!upstream) return [malformedKey(at, keyText(upstreamKey))];
    return keys.has(upstream)
      ? []
      : [{ path: at, code: 'unknown_upstream', message: `${upstream} is not an asset of this manifest` }];
  }),
  ...(asset.partitioning ? partitioningFaults(asset.partitioning, `${path}.partitioning`) : []),
];

const partitioningFaults = (partitioning: Partitioning, path: string): readonly ManifestFault[] => {
  const at = (index: number, message: string): ManifestFault => ({
    path: `${path}.dimensions[${index}]`,
    code: 'invalid_partitioning',
    message,
  });
  const { dimensions, isPartitioned } = partitioning;
  const names = dimensions.map(({ name }) => name);
  return [
    ...(isPartitioned !== undefined && isPartitioned !== dimensions.length > 0
      ? [{ path, code: 'invalid_partitioning' as const, message: 'isPartitioned contradicts the dimensions' }]
      : []),
    ...dimensions.flatMap(({ name, kind, granularity, values }, index) => [
      ...(/^[a-z][a-z0-9_]*$/.test(name) ? [] : [at(index, `"${name}" is no dimension name`)]),
      ...(names.indexOf(name) < index ? [at(index, `dimension ${name} is declared twice`)] : []),
      ...(kind === 'time' && granularity === undefined
        ? [at(index, 'a time dimension needs a granularity: day, hour, week or month')]
        : []),
      ...(kind === 'dynamic' && values !== undefined
        ? [at(index, 'a dynamic dimension lists no values; make it static, or leave them out')]
        : []),
    ]),
  ];
};

interface DuplicateRule {
  readonly list: string;
  readonly member: string;
  readonly code: 'duplicate_asset_key' | 'duplicate_schedule' | 'duplicate_limit';
}

const duplicates = <Item>(
  items: readonly Placed<Item>[],
  nameOf: (item: Item) => string | undefined,
  { list, member, code }: DuplicateRule,
): readonly ManifestFault[] => {
  const first = new Map<string, number>();
  return items.flatMap(({ index, item }) => {
    const name = nameOf(item);
    if (name === undefined) return [];
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, index);
      return [];
    }
    return [{ path: `${list}[${index}].${member}`, code, message: `${name} is already ${list}[${earlier}]` }];
  });
};

const cycleFaults = (assets: readonly Placed<ManifestAsset>[]): readonly ManifestFault[] => {
  const graph = new Map<string, string[]>();
  const places = new Map<string, number>();
  for (const { index, item } of assets) {
    const key = assetKeyOf(item.key);
    if (!key) continue;
    const upstreams = (item.dependencies ?? []).flatMap(({ upstreamKey }) => assetKeyOf(upstreamKey) ?? []);
    graph.set(key, [...(graph.get(key) ?? []), ...upstreams]);
    if (!places.has(key)) places.set(key, index);
  }
  return cycles(graph).map((path) => ({
    path: `assets[${places.get(String(path[0]))}].dependencies`,
    code: 'cycle',
    message: `the assets depend on themselves: ${path.join(' -> ')}`,
  }));
};

const scheduleFaults = (
  schedule: ManifestSchedule,
  path: string,
  keys: ReadonlySet<AssetKey>,
): readonly ManifestFault[] => [
  ...blankFaults({ id: schedule.id }, ['id'], `${path}.`),
  ...(isCron(schedule.cron)
    ? []
    : [
        {
          path: `${path}.cron`,
          code: 'invalid_cron' as const,
          message: `"${schedule.cron}" is no cron expression of 5 or 6 fields`,
        },
      ]),
  ...(isTimezone(schedule.timezone)
    ? []
    : [
        {
          path: `${path}.timezone`,
          code: 'invalid_timezone' as const,
          message: `"${schedule.timezone}" is no IANA time zone`,
        },
      ]),
  ...schedule.assets.flatMap((text, index): readonly ManifestFault[] => {
    const key = parseAssetKey(text);
    const at = `${path}.assets[${index}]`;
    if (!key) return [malformedKey(at, text)];
    return keys.has(key)
      ? []
      : [{ path: at, code: 'unknown_asset', message: `${key} is not an asset of this manifest` }];
  }),
];

const isCron = (expression: string): boolean => {
  const fields = expression.trim().split(/\s+/).length;
  if (fields !== 5 && fields !== 6) return false;
  try {
    new Cron(expression.trim(), { paused: true });
    return true;
  } catch {
    return false;
  }
};

const isTimezone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name.trim() !== '';
  } catch {
    return false;
  }
};
