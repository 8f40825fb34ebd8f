import { describe, expect, it } from 'vitest';
import { parseBenchArguments } from '#bench/arguments.ts';

const known = ['steps', 'cost', 'start'];

describe('arguments of the bench', () => {
  it('measure everything when nothing is named', () => {
    expect(parseBenchArguments([], known)).toEqual({ only: [] });
  });

  it('name measurements one by one or separated by commas', () => {
    expect(parseBenchArguments(['--only', 'steps,cost', '--only', 'start'], known).only).toEqual([
      'steps',
      'cost',
      'start',
    ]);
  });

  it('name a file for the JSON and a month to play', () => {
    expect(parseBenchArguments(['--json', 'out.json', '--month', 'bars.csv.gz'], known)).toEqual({
      only: [],
      jsonFile: 'out.json',
      monthFile: 'bars.csv.gz',
    });
  });

  it('refuse a measurement that does not exist, naming those that do', () => {
    expect(() => parseBenchArguments(['--only', 'speed'], known)).toThrow(
      'there is no measurement speed; there are steps, cost, start',
    );
  });

  it('refuse an unknown option', () => {
    expect(() => parseBenchArguments(['--fast'], known)).toThrow('--fast');
  });
});
