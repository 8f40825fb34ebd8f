/** Holds every answer of the API to its documentation: a status or a code that a route does not name fails the test. */
import { errorCatalogue } from '#contracts/errors.ts';
import { routeShapes } from '#contracts/route-shapes.ts';
import { routes } from '#contracts/routes.ts';
import { refusalsOf } from '#tools/generate/refusals.ts';

interface Documented {
  readonly method: string;
  readonly pattern: RegExp;
  readonly answers: ReadonlySet<number>;
  readonly codes: ReadonlySet<string>;
}

const documented: readonly Documented[] = routes.map((route) => {
  const shape = routeShapes[route.operationId];
  return {
    method: route.method,
    pattern: new RegExp(`^${route.path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
    answers: new Set(Object.keys(shape.answers).map(Number)),
    codes: new Set(refusalsOf(route, shape)),
  };
});

interface Told {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What is wrong with an answer, or undefined; paths of no route are the gateway's to answer. */
export const undocumented = (method: string, path: string, { status, body }: Told): string | undefined => {
  const [bare = ''] = path.split('?');
  const route = documented.find((one) => one.method === method && one.pattern.test(bare));
  if (!route || route.answers.has(status)) return undefined;
  const { code } = body;
  const entry = Object.entries(errorCatalogue).find(([name]) => name === code)?.[1];
  return entry?.status === status && route.codes.has(String(code))
    ? undefined
    : `${method} ${path} answered ${status} ${String(code)}, which it does not document`;
};
