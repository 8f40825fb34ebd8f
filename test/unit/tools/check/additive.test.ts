import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { breakingChanges } from '#tools/check/additive.ts';
import { jsonSchemaOf } from '#tools/generate/json-schema.ts';
import type { WireShape } from '#tools/generate/wire-shapes.ts';

const changes = (use: WireShape['use'], before: z.ZodType, after: z.ZodType): readonly string[] => {
  const direction = use === 'accepted' ? 'input' : 'output';
  return breakingChanges(jsonSchemaOf(before, direction), jsonSchemaOf(after, direction), use);
};

const run = z.strictObject({ id: z.string(), count: z.int().min(0).max(10), state: z.enum(['ON', 'OFF']) });
const without = run.omit({ count: true });
const queue = z.strictObject({ kind: z.literal('queue'), queueName: z.string() });
const lambda = z.strictObject({ kind: z.literal('lambda'), functionName: z.string() });

describe('a shape we accept', () => {
  it.each<[string, z.ZodType, z.ZodType]>([
    ['stays as it is', run, run],
    ['gets an optional member', run, run.extend({ note: z.string().optional() })],
    ['gets a member with a default', run, run.extend({ note: z.string().default('') })],
    ['has a member become optional', run, run.partial({ count: true })],
    ['allows a new value', run, run.extend({ state: z.enum(['ON', 'OFF', 'IDLE']) })],
    ['allows any value', run, run.extend({ state: z.string() })],
    ['has looser bounds', run, run.extend({ count: z.int().min(-1).max(11) })],
    ['takes fractions too', run, run.extend({ count: z.number().min(0).max(10) })],
    ['takes null too', run, run.extend({ id: z.string().nullable() })],
    ['takes anything at a place', run, run.extend({ id: z.unknown() })],
    ['tolerates unknown members', run, z.looseObject(run.shape)],
    ['gets another event type', z.union([run]), z.union([without, run])],
    ['becomes one of several', run, z.union([z.string(), run])],
    ['takes anything at all', run, z.unknown()],
    ['takes anything instead of one of several', z.union([run, z.string()]), z.unknown()],
    ['has only words changed', run, run.meta({ title: 'Run', description: 'a run' })],
  ])('may be changed so that it %s', (_change, before, after) => {
    expect(changes('accepted', before, after)).toEqual([]);
  });

  it.each<[string, z.ZodType, z.ZodType, string]>([
    ['a member is removed', run, without, 'count was removed'],
    ['a member becomes required', without, run, 'count has become required'],
    ['a value is lost', run, run.extend({ state: z.enum(['ON']) }), 'state lost the value "OFF"'],
    ['a type changes', run, run.extend({ id: z.int() }), 'id was string and is integer'],
    [
      'an upper bound tightens',
      run,
      run.extend({ count: z.int().min(0).max(9) }),
      'count had maximum 10 and has 9',
    ],
    [
      'a lower bound tightens',
      run,
      run.extend({ count: z.int().min(1).max(10) }),
      'count had minimum 0 and has 1',
    ],
    ['a bound appears', run, run.extend({ id: z.string().max(5) }), 'id had maxLength none and has 5'],
    ['a pattern changes', run, run.extend({ id: z.string().regex(/a/) }), 'id has another pattern'],
    [
      'a list of values appears',
      run,
      run.extend({ id: z.enum(['a']) }),
      'id allows a closed list of values only',
    ],
    [
      'null is no longer taken',
      z.object({ a: z.string().nullable() }),
      z.object({ a: z.string() }),
      'a was null or string and is string',
    ],
    ['unknown members are refused', z.looseObject(run.shape), run, '[additionalProperties] was closed'],
    [
      'an event type is gone',
      z.union([run, z.string()]),
      z.union([run]),
      '[option 1] was string and is object',
    ],
    ['items change', z.array(z.string()), z.array(z.int()), '[items] was string and is integer'],
    ['places change', z.tuple([z.int()]), z.tuple([z.string()]), 'the shape has other places'],
    ['it becomes one of others', run, z.union([z.string(), without]), 'count was removed'],
    ['it is one of several no more', z.union([run, z.string()]), run, 'lost its options'],
    ['a deep member is removed', z.object({ run }), z.object({ run: without }), 'run.count was removed'],
  ])('is broken when %s', (_change, before, after, expected) => {
    expect(changes('accepted', before, after).join('; ')).toContain(expected);
  });
});

describe('a shape we answer', () => {
  it.each<[string, z.ZodType, z.ZodType]>([
    ['gets a certain member', without, run],
    ['gets an optional member', run, run.extend({ note: z.string().optional() })],
    ['has a new value', run, run.extend({ state: z.enum(['ON', 'OFF', 'IDLE']) })],
    ['has tighter bounds', run, run.extend({ count: z.int().min(1).max(9) })],
    ['is always whole', z.object({ a: z.number() }), z.object({ a: z.int() })],
    ['gets another event type', z.union([run]), z.union([run, without])],
    ['becomes one of several that its kind tells apart', queue, z.union([queue, lambda])],
  ])('may be changed so that it %s', (_change, before, after) => {
    expect(changes('answered', before, after)).toEqual([]);
  });

  it.each<[string, z.ZodType, z.ZodType, string]>([
    ['a member is removed', run, without, 'count was removed'],
    ['a member is no longer certain', run, run.partial({ count: true }), 'count is no longer certain'],
    [
      'a member may be null',
      run,
      run.extend({ id: z.string().nullable() }),
      'id was string and is null or string',
    ],
    [
      'one of several may be null',
      z.union([run, z.array(run)]),
      z.union([run, z.array(run), z.null()]),
      'the shape may be null now',
    ],
    [
      'an option may be null',
      z.union([z.string(), z.int()]),
      z.union([z.string(), z.int(), z.null()]),
      'was integer or string and is integer or null or string',
    ],
    ['a value is lost', run, run.extend({ state: z.enum(['OFF']) }), 'state lost the value "ON"'],
    ['it becomes one of several', run, z.union([run, z.string()]), 'the shape has become one of several'],
    [
      'it becomes one of several of one kind',
      queue,
      z.union([queue, lambda.extend({ kind: z.enum(['queue', 'lambda']) })]),
      'the shape has become one of several',
    ],
    [
      'it becomes one of several whose kind is not certain',
      queue,
      z.union([queue, lambda.partial({ kind: true })]),
      'the shape has become one of several',
    ],
    [
      'the form it had is none of the several it becomes',
      queue,
      z.union([queue.partial({ queueName: true }), lambda]),
      'queueName is no longer certain',
    ],
    ['it is one of several no more', z.union([run, z.string()]), run, 'lost its options'],
    [
      'a closed list is opened',
      run,
      run.extend({ state: z.string() }),
      'state has no closed list of values any more',
    ],
    [
      'a bound loosens',
      run,
      run.extend({ count: z.int().min(0).max(11) }),
      'count had maximum 10 and has 11',
    ],
    [
      'fractions appear',
      run,
      run.extend({ count: z.number().min(0).max(10) }),
      'count was integer and is number',
    ],
  ])('is broken when %s', (_change, before, after, expected) => {
    expect(changes('answered', before, after).join('; ')).toContain(expected);
  });
});
