/** Which runs a list asks for. */
import type { RunListQuery } from '#contracts/runs/read.ts';
import { parseAssetKey } from '#domain/manifest/asset-key.ts';
import { hasAsset } from '#domain/run/run-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import { ApiError } from '#functions/shared/api-error.ts';

export type RunFilters = Omit<RunListQuery, 'limit' | 'cursor'>;

/** What a list keeps of the rows it goes through, newest first. */
export interface RunFilter {
  readonly isWanted: (row: RunRow) => boolean;
  /** Whether neither this row nor any behind it is wanted. */
  readonly isPast: (row: RunRow) => boolean;
}

/** The filter of these wishes; refuses the malformed ones. */
export const runFilter = (filters: RunFilters): RunFilter => {
  const { state, runKey, since, until } = filters;
  const assetKey = filters.assetKey === undefined ? undefined : canonicalAsset(filters.assetKey);
  const labels = filters.label === undefined ? [] : filters.label.split(',').map(labelOf);
  const sinceMs = since === undefined ? -Infinity : Date.parse(since);
  const untilMs = until === undefined ? Infinity : Date.parse(until);
  const isPast = ({ createdAt }: RunRow): boolean => Date.parse(createdAt) < sinceMs;
  return {
    isPast,
    isWanted: (row) =>
      !isPast(row) &&
      Date.parse(row.createdAt) < untilMs &&
      (state === undefined || row.state === state) &&
      (runKey === undefined || row.runKey === runKey) &&
      (assetKey === undefined || hasAsset(row, assetKey)) &&
      labels.every(([key, value]) => row.labels[key] === value),
  };
};

const canonicalAsset = (text: string): string => {
  const key = parseAssetKey(text);
  if (key === undefined)
    throw new ApiError('invalid_request', `assetKey ${text} is no asset key; write ns.name`);
  return key;
};

const labelOf = (pair: string): readonly [string, string] => {
  const at = pair.indexOf('=');
  if (at < 1) throw new ApiError('invalid_request', `label ${pair} is not key=value`);
  return [pair.slice(0, at), pair.slice(at + 1)];
};
