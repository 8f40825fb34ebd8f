/** The little XML of S3: elements in order, text escaped; reading is by element name. */

/** One element: its name and its text or children. */
export type XmlNode = readonly [name: string, content: string | readonly XmlNode[]];

const entities: readonly (readonly [character: string, entity: string])[] = [
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
  ['\r', '&#13;'],
];

const escape = (text: string): string =>
  entities.reduce((result, [character, entity]) => result.replaceAll(character, entity), text);

const unescape = (text: string): string =>
  entities
    .toReversed()
    .reduce(
      (result, [character, entity]) => result.replaceAll(entity, character),
      text.replaceAll('&#10;', '\n'),
    );

const render = ([name, content]: XmlNode): string =>
  `<${name}>${typeof content === 'string' ? escape(content) : content.map(render).join('')}</${name}>`;

/** A document in the namespace of S3, or without one as errors are. */
export const xmlDocument = ([name, content]: XmlNode, hasNamespace = true): string => {
  const element = render([name, content]);
  const opened = hasNamespace
    ? element.replace(`<${name}>`, `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
    : element;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${opened}`;
};

/** The inner text of every element of that name, in order, as it is written. */
export const elementsOf = (xml: string, name: string): readonly string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(
    ([, inner = '']) => inner,
  );

/** The unescaped text of the first element of that name. */
export const textOf = (xml: string, name: string): string | undefined => {
  const [inner] = elementsOf(xml, name);
  return inner === undefined ? undefined : unescape(inner);
};
