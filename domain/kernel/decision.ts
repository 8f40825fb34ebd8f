/** What a decider answers: facts to append, or a named refusal. It never throws for either. */
export type Decision<Event, Rejection> =
  | { readonly kind: 'accepted'; readonly events: readonly Event[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Accepts with these facts; with none, the command was already satisfied and nothing is appended. */
export const accept = <Event>(...events: readonly Event[]): Decision<Event, never> => ({
  kind: 'accepted',
  events,
});

/** Refuses with a code of the error catalogue and the data its message needs. */
export const reject = <Rejection>(rejection: Rejection): Decision<never, Rejection> => ({
  kind: 'rejected',
  rejection,
});
