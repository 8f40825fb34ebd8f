/** Losable coordination with TTL: losing any of it delays work and never changes an outcome (docs/guide/design.md §3). */
import type { OfferTask, WithdrawTask } from '#domain/kernel/effect.ts';

/** Work an HTTP worker may claim. */
export type Offer = Omit<OfferTask, 'kind' | 'name'>;

export interface Offers {
  /** Puts the offer unless it stands; true when it was missing. */
  readonly put: (offer: Offer) => Promise<boolean>;
  readonly withdraw: (offer: Omit<WithdrawTask, 'kind' | 'name'>) => Promise<void>;
  readonly exists: (offer: Offer) => Promise<boolean>;
  /** Offers of a queue, the most urgent and oldest first. */
  readonly peek: (
    workspace: { tenantId: string; workspaceId: string; queue: string },
    limit: number,
  ) => Promise<readonly Offer[]>;
  /** Takes the offer away; true for exactly one of all who try. */
  readonly take: (offer: Offer) => Promise<boolean>;
}

/** What one request with an Idempotency-Key took from a queue. */
export interface TakenOffers {
  /** Tells a repeat from another request under the same key. */
  readonly requestHash: string;
  readonly offers: readonly Offer[];
}

export interface Claims {
  /** What was taken under this id within the last 24 hours. */
  readonly get: (claimId: string) => Promise<TakenOffers | undefined>;
  /** Keeps it unless something stands under the id; answers what stands there now. */
  readonly keep: (claimId: string, taken: TakenOffers) => Promise<TakenOffers>;
  /** Puts it in the place of whatever stands there. */
  readonly replace: (claimId: string, taken: TakenOffers) => Promise<void>;
}

/** How far work has come; empty when nothing is known of it. */
export interface Cursor {
  readonly position?: number;
  /** Where the work before the cursor's next move goes on; absent when none is under way. */
  readonly place?: string;
}

export interface Cursors {
  readonly read: (name: string) => Promise<Cursor>;
  /** Moves a cursor forward and forgets its place; an older position is ignored. */
  readonly advance: (name: string, position: number) => Promise<void>;
  /**
   * Keeps the place of work that takes several passes, in the stead of the one that was seen (undefined for none); true
   * for exactly one `next` of all that others put in the stead of the same one. Whoever loses the cursor loses its place.
   */
  readonly exchangePlace: (name: string, seen: string | undefined, next: string) => Promise<boolean>;
  /** Forgets the place that was seen; false when another stands there, or none. */
  readonly removePlace: (name: string, seen: string) => Promise<boolean>;
}

/** What is wanted of a bucket that holds `burst` and gains one each `eachMs`. */
export interface Take {
  readonly name: string;
  /** How many at once; at most `burst`. */
  readonly count: number;
  readonly eachMs: number;
  readonly burst: number;
}

/** Whether there was enough, and otherwise when there will be. */
export type Taken = { readonly kind: 'taken' } | { readonly kind: 'refused'; readonly retryAfterMs: number };

export interface RateBuckets {
  readonly take: (take: Take) => Promise<Taken>;
}

/** Which wait of a feed's recovery a task token belongs to. */
export interface ResumeTokenPlace {
  readonly feedStream: string;
  readonly openedSequence: number;
  readonly generation: number;
}

/** Task tokens of executions that wait for a person, sealed; the last one of each place. */
export interface ResumeTokens {
  readonly keep: (place: ResumeTokenPlace, token: string) => Promise<void>;
  /** The token, or undefined when it was lost, or can no longer be opened. */
  readonly read: (place: ResumeTokenPlace) => Promise<string | undefined>;
}

export interface Rearms {
  /** Looks at the stream again in that bucket. */
  readonly put: (bucket: string, stream: string) => Promise<void>;
  readonly streams: (bucket: string) => Promise<readonly string[]>;
}
