/** Ways to ask for a refusal. */
import type { ErrorCode } from '#contracts/errors.ts';
import type { OperationId } from '#contracts/routes.ts';
import type { Answer } from '#test/support/cloud.ts';
import type { Scene } from '#test/support/refusal-scene.ts';

/** Asks so that the answer is the refusal. */
export type Recipe = (scene: Scene) => Promise<Answer>;

/** A documented refusal of an operation. */
export type Pair = `${OperationId} ${ErrorCode}`;

/** What fills a path. */
export type Names = Readonly<Record<string, string>>;
/** Refusals and how they are met. */
export type Recipes = Readonly<Partial<Record<Pair, Recipe>>>;

/** Asks an operation. */
export const asked =
  (operationId: OperationId, names: Names = {}, body?: object): Recipe =>
  ({ ask }) =>
    ask(operationId, names, body ? { body } : {});

/** Asks an operation with a query. */
export const withQuery =
  (operationId: OperationId, query: string): Recipe =>
  ({ ask }) =>
    ask(operationId, {}, { query });

/** The same key for two requests: a name of the path or the body differs. */
export const reused =
  (operationId: OperationId, first: readonly [Names, object?], second: readonly [Names, object?]): Recipe =>
  async ({ ask }) => {
    const headers = { 'idempotency-key': `reused-${operationId}` };
    const send = ([names, body]: readonly [Names, object?]) =>
      ask(operationId, names, { headers, ...(body ? { body } : {}) });
    await send(first);
    return send(second);
  };

/** A cursor that no list has given. */
export const CURSOR = '?cursor=bm90LW91cnM';
