/** The request was executed and its answer was lost: clients see a reset connection. */
export class LostAnswerError extends Error {
  /** What Node and the retry rules of the SDK call a reset connection. */
  readonly code = 'ECONNRESET';

  constructor(service: string, operation: string) {
    super(`the answer of ${service}.${operation} was lost`);
    this.name = 'LostAnswerError';
  }
}
