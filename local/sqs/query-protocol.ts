/**
 * The older Query protocol of SQS: a form in, XML out. Lists and maps are flattened into numbered names
 * (`AttributeName.1`, `Attribute.1.Name`), which are read here into the input of the JSON protocol.
 */
import type { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import { faultOf, queryCode } from './refusal.ts';

const NAMESPACE = 'http://queue.amazonaws.com/doc/2012-11-05/';

/** A value of the form: text, or what has a longer name with a dot after this one. */
interface Branch {
  text?: string;
  readonly parts: Map<string, Branch>;
}

type Read = (branch: Branch) => unknown;

interface Member {
  /** Name in the JSON protocol. */
  readonly name: string;
  readonly read: Read;
}

const readText: Read = ({ text }) => text;
const readInteger: Read = ({ text = '' }) => (/^-?\d+$/.test(text) ? Number(text) : text);

/** The numbered items by number; a name without number counts as the only item. */
const items = (branch: Branch): readonly Branch[] => {
  const numbered = [...branch.parts].filter(([name]) => /^\d+$/.test(name));
  if (numbered.length === 0) return [branch];
  return numbered.sort(([a], [b]) => Number(a) - Number(b)).map(([, item]) => item);
};

const listOf =
  (read: Read): Read =>
  (branch) =>
    items(branch).map(read);

const mapOf =
  (key: string, value: string, read: Read): Read =>
  (branch) =>
    Object.fromEntries(
      items(branch).map((item) => {
        const member = item.parts.get(value);
        return [item.parts.get(key)?.text ?? '', member ? read(member) : undefined];
      }),
    );

const structureOf =
  (members: () => Readonly<Record<string, Member>>): Read =>
  (branch) =>
    readMembers(branch, members());

const readMembers = (branch: Branch, members: Readonly<Record<string, Member>>): Json => {
  const input: Json = {};
  for (const [name, part] of branch.parts) {
    const member = Object.hasOwn(members, name) ? members[name] : undefined;
    input[member?.name ?? name] = member ? member.read(part) : part.text;
  }
  return input;
};

const attributeValue = structureOf(() => ({
  StringListValue: { name: 'StringListValues', read: listOf(readText) },
  BinaryListValue: { name: 'BinaryListValues', read: listOf(readText) },
}));

const sendEntry: Readonly<Record<string, Member>> = {
  DelaySeconds: { name: 'DelaySeconds', read: readInteger },
  MessageAttribute: { name: 'MessageAttributes', read: mapOf('Name', 'Value', attributeValue) },
  MessageSystemAttribute: { name: 'MessageSystemAttributes', read: mapOf('Name', 'Value', attributeValue) },
};

const visibility: Readonly<Record<string, Member>> = {
  VisibilityTimeout: { name: 'VisibilityTimeout', read: readInteger },
};

const entries = (members: Readonly<Record<string, Member>>): Member => ({
  name: 'Entries',
  read: listOf(structureOf(() => members)),
});

/** Members whose name or type differs between the protocols; all others are text of the same name. */
const requestMembers: Readonly<Record<string, Member>> = {
  ...sendEntry,
  ...visibility,
  Attribute: { name: 'Attributes', read: mapOf('Name', 'Value', readText) },
  AttributeName: { name: 'AttributeNames', read: listOf(readText) },
  ChangeMessageVisibilityBatchRequestEntry: entries(visibility),
  DeleteMessageBatchRequestEntry: entries({}),
  MaxNumberOfMessages: { name: 'MaxNumberOfMessages', read: readInteger },
  MaxNumberOfMessagesPerSecond: { name: 'MaxNumberOfMessagesPerSecond', read: readInteger },
  MaxResults: { name: 'MaxResults', read: readInteger },
  MessageAttributeName: { name: 'MessageAttributeNames', read: listOf(readText) },
  MessageSystemAttributeName: { name: 'MessageSystemAttributeNames', read: listOf(readText) },
  SendMessageBatchRequestEntry: entries(sendEntry),
  TagKey: { name: 'TagKeys', read: listOf(readText) },
  WaitTimeSeconds: { name: 'WaitTimeSeconds', read: readInteger },
};

const tagMap = mapOf('Key', 'Value', readText);

/** TagQueue writes its tags under either name; CreateQueue has a member of its own. */
const tagMembers = (operation: string): Readonly<Record<string, Member>> => ({
  Tag: { name: operation === 'CreateQueue' ? 'tags' : 'Tags', read: tagMap },
  Tags: { name: 'Tags', read: tagMap },
});

const readTree = (form: URLSearchParams): Branch => {
  const root: Branch = { parts: new Map() };
  for (const [name, value] of form) {
    let branch = root;
    for (const part of name.split('.')) {
      const known = branch.parts.get(part) ?? { parts: new Map<string, Branch>() };
      branch.parts.set(part, known);
      branch = known;
    }
    branch.text = value;
  }
  return root;
};

/** Parameters every action has, which are no members of its input. */
const commonParameters = ['Action', 'Version', 'AUTHPARAMS'];

/** The operation and its input as the JSON protocol has it; the path names the queue when the form does not. */
export const decodeQuery = (
  form: URLSearchParams,
  path: string,
): { readonly operation: string; readonly input: Json } => {
  const operation = form.get('Action') ?? '';
  const tree = readTree(form);
  for (const name of commonParameters) tree.parts.delete(name);
  const input = readMembers(tree, { ...requestMembers, ...tagMembers(operation) });
  const pathname = path.split('?')[0] ?? '';
  if (input['QueueUrl'] === undefined && /^\/[^/]+\/[^/]+$/.test(pathname)) input['QueueUrl'] = pathname;
  return { operation, input };
};

// A carriage return must be escaped, or XML parsers read it as a line feed and the MD5 of the body is wrong.
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#xD;',
};

