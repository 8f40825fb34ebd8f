/** Elements of an answer as they came: parsed and written again, numbers would lose digits. */

const TOKEN = /"(?:[^"\\]+|\\.)*"|[[\]{},]/g;

/**
 * The texts of the elements of an array, each on one line: a member of the object that valid JSON is, whose name is
 * written without escapes. Empty when there is no such array.
 */
export const elementTexts = (json: string, member: string): readonly string[] => {
  const texts: string[] = [];
  let depth = 0;
  let name = '';
  let from: number | undefined;
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    const isEnd = token === ']' || token === '}';
    if (depth === 1 && token.startsWith('"')) name = token;
    if (depth === 1 && token === '[' && name === `"${member}"`) from = index + 1;
    if (depth === 2 && from !== undefined && (token === ',' || isEnd)) {
      texts.push(oneLine(json.slice(from, index)));
      from = isEnd ? undefined : index + 1;
    }
    if (token === '[' || token === '{') depth += 1;
    if (isEnd) depth -= 1;
  }
  return texts.filter((text) => text !== '');
};

/** A line end in JSON is a blank, as it is escaped in texts. */
const oneLine = (text: string): string => text.trim().replaceAll(/[\r\n]+/g, ' ');
