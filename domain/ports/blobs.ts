/** Bodies too large for the ledger, by key; a key is written once and never changed. */
export interface BlobStore {
  readonly put: (key: string, body: string) => Promise<void>;
  /** The body, or undefined when there is none. */
  readonly get: (key: string) => Promise<string | undefined>;
}
