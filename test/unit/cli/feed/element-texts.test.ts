import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { elementTexts } from '#cli/feed/element-texts.ts';

it('are those of the member alone, whatever else has its name', () => {
  const json =
    '{"other":"list","deep":{"list":[0]},"more":[["list",[0]]],"list":[1.0,{"list":[2]},[3,4]],"end":[5]}';

  expect(elementTexts(json, 'list')).toEqual(['1.0', '{"list":[2]}', '[3,4]']);
  expect(elementTexts(json, 'end')).toEqual(['5']);
  expect(elementTexts(json, 'none')).toEqual([]);
  expect(elementTexts('{"list":[ ]}', 'list')).toEqual([]);
  expect(elementTexts('{"list":"[1]"}', 'list')).toEqual([]);
});

it('are what the elements are, however they are indented', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), fc.nat({ max: 3 }), (list, before, indent) => {
      const texts = elementTexts(JSON.stringify({ before, list, after: before }, null, indent), 'list');

      expect(texts.map((text): unknown => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(list)));
      expect(texts.every((text) => !text.includes('\n'))).toBe(true);
    }),
  );
});
