/** The synthesised app with something changed in its templates, for clouds that must follow or refuse the change. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { testAssembly } from '#test/support/cloud.ts';

/** A resource as a template declares it, open to change. */
export interface TemplateResource {
  readonly Type: string;
  Properties: Record<string, unknown>;
}

/** Resources by their logical id. */
export type Template = Record<string, TemplateResource>;

/** The assembly with every template changed; a change that touches nothing is a broken test. */
export const edited = async (change: (resources: Template) => void): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-template-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(await testAssembly(), folder, { recursive: true });
  let isChanged = false;
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.template.json'))) {
    const before = readFileSync(join(folder, file), 'utf8');
    const template = JSON.parse(before) as { readonly Resources: Template };
    change(template.Resources);
    const after = JSON.stringify(template);
    isChanged ||= after !== JSON.stringify(JSON.parse(before));
    writeFileSync(join(folder, file), after);
  }
  if (!isChanged) throw new Error('the change touched nothing');
  return folder;
};

/** Resources of a type with their logical ids. */
export const ofType = (resources: Template, type: string): readonly (readonly [string, TemplateResource])[] =>
  Object.entries(resources).filter(([, { Type }]) => Type === type);
