/**
 * The two exports of every `functions/<name>/handler.ts`: `createHandler(environment, plugin?)` builds the handler
 * from its settings and keeps no state at top level; `handler` is what AWS calls, built at the first event.
 */
import process from 'node:process';

export type Source = Readonly<Record<string, string | undefined>>;
/** What a handler may ask of its invocation. */
export interface Invocation {
  /** Milliseconds until the platform ends it. */
  readonly getRemainingTimeInMillis: () => number;
}

/** The time an invocation has left; without end where there is none, as in a test of the function alone. */
export const remainingOf =
  (invocation: Invocation | undefined): (() => number) =>
  () =>
    invocation?.getRemainingTimeInMillis() ?? Number.POSITIVE_INFINITY;

type Handle<Event, Answer> = (event: Event, invocation?: Invocation) => Promise<Answer>;
export type CreateHandler<Event, Answer> = (source: Source, plugin?: object) => Handle<Event, Answer>;

/** The handler AWS calls, which builds itself from this process's environment. */
export const lazily = <Event, Answer>(create: CreateHandler<Event, Answer>): Handle<Event, Answer> => {
  let built: Handle<Event, Answer> | undefined;
  return (event, invocation) => {
    built ??= create(process.env);
    return built(event, invocation);
  };
};

type CreateStream<Handle> = (source: Source, plugin?: object) => Handle;

/** The same for a handler that streams its answers. */
export const lazilyStreamed = <Given extends readonly unknown[]>(
  create: CreateStream<(...given: Given) => Promise<void>>,
): ((...given: Given) => Promise<void>) => {
  let built: ((...given: Given) => Promise<void>) | undefined;
  return (...given) => {
    built ??= create(process.env);
    return built(...given);
  };
};
