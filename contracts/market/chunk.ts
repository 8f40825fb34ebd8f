/** The directory in the first line of a stored market chunk: where each symbol's records are. */
import * as z from 'zod';

/** Where the records of a symbol are inside a chunk; offsets count bytes after the directory. */
export const SymbolRange = z.strictObject({
  symbol: z.string(),
  offset: z.int().min(0),
  length: z.int().min(1),
  firstSeq: z.int().min(1),
  lastSeq: z.int().min(1),
  count: z.int().min(1),
});
export type SymbolRange = z.infer<typeof SymbolRange>;

/** Line one of a chunk. */
export const ChunkDirectory = z.strictObject({
  format: z.literal('sluice-chunk'),
  version: z.literal(1),
  symbols: z.array(SymbolRange),
});
