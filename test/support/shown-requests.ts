/**
 * The requests a Markdown document shows with their answers, and whether an answer is the one shown. CONTRIBUTING.md
 * tells writers the form; what a reader needs not see stands in a comment of the document and is read alike.
 */

/** A request with the answer it is to get, or a wait of the clock before the next one. */
export type Shown =
  | { readonly kind: 'wait'; readonly seconds: number }
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly status: number;
      /** JSON, or text when it is none; empty when only the status is shown. */
      readonly answer: string;
    };

/** Values met so far, by the name a document gives them. */
export type Names = Map<string, string>;

/** What a document shows, in order; blocks that show no answer, or stand within another block, are left out. */
export const shownRequests = (markdown: string): readonly Shown[] => {
  const blocks = markdown.replaceAll(/^````[\s\S]*?^````$/gm, '').matchAll(/^```http\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, block = '']): readonly Shown[] => {
    const wait = /^WAIT (\d+) s\n$/.exec(block);
    if (wait) return [{ kind: 'wait', seconds: Number(wait[1]) }];
    const parts = /^([A-Z]+) (\S+)\n((?:[a-z-]+: .+\n)*)([\s\S]*?)^HTTP (\d{3})\n([\s\S]*)$/m.exec(block);
    if (!parts) return [];
    const [, method = '', path = '', lines = '', body = '', status, answer = ''] = parts;
    const headers = Object.fromEntries(
      [...lines.matchAll(/^([a-z-]+): (.+)$/gm)].map(([, name = '', value = '']) => [name, value]),
    );
    return [
      {
        kind: 'request',
        ...{ method, path, headers, body: body.trim() },
        ...{ status: Number(status), answer: answer.trim() },
      },
    ];
  });
};

const PLACE = /\{([a-z][A-Za-z0-9]*)\}/;
const INSTANT = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

/** A text with the names in braces replaced by their values; a name nobody has met is a fault. */
export const filledIn = (text: string, names: Names): string =>
  text.replaceAll(new RegExp(PLACE, 'g'), (_, name: string) => {
    const value = names.get(name);
    if (value === undefined) throw new Error(`{${name}} was not answered before it is used`);
    return value;
  });

/**
 * Where an answer differs from the one shown, by its path; empty when it is as shown. A name in braces takes the value it
 * meets first and is that value from then on, `{time}` is any instant, and `…` stands for members that are not shown.
 */
export const differences = (shown: unknown, actual: unknown, names: Names, at = '$'): readonly string[] => {
  if (typeof shown === 'string' && (typeof actual === 'string' || typeof actual === 'number'))
    return isText(shown, String(actual), names) ? [] : [`${at} is ${JSON.stringify(actual)}`];
  if (Array.isArray(shown) && Array.isArray(actual) && shown.length === actual.length)
    return shown.flatMap((item, index) => differences(item, actual[index], names, `${at}[${index}]`));
  if (isRecord(shown) && isRecord(actual)) return memberDifferences(shown, actual, { names, at });
  return shown === actual ? [] : [`${at} is ${JSON.stringify(actual)}`];
};

/** The JSON of a shown answer; its `…` become members of that name. */
export const shownJson = (answer: string): unknown =>
  JSON.parse(answer.replaceAll(/…(?=\s*\})/g, '"…": true'));

type Members = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const memberDifferences = (
  shown: Members,
  actual: Members,
  { names, at }: { readonly names: Names; readonly at: string },
): readonly string[] => {
  const { '…': isPart, ...members } = shown;
  const unshown = isPart === true ? [] : Object.keys(actual).filter((name) => !(name in members));
  return [
    ...unshown.map((name) => `${at}.${name} is not shown: ${JSON.stringify(actual[name])}`),
    ...Object.entries(members).flatMap(([name, value]) =>
      differences(value, actual[name], names, `${at}.${name}`),
    ),
  ];
};

const literal = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);

const isText = (shown: string, actual: string, names: Names): boolean => {
  const fresh: string[] = [];
  const pattern = shown.split(new RegExp(PLACE, 'g')).map((part, index) => {
    if (index % 2 === 0) return literal(part);
    if (part === 'time') return INSTANT;
    const known = names.get(part);
    if (known !== undefined) return literal(known);
    fresh.push(part);
    return '(.+)';
  });
  const found = new RegExp(`^${pattern.join('')}$`, 's').exec(actual);
  fresh.forEach((name, index) => names.set(name, found?.[index + 1] ?? ''));
  return found !== null;
};
