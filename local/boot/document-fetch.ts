/** A `fetch` that answers the local issuer's documents in process and leaves everything else to the network. */

/** Full URLs of documents with their bodies. */
export type DocumentsByUrl = ReadonlyMap<string, string>;

/** A fetch that knows these documents; their URLs must match exactly. */
export const documentFetch =
  (documents: DocumentsByUrl): typeof globalThis.fetch =>
  (input, init) => {
    const url = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
    const found = documents.get(url);
    return found === undefined
      ? globalThis.fetch(input, init)
      : Promise.resolve(new Response(found, { headers: { 'content-type': 'application/json' } }));
  };
