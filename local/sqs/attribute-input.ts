/** Reads and checks the attributes of a message that is sent. */
import type { Json } from '#local/kernel/engine.ts';
import { optionalStructure, optionalText } from './input.ts';
import type { MessageAttribute, MessageAttributes } from './message.ts';
import { invalidValue } from './refusal.ts';

const ATTRIBUTES_MAX = 10;
const NAME = /^(?!(?:aws|amazon)\.)(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$/i;
const DATA_TYPE = /^(String|Number|Binary)(\..{1,249})?$/;

/** What XML 1.0 cannot carry: SQS refuses it in either protocol. */
const UNCARRIABLE = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** Whether every character may be in a message. */
export const isCarriable = (text: string): boolean => !UNCARRIABLE.test(text);

const refuseListValues = (name: string, input: Json): void => {
  for (const member of ['StringListValues', 'BinaryListValues']) {
    const value: unknown = input[member];
    if (Array.isArray(value) && value.length > 0) {
      throw invalidValue(
        `Message attribute list values in SendMessage operation are not supported: '${name}'.`,
      );
    }
  }
};

const wrongField = (name: string, type: string, field: string): Error =>
  invalidValue(`The message attribute '${name}' with type '${type}' must use field '${field}'.`);

const parseAttribute = (name: string, input: Json): MessageAttribute => {
  refuseListValues(name, input);
  const DataType = optionalText(input, 'DataType');
  if (DataType === undefined || DataType === '') {
    throw invalidValue(`The message attribute '${name}' must contain a non-empty message attribute type.`);
  }
  const kind = DATA_TYPE.exec(DataType)?.[1];
  if (kind === undefined) {
    throw invalidValue(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const field = kind === 'Binary' ? 'BinaryValue' : 'StringValue';
  const value = optionalText(input, field);
  if (value === undefined) throw wrongField(name, DataType, field);
  if (value === '') {
    throw invalidValue(
      `The message attribute '${name}' must contain a non-empty message attribute value for message attribute type '${DataType}'.`,
    );
  }
  if (kind === 'Number' && (value.trim() === '' || Number.isNaN(Number(value)))) {
    throw invalidValue(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
  if (kind !== 'Binary' && !isCarriable(value)) {
    throw invalidValue(`The message attribute '${name}' contains invalid characters.`);
  }
  return kind === 'Binary' ? { DataType, BinaryValue: value } : { DataType, StringValue: value };
};

const parseAll = (input: Json, member: string): MessageAttributes | undefined => {
  const given = optionalStructure(input, member);
  const names = Object.keys(given ?? {});
  if (!given || names.length === 0) return undefined;
  return Object.fromEntries(
    names.map((name) => [name, parseAttribute(name, optionalStructure(given, name) ?? {})]),
  );
};

/** Up to ten attributes of the sender's own, or undefined when there is none. */
export const messageAttributes = (input: Json): MessageAttributes | undefined => {
  const attributes = parseAll(input, 'MessageAttributes');
  const names = Object.keys(attributes ?? {});
  if (names.length > ATTRIBUTES_MAX) {
    throw invalidValue(
      `Number of message attributes [${String(names.length)}] exceeds the allowed maximum [${String(ATTRIBUTES_MAX)}].`,
    );
  }
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong === undefined) return attributes;
  throw invalidValue(`The message attribute name '${wrong}' is invalid.`);
};

/** The attributes for the service itself, of which there is only `AWSTraceHeader`. */
export const systemAttributes = (input: Json): MessageAttributes | undefined => {
  const attributes = parseAll(input, 'MessageSystemAttributes');
  for (const [name, { DataType }] of Object.entries(attributes ?? {})) {
    if (name !== 'AWSTraceHeader' || DataType !== 'String') {
      throw invalidValue(`Message system attribute '${name}' of type '${DataType}' is not supported.`);
    }
  }
  return attributes;
};
