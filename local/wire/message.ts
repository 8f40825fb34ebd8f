/** An HTTP exchange as bytes, whether it came by a socket or from an SDK client of this process. */

export interface WireRequest {
  readonly method: string;
  /** Percent-encoded, without the query. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Answers a request; rejects only when the connection is to break without an answer. */
export type WireHandler = (request: WireRequest) => Promise<WireResponse>;

/** The body as UTF-8 text. */
export const bodyText = ({ body }: { readonly body: Uint8Array }): string =>
  Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
