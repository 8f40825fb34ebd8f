/** Tags of streams. */
import type { Operation } from '#local/kernel/engine.ts';
import type { KinesisContext } from './context.ts';
import { streamOf } from './context.ts';
import {
  constraint,
  invalidArgument,
  optionalInteger,
  optionalText,
  optionalTextMap,
  texts,
} from './input.ts';

const TAGS_MAX = 50;
const KEY_LENGTH_MAX = 128;
const VALUE_LENGTH_MAX = 256;

type Tags = Readonly<Record<string, string>>;

/** The tags, or the refusal of a key, a value or a number of tags outside the limits. */
export const checkedTags = (tags: Tags): Tags => {
  for (const [key, value] of Object.entries(tags)) {
    if (key.length < 1 || key.length > KEY_LENGTH_MAX) {
      throw constraint('tags', `have keys of 1 to ${String(KEY_LENGTH_MAX)} characters`);
    }
    if (value.length > VALUE_LENGTH_MAX) {
      throw constraint('tags', `have values of at most ${String(VALUE_LENGTH_MAX)} characters`);
    }
  }
  if (Object.keys(tags).length > TAGS_MAX) {
    throw invalidArgument(`a stream has at most ${String(TAGS_MAX)} tags`);
  }
  return tags;
};

/** Adds tags and replaces those of the same key. */
export const addTags =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const given = optionalTextMap(input, 'Tags');
    if (!given) throw constraint('tags', 'not be null');
    const tags = checkedTags({ ...stream.setting.tags, ...given });
    context.commit(['set', stream.name, { ...stream.setting, tags }]);
    return {};
  };

/** Takes tags away; keys that are not there are passed over. */
export const removeTags =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const keys = texts(input, 'TagKeys', { min: 1, max: TAGS_MAX });
    const tags = Object.fromEntries(
      Object.entries(stream.setting.tags).filter(([key]) => !keys.includes(key)),
    );
    context.commit(['set', stream.name, { ...stream.setting, tags }]);
    return {};
  };

/** A page of the tags by key. */
export const listTags =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const after = optionalText(input, 'ExclusiveStartTagKey');
    const limit = optionalInteger(input, 'Limit', { min: 1, max: TAGS_MAX }) ?? TAGS_MAX;
    const tags = Object.entries(stream.setting.tags)
      .filter(([key]) => after === undefined || key > after)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([Key, Value]) => ({ Key, Value }));
    return { Tags: tags.slice(0, limit), HasMoreTags: tags.length > limit };
  };
