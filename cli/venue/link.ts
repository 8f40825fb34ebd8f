/** A connection to a venue as an adapter drives it. */
import type { Loss } from '#domain/market/transport/adapter.ts';
import type { Taken } from '#domain/market/transport/take-frame.ts';
import type { VenueConnection } from '#domain/market/transport/binance.ts';

/** What a link tells; nothing of it before the call that opened it has returned. */
export interface Heard {
  readonly opened: () => void;
  readonly taken: (taken: Taken) => void;
  /** It is over, whoever ended it; told once at most. */
  readonly lost: (loss: Loss) => void;
}

export interface Link {
  /** Asks for the streams of the connection. */
  readonly subscribe: () => void;
  /** Reads no more until `resume`; what is on its way may still be told. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends it at once. */
  readonly close: () => void;
}

export type OpenLink = (connection: VenueConnection, heard: Heard) => Link;
