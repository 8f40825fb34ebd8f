/** Limits of concurrency: what they are called, how they are set, and what readers see of them. */
import * as z from 'zod';
import { RunId } from '#contracts/ids.ts';
import { concurrency } from '#contracts/runs/limits.ts';

/** What tasks of one concern share, such as the name of a database. */
export const ConcurrencyKey = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, { error: 'must be 1 to 64 of A-Z, a-z, 0-9, _, . and -' });
export type ConcurrencyKey = z.infer<typeof ConcurrencyKey>;

/** A limit inside its workspace: `workspace`, `queue:NAME` or `key:NAME`. */
export const LimitId = z
  .string()
  .regex(/^(workspace|queue:[a-z0-9][a-z0-9_-]{0,63}|key:[A-Za-z0-9][A-Za-z0-9_.-]{0,63})$/, {
    error: 'must be workspace, queue:NAME or key:NAME',
  })
  .brand<'LimitId'>();
export type LimitId = z.infer<typeof LimitId>;

/** How many attempts may be under way at once; 0 lets none begin. */
export const Capacity = z.int().min(0).max(concurrency.capacityMax);

/** A limit as a manifest declares it. */
export const DeclaredLimit = z.strictObject({ limit: LimitId, capacity: Capacity }).readonly();
export type DeclaredLimit = z.infer<typeof DeclaredLimit>;

/** A limit as a plan froze it; of two words on a limit the one with the greater `changeNo` holds. */
export const PlannedLimit = z
  .strictObject({ limitId: LimitId, capacity: Capacity, changeNo: z.int().min(1) })
  .readonly();
export type PlannedLimit = z.infer<typeof PlannedLimit>;

/** Body of `PUT /limits/{limitId}`. */
export const SetLimitRequest = z.strictObject({ capacity: Capacity }).readonly();
export type SetLimitRequest = z.infer<typeof SetLimitRequest>;

/** Who said so: the deployed manifest, or somebody over the API, whose word a deploy leaves alone. */
export const LimitSource = z.enum(['manifest', 'api']);
export type LimitSource = z.infer<typeof LimitSource>;

/** One limit as a list shows it; the counts come from the read models. */
export const LimitItem = z.strictObject({
  limitId: LimitId,
  /** Absent for a limit that was removed and still has attempts under way. */
  capacity: Capacity.optional(),
  source: LimitSource.optional(),
  /** Attempts that hold a slot. */
  held: z.int().min(0),
  /** Attempts that wait for one. */
  waiting: z.int().min(0),
});
export type LimitItem = Readonly<z.infer<typeof LimitItem>>;

/** Answer of `GET /limits`, by id. */
export const LimitList = z.strictObject({ limits: z.array(LimitItem) });
export type LimitList = z.infer<typeof LimitList>;

const attempt = { runId: RunId, taskKey: z.string(), attempt: z.int().min(1) };

/** Answer of `GET /limits/{limitId}`, as the ledger has it: the first of those who hold a slot and of those who wait. */
export const LimitRead = z.strictObject({
  ...LimitItem.shape,
  holders: z.array(z.strictObject({ ...attempt, grantedAt: z.iso.datetime(), leaseUntil: z.iso.datetime() })),
  waiters: z.array(
    z.strictObject({
      ...attempt,
      /** 1 for the next to go. */
      position: z.int().min(1),
      priority: z.int(),
      requestedAt: z.iso.datetime(),
    }),
  ),
});
export type LimitRead = Readonly<z.infer<typeof LimitRead>>;

/** The place of a waiting task in the queue of the limit it waits for. */
export const WaitingPlace = z.strictObject({
  limitId: LimitId,
  /** 1 for the next to go; absent while the request is on its way, or was refused for too many waiters and comes again. */
  position: z.int().min(1).optional(),
  capacity: Capacity.optional(),
  /** Absent where the answer looks at no more limits. */
  held: z.int().min(0).optional(),
  waiting: z.int().min(0).optional(),
});
export type WaitingPlace = Readonly<z.infer<typeof WaitingPlace>>;
