/** What code of others may do: throw, or reject with, anything, also what is no error. */

/** Throws the value as it is. */
export const throwAnything = (thrown: unknown): never => {
  throw thrown;
};

/** A promise that is rejected with the value as it is. */
export const rejectWith = (thrown: unknown): Promise<never> => new Promise(() => throwAnything(thrown));
