/** Holds every state machine to the Amazon States Language and to our rule that it is in JSONata. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as z from 'zod';
import { stateMachineNames } from '#contracts/naming.ts';
import { filesBelow } from '#tools/build/files.ts';

type Validate = (definition: object) => { readonly isValid: boolean; readonly errorsText: () => string };
// The validator is CommonJS without type declarations.
const validate = createRequire(import.meta.url)('asl-validator') as Validate;

const Machine = z.looseObject({ QueryLanguage: z.string().optional() });

/** Every machine that is missing, unnamed, invalid or in another query language. */
export const stateMachineFaults = (root: string): readonly string[] => {
  const files = filesBelow(join(root, 'statemachines'));
  const named = new Set(stateMachineNames.map((name) => `${name}.asl.json`));
  return [
    ...[...named].filter((file) => !files.includes(file)).map((file) => `statemachines/${file}: is missing`),
    ...files
      .filter((file) => !named.has(file))
      .map((file) => `statemachines/${file}: contracts/naming.ts does not name it`),
    ...files.flatMap((file) =>
      machineFaults(readFileSync(join(root, 'statemachines', file), 'utf8')).map(
        (fault) => `statemachines/${file}: ${fault}`,
      ),
    ),
  ];
};

/** What is wrong with one definition. */
export const machineFaults = (text: string): readonly string[] => {
  const machine = Machine.parse(JSON.parse(text));
  const { isValid, errorsText } = validate(machine);
  return [
    ...(isValid ? [] : [errorsText()]),
    ...(machine.QueryLanguage === 'JSONata' ? [] : ['QueryLanguage must be JSONata']),
  ];
};