const escapeXml = (text: string): string =>
  text.replace(/[&<>"'\r]/g, (character) => entities[character] ?? '');

const element = (name: string, content: string): string => `<${name}>${content}</${name}>`;

const isStructure = (value: unknown): value is Json => value !== null && typeof value === 'object';

/** Element names of list items and of map entries with their keys and values, by the member they stand in. */
const itemNames: Readonly<Record<string, string>> = {
  Failed: 'BatchResultErrorEntry',
  Messages: 'Message',
  QueueUrls: 'QueueUrl',
  Results: 'ListMessageMoveTasksResultEntry',
  queueUrls: 'QueueUrl',
};
const mapNames: Readonly<Record<string, readonly [entry: string, key: string, value: string]>> = {
  Attributes: ['Attribute', 'Name', 'Value'],
  MessageAttributes: ['MessageAttribute', 'Name', 'Value'],
  Tags: ['Tag', 'Key', 'Value'],
};

const content = (operation: string, value: unknown): string => {
  if (!isStructure(value)) return escapeXml(String(value));
  return Object.entries(value)
    .map(([name, member]) => writeMember(operation, name, member))
    .join('');
};

const writeMember = (operation: string, name: string, value: unknown): string => {
  if (value === undefined) return '';
  if (Array.isArray(value)) {
    const itemName = name === 'Successful' ? `${operation}ResultEntry` : (itemNames[name] ?? name);
    return value.map((item) => element(itemName, content(operation, item))).join('');
  }
  const map = mapNames[name];
  if (!map || !isStructure(value)) return element(name, content(operation, value));
  const [entryName, keyName, valueName] = map;
  return Object.entries(value)
    .map(([key, member]) =>
      element(entryName, element(keyName, escapeXml(key)) + element(valueName, content(operation, member))),
    )
    .join('');
};

/** Operations that answer nothing, and hence have no result element. */
const silentOperations = [
  'ChangeMessageVisibility',
  'DeleteMessage',
  'DeleteQueue',
  'PurgeQueue',
  'SetQueueAttributes',
  'TagQueue',
  'UntagQueue',
];

const document = (name: string, body: string): string =>
  `<?xml version="1.0"?><${name} xmlns="${NAMESPACE}">${body}</${name}>`;

/** The answer of an operation as the XML document of the Query protocol. */
export const encodeQuery = (operation: string, output: Json, requestId: string): string => {
  const result = silentOperations.includes(operation)
    ? ''
    : element(`${operation}Result`, content(operation, output));
  const metadata = element('ResponseMetadata', element('RequestId', escapeXml(requestId)));
  return document(`${operation}Response`, result + metadata);
};

/** A refusal as the XML document of the Query protocol, under the code that protocol uses. */
export const encodeQueryError = (error: AwsError, requestId: string): string =>
  document(
    'ErrorResponse',
    element(
      'Error',
      element('Type', faultOf(error)) +
        element('Code', escapeXml(queryCode(error))) +
        element('Message', escapeXml(error.message)) +
        element('Detail', ''),
    ) + element('RequestId', escapeXml(requestId)),
  );
