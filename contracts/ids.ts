/**
 * Identifiers that other programs see. Each is a branded string, so that a run id can never be passed where a
 * task key is wanted. Formulas come from the asset reference, section 3, and live in `domain/kernel/ids.ts`.
 */
import * as z from 'zod';

const pattern = (regex: RegExp, what: string) => z.string().regex(regex, { error: `must be ${what}` });

/** A tenant: 1 to 63 characters of a-z, 0-9 and `-`. */
export const TenantId = pattern(
  /^[a-z][a-z0-9-]{0,62}$/,
  'a lower-case name of at most 63 characters',
).brand<'TenantId'>();
export type TenantId = z.infer<typeof TenantId>;

/** A workspace inside a tenant: 1 to 63 characters of a-z, 0-9 and `-`. */
export const WorkspaceId = pattern(
  /^[a-z][a-z0-9-]{0,62}$/,
  'a lower-case name of at most 63 characters',
).brand<'WorkspaceId'>();
export type WorkspaceId = z.infer<typeof WorkspaceId>;

/** `run_` and a ULID, or `run_` and 26 base32 characters when derived from a run key. */
export const RunId = pattern(/^run_[0-9A-Za-z]{26}$/, 'run_ and 26 characters').brand<'RunId'>();
export type RunId = z.infer<typeof RunId>;

/** The frozen DAG of one run: `plan_` and the run id. */
export const PlanId = pattern(/^plan_[0-9A-Za-z_]{1,64}$/, 'plan_ and the run id').brand<'PlanId'>();
export type PlanId = z.infer<typeof PlanId>;

/** Names a task inside a run; for assets it is the canonical asset key `namespace.name`. */
export const TaskKey = pattern(
  /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/,
  'an asset key such as markets.bars_1m',
).brand<'TaskKey'>();
export type TaskKey = z.infer<typeof TaskKey>;

/** Canonical asset key `namespace.name`; `ns/name` is accepted at the edge and rewritten. */
export const AssetKey = pattern(
  /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/,
  'an asset key such as markets.bars_1m',
).brand<'AssetKey'>();
export type AssetKey = z.infer<typeof AssetKey>;

/** `att_` and 24 hex characters, derived from run, task and attempt number. */
export const AttemptId = pattern(/^att_[0-9a-f]{24}$/, 'att_ and 24 hex characters').brand<'AttemptId'>();
export type AttemptId = z.infer<typeof AttemptId>;

/** The opaque task id of callbacks: `ct1_` and base64url of run id, NUL, task key. */
export const CallbackTaskId = pattern(
  /^ct1_[A-Za-z0-9_-]{1,600}$/,
  'ct1_ and base64url',
).brand<'CallbackTaskId'>();
export type CallbackTaskId = z.infer<typeof CallbackTaskId>;

/** A deployed manifest: `man_` and 26 characters. */
export const ManifestId = pattern(/^man_[0-9A-Za-z]{26}$/, 'man_ and 26 characters').brand<'ManifestId'>();
export type ManifestId = z.infer<typeof ManifestId>;

/** An API key, the part of it that is no secret: `key_` and a ULID. */
export const ApiKeyId = pattern(/^key_[0-9A-HJKMNP-TV-Z]{26}$/, 'key_ and a ULID').brand<'ApiKeyId'>();
export type ApiKeyId = z.infer<typeof ApiKeyId>;

/** One role of one person in one workspace: `grant_` and 26 characters, derived from the three. */
export const RoleGrantId = pattern(/^grant_[a-z2-7]{26}$/, 'grant_ and 26 characters').brand<'RoleGrantId'>();
export type RoleGrantId = z.infer<typeof RoleGrantId>;

/** A feed: 1 to 63 characters of a-z, 0-9 and `-`. */
export const FeedId = pattern(
  /^[a-z][a-z0-9-]{0,62}$/,
  'a lower-case name of at most 63 characters',
).brand<'FeedId'>();
export type FeedId = z.infer<typeof FeedId>;

/** A canonical instrument, 1 to 128 characters, any script, no control characters. */

export const MarketSymbol = pattern(
  /^[^\u0000-\u001f\u007f]{1,128}$/,
  '1 to 128 printable characters',
).brand<'MarketSymbol'>();
export type MarketSymbol = z.infer<typeof MarketSymbol>;

/** An engine run: 64 lower-case hex characters, market reference section 3. */
export const EngineRunId = pattern(/^[0-9a-f]{64}$/, '64 hex characters').brand<'EngineRunId'>();
export type EngineRunId = z.infer<typeof EngineRunId>;

/** One aggregate's ordered events in the ledger, `kind#tenant/workspace/id`. */
export const StreamId = z.string().min(3).max(1024).brand<'StreamId'>();
export type StreamId = z.infer<typeof StreamId>;

/** An event: ULID. */
export const EventId = pattern(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'a ULID').brand<'EventId'>();
export type EventId = z.infer<typeof EventId>;
