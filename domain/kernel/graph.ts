/** Directed graphs over names: order, closure and cycles, all deterministic under any order of input. */

import { valueOf } from '#domain/kernel/value-of.ts';

/** For each node the nodes it depends on; dependencies outside the map are ignored. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

const known = (graph: Dependencies, node: string): readonly string[] => [
  ...new Set((graph.get(node) ?? []).filter((upstream) => graph.has(upstream))),
];

/** The same graph with every edge turned round. */
export const reversed = (graph: Dependencies): Dependencies => {
  const downstream = new Map<string, string[]>([...graph.keys()].map((node) => [node, []]));
  for (const node of graph.keys()) {
    for (const upstream of known(graph, node)) valueOf(downstream, upstream).push(node);
  }
  return downstream;
};

/** Everything reachable from the roots along the edges, roots included, sorted. */
export const closure = (graph: Dependencies, roots: readonly string[]): readonly string[] => {
  const reached = new Set<string>(roots);
  const queue = [...reached];
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    for (const next of known(graph, node)) {
      if (reached.has(next)) continue;
      reached.add(next);
      queue.push(next);
    }
  }
  return [...reached].sort();
};

/** Nodes ordered so that each stands behind its dependencies, ties by name; nodes on cycles are left out. */
export const topologicalOrder = (graph: Dependencies): readonly string[] => {
  const missing = new Map([...graph.keys()].map((node) => [node, new Set(known(graph, node))]));
  const downstream = reversed(graph);
  const order: string[] = [];
  let ready = [...missing.keys()].filter((node) => valueOf(missing, node).size === 0).sort();
  while (ready.length > 0) {
    const freed: string[] = [];
    for (const node of ready) {
      order.push(node);
      for (const next of valueOf(downstream, node)) {
        const rest = valueOf(missing, next);
        rest.delete(node);
        if (rest.size === 0) freed.push(next);
      }
    }
    ready = freed.sort();
  }
  return order;
};

/**
 * Cycles as paths that name their first node again at the end (`a`, `b`, `a`): every node that lies on a cycle
 * is in one of them, which is its shortest. Starts at the least name; empty for a graph without cycles.
 */
export const cycles = (graph: Dependencies): readonly (readonly string[])[] => {
  const ordered = new Set(topologicalOrder(graph));
  const knotted = new Map(
    [...graph.keys()].filter((node) => !ordered.has(node)).map((node) => [node, known(graph, node)]),
  );
  const found: (readonly string[])[] = [];
  const seen = new Set<string>();
  for (const node of [...knotted.keys()].sort()) {
    if (seen.has(node)) continue;
    const path = shortestWayBack(knotted, node);
    if (path.length === 0) continue;
    found.push(path);
    for (const member of path) seen.add(member);
  }
  return found;
};

/** The shortest path from a node to itself, both ends named; empty when there is none. */
const shortestWayBack = (graph: Dependencies, start: string): readonly string[] => {
  const queue: { readonly at: string; readonly path: readonly string[] }[] = [{ at: start, path: [start] }];
  const visited = new Set<string>();
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    for (const next of [...known(graph, step.at)].sort()) {
      if (next === start) return [...step.path, start];
      if (visited.has(next)) continue;
      visited.add(next);
      queue.push({ at: next, path: [...step.path, next] });
    }
  }
  return [];
};
