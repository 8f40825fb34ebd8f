/** An HTTP request to the REST front, from a socket or from a test. */
export interface RestRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array;
  readonly sourceIp: string;
}

/** A whole answer; header names in lower case. */
export interface RestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
}

/** Receives an answer piece by piece: the head exactly once, first. */
export interface ResponseSink {
  readonly head: (status: number, headers: Readonly<Record<string, readonly string[]>>) => void;
  readonly chunk: (bytes: Uint8Array) => void;
  readonly end: () => void;
}
