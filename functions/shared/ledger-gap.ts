/** The ledger lacks an event whose successors it has: a fault of one stream, which must not hold up the others. */
export class LedgerGapError extends Error {
  override readonly name = 'LedgerGapError';
  constructor(stream: string, sequence: number) {
    super(`ledger stream ${stream} has no event ${sequence}`);
  }
}
