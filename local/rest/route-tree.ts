/** The REST API of a template as a tree of path parts; literal parts win over variables, variables over greedy ones. */
import * as z from 'zod';

import type { Resource } from '#local/template/resolve-stack.ts';
import { TemplateError } from '#local/template/template-error.ts';

/** A method of the API and the function behind it. */
export interface Route {
  /** Resource path as declared, for example `/v1/runs/{runId}`. */
  readonly resourcePath: string;
  readonly method: string;
  readonly functionReference: string;
  readonly streams: boolean;
}

/** A route and the variables of its path, decoded. */
export interface RouteMatch {
  readonly route: Route;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/** Finds the route; like the gateway it does not tell a path that is not there from a method that is not. */
export type FindRoute = (method: string, path: string) => RouteMatch | { readonly kind: 'no_route' };

const Integration = z.strictObject({
  Type: z.literal('AWS_PROXY'),
  IntegrationHttpMethod: z.literal('POST'),
  Uri: z.string(),
  ResponseTransferMode: z.enum(['BUFFERED', 'STREAM']).default('BUFFERED'),
  TimeoutInMillis: z.number().optional(),
  Credentials: z.string().optional(),
  PassthroughBehavior: z.string().optional(),
});

const INVOCATION_URI =
  /^arn:aws:apigateway:[^:]+:lambda:path\/(?:2015-03-31|2021-11-15)\/functions\/(.+)\/(?:response-streaming-)?invocations$/;

/** Reads the routes of the (one) REST API among the resources. */
export const readRoutes = (resources: readonly Resource[]): readonly Route[] => {
  const paths = new Map<string, string>();
  const declared = resources.filter(({ type }) => type === 'AWS::ApiGateway::Resource');
  const byRef = new Map(declared.map((resource) => [resource.ref, resource]));
  const pathOf = (ref: string): string => {
    const resource = byRef.get(ref);
    if (resource === undefined) return '';
    const known = paths.get(ref);
    if (known !== undefined) return known;
    const path = `${pathOf(String(resource.properties['ParentId']))}/${String(resource.properties['PathPart'])}`;
    paths.set(ref, path);
    return path;
  };
  return resources
    .filter(({ type }) => type === 'AWS::ApiGateway::Method')
    .map((method) => readRoute(method, pathOf(String(method.properties['ResourceId'])) || '/'));
};

const readRoute = (method: Resource, resourcePath: string): Route => {
  const place = { ...method, property: 'Integration' };
  const parsed = Integration.safeParse(method.properties['Integration']);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TemplateError(
      { ...place, property: ['Integration', ...(issue?.path ?? [])].join('.') },
      `only Lambda proxy integrations are supported by the local cloud: ${issue?.message ?? ''}`,
    );
  }
  const [, functionReference] = INVOCATION_URI.exec(parsed.data.Uri) ?? [];
  if (functionReference === undefined)
    throw new TemplateError(place, `${parsed.data.Uri} is no invocation of a Lambda function`);
  return {
    resourcePath,
    method: String(method.properties['HttpMethod']),
    functionReference,
    streams: parsed.data.ResponseTransferMode === 'STREAM',
  };
};

interface Node {
  readonly literals: Map<string, Node>;
  variable: { readonly name: string; readonly node: Node } | undefined;
  greedy: { readonly name: string; readonly node: Node } | undefined;
  readonly methods: Map<string, Route>;
}

const emptyNode = (): Node => ({
  literals: new Map(),
  variable: undefined,
  greedy: undefined,
  methods: new Map(),
});

/** Builds the look-up; a path whose escapes are broken matches nothing. */
export const routeTree = (routes: readonly Route[]): FindRoute => {
  const root = emptyNode();
  for (const route of routes)
    route.resourcePath.split('/').filter(Boolean).reduce(grow, root).methods.set(route.method, route);
  return (method, path) => {
    const parts = splitPath(path);
    const found = parts && walk(root, parts, {});
    const route = found?.node.methods.get(method) ?? found?.node.methods.get('ANY');
    return found && route ? { route, pathParameters: found.parameters } : { kind: 'no_route' };
  };
};

const grow = (node: Node, part: string): Node => {
  const [, name, isGreedy] = /^\{([^}+]+)(\+?)\}$/.exec(part) ?? [];
  if (name === undefined) {
    const next = node.literals.get(part) ?? emptyNode();
    node.literals.set(part, next);
    return next;
  }
  const kind = isGreedy === '+' ? 'greedy' : 'variable';
  node[kind] ??= { name, node: emptyNode() };
  return node[kind].node;
};

const splitPath = (path: string): readonly string[] | undefined => {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
};

interface Found {
  readonly node: Node;
  readonly parameters: Readonly<Record<string, string>>;
}

const walk = (
  node: Node,
  parts: readonly string[],
  parameters: Readonly<Record<string, string>>,
): Found | undefined => {
  const [part, ...rest] = parts;
  if (part === undefined || (part === '' && rest.length === 0))
    return node.methods.size > 0 ? { node, parameters } : undefined;
  const literal = node.literals.get(part);
  const byLiteral = literal && walk(literal, rest, parameters);
  if (byLiteral) return byLiteral;
  if (node.variable && part !== '') {
    const found = walk(node.variable.node, rest, { ...parameters, [node.variable.name]: part });
    if (found) return found;
  }
  if (node.greedy)
    return {
      node: node.greedy.node,
      parameters: { ...parameters, [node.greedy.name]: parts.join('/') },
    };
  return undefined;
};
