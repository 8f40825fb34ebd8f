/** Reads a JSON or YAML document a command was given. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CliError, exitCodes } from '#cli/cli-error.ts';

/** The document in a file, or undefined when none was named. */
export const documentOf = (file: string | undefined): unknown =>
  file === undefined ? undefined : readDocument(file);

/** The document in a file; refuses naming the file when it is missing or malformed. */
export const readDocument = (file: string): unknown => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CliError('not_found', `cannot read ${file}`, { exitCode: exitCodes.usage });
  }
  try {
    return file.endsWith('.json') ? (JSON.parse(text) as unknown) : (parse(text) as unknown);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError('invalid_json', `${file} is neither JSON nor YAML: ${reason}`, {
      exitCode: exitCodes.usage,
    });
  }
};
