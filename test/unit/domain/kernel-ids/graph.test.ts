import { describe, expect, it } from 'vitest';
import { closure, cycles, reversed, topologicalOrder } from '#domain/kernel/graph.ts';

const graph = (edges: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(edges));

const DIAMOND = graph({ d: ['b', 'c'], c: ['a'], b: ['a'], a: [] });

describe('graphs', () => {
  it('order nodes behind their dependencies, ties by name', () => {
    expect(topologicalOrder(DIAMOND)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('ignore dependencies that are not nodes', () => {
    expect(topologicalOrder(graph({ a: ['zzz'] }))).toEqual(['a']);
    expect(closure(graph({ a: ['zzz'] }), ['a'])).toEqual(['a']);
    expect(closure(graph({ a: [] }), ['zzz'])).toEqual(['zzz']);
  });

  it('count a repeated dependency once', () => {
    expect(topologicalOrder(graph({ b: ['a', 'a'], a: [] }))).toEqual(['a', 'b']);
  });

  it('close over upstreams, and over downstreams when reversed', () => {
    expect(closure(DIAMOND, ['b'])).toEqual(['a', 'b']);
    expect(closure(reversed(DIAMOND), ['b'])).toEqual(['b', 'd']);
    expect(closure(DIAMOND, ['d'])).toEqual(['a', 'b', 'c', 'd']);
  });

  it('have no cycles when every node can be ordered', () => {
    expect(cycles(DIAMOND)).toEqual([]);
  });

  it('name each cycle once, from its least member, and nothing that merely hangs on it', () => {
    expect(cycles(graph({ a: ['b'], b: ['a'] }))).toEqual([['a', 'b', 'a']]);
    expect(cycles(graph({ a: ['a'] }))).toEqual([['a', 'a']]);
    expect(
      cycles(graph({ a: ['x'], x: ['y'], y: ['z'], z: ['x'], p: ['q'], q: ['p'], ok: [], top: ['a', 'ok'] })),
    ).toEqual([
      ['p', 'q', 'p'],
      ['x', 'y', 'z', 'x'],
    ]);
  });

  it('name every node of a knot in a shortest way round', () => {
    expect(cycles(graph({ a: ['b', 'c'], b: ['c'], c: ['a', 'b'] }))).toEqual([
      ['a', 'c', 'a'],
      ['b', 'c', 'b'],
    ]);
  });
});
