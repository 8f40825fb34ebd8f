/**
 * Wire JSON to attribute values, with DynamoDB's refusals. A value that is already canonical is returned as it came,
 * so that parsing an item costs no copy.
 */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import { canonicalNumber } from './number.ts';
import type { AttributeValue, Item, TypeTag } from './value.ts';

const DEPTH_MAX = 32;

const EMPTY = 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes';
const SEVERAL =
  'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes';
const INVALID = 'One or more parameter values were invalid: ';

/** Parses a map of attributes, such as an item or a key. */
export const parseItem = (input: unknown, depth = 0): Item => {
  if (!isRecord(input)) throw malformed('Expected map or null');
  let changed: Record<string, AttributeValue> | undefined;
  for (const name in input) {
    const given = input[name];
    const value = parseValue(given, depth);
    if (value === given) continue;
    changed ??= { ...(input as Record<string, AttributeValue>) };
    changed[name] = value;
  }
  return changed ?? (input as Item);
};

/** Parses one value and brings its numbers and binaries to their one spelling. */
export const parseValue = (input: unknown, depth = 0): AttributeValue => {
  if (!isRecord(input)) throw malformed('Expected null');
  if (depth > DEPTH_MAX) throw validation('Nesting Levels have exceeded supported limits');
  let tag: string | undefined;
  for (const member in input) {
    if (input[member] === undefined || input[member] === null) continue;
    if (tag !== undefined) throw validation(SEVERAL);
    tag = member;
  }
  if (tag === undefined || !TAGS.has(tag)) throw validation(EMPTY);
  const content = input[tag];
  const parsed = parseContent(tag as TypeTag, content, depth);
  const isAsGiven = parsed === content && Object.keys(input).length === 1;
  return (isAsGiven ? input : { [tag]: parsed }) as AttributeValue;
};

const TAGS: ReadonlySet<string> = new Set(['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M']);

const parseContent = (tag: TypeTag, content: unknown, depth: number): unknown => {
  switch (tag) {
    case 'S':
      return text(content);
    case 'N':
      return canonicalNumber(text(content));
    case 'B':
      return canonicalBinary(text(content));
    case 'BOOL':
      return flag(content);
    case 'NULL':
      if (content === true) return content;
      throw validation(`${INVALID}Null attribute value types must have the value of true`);
    case 'SS':
      return stringSet(content);
    case 'NS':
      return numberSet(content);
    case 'BS':
      return binarySet(content);
    case 'L':
      return parseList(content, depth);
    case 'M':
      return parseItem(content, depth + 1);
  }
};

const parseList = (content: unknown, depth: number): readonly AttributeValue[] => {
  if (!Array.isArray(content)) throw malformed('Expected list or null');
  const given: readonly unknown[] = content;
  const parsed = given.map((element) => parseValue(element, depth + 1));
  return parsed.every((value, place) => value === given[place])
    ? (given as readonly AttributeValue[])
    : parsed;
};

const stringSet = (content: unknown): readonly string[] => {
  const members = texts(content);
  if (members.length === 0) throw validation(`${INVALID}An string set  may not be empty`);
  if (members.includes('')) {
    throw validation(`${INVALID}An string set may not have a empty string as a member`);
  }
  if (hasDuplicates(members)) {
    throw validation(`${INVALID}Input collection [${members.join(', ')}] contains duplicates.`);
  }
  return members;
};

const numberSet = (content: unknown): readonly string[] => {
  const members = texts(content);
  if (members.length === 0) throw validation(`${INVALID}An number set  may not be empty`);
  const numbers = members.map(canonicalNumber);
  if (hasDuplicates(numbers)) throw validation('Input collection contains duplicates');
  return numbers.every((number, place) => number === members[place]) ? members : numbers;
};

const binarySet = (content: unknown): readonly string[] => {
  const members = texts(content);
  if (members.length === 0) throw validation(`${INVALID}Binary sets should not be empty`);
  const binaries = members.map(canonicalBinary);
  if (binaries.includes('')) {
    throw validation(`${INVALID}Binary sets may not contain null or empty values`);
  }
  if (hasDuplicates(binaries)) {
    throw validation(`${INVALID}Input collection [${members.join(', ')}]of type BS contains duplicates.`);
  }
  return binaries.every((binary, place) => binary === members[place]) ? members : binaries;
};

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const canonicalBinary = (given: string): string => {
  if (given.length % 4 !== 0 || !BASE64.test(given)) {
    throw malformed('the text can not be converted to a Blob: it is not Base64');
  }
  // Only the last group can carry bits beyond the last byte.
  if (!given.endsWith('=')) return given;
  const last = Buffer.from(given.slice(-4), 'base64').toString('base64');
  return given.endsWith(last) ? given : given.slice(0, -4) + last;
};

const hasDuplicates = (members: readonly string[]): boolean => new Set(members).size !== members.length;

const text = (content: unknown): string => {
  if (typeof content !== 'string') throw malformed(`${typeof content} can not be converted to an String`);
  return content;
};

const texts = (content: unknown): readonly string[] => {
  if (!Array.isArray(content)) throw malformed('Expected list or null');
  for (const member of content) text(member);
  return content as readonly string[];
};

const flag = (content: unknown): boolean => {
  if (typeof content !== 'boolean') throw malformed(`${typeof content} can not be converted to an Boolean`);
  return content;
};

const isRecord = (input: unknown): input is Readonly<Record<string, unknown>> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

const malformed = (message: string): AwsError => new AwsError('SerializationException', message);
