/** The gates of `npm run check`, in the order they run: cheap ones first, so that a red one is seen early. */

/** One gate: `npm run check:<name>` exits with 0 exactly when it holds. */
export interface Gate {
  readonly name: string;
  /** What a green gate proves. */
  readonly proves: string;
}

/** Every gate there is. */
export const gates: readonly Gate[] = [
  { name: 'format', proves: 'every file is as prettier writes it' },
  { name: 'lint', proves: 'the type-aware rules hold' },
  { name: 'types', proves: 'the strict compiler accepts everything' },
  { name: 'layers', proves: 'imports follow the layers' },
  {
    name: 'generated',
    proves: 'generating twice changes nothing, and nothing differs from what is committed',
  },
  { name: 'samples', proves: 'samples and example configurations are understood' },
  { name: 'frozen', proves: 'published schemas have changed additively only' },
  { name: 'links', proves: 'links and anchors in the documents lead somewhere' },
  { name: 'openapi', proves: 'the API description is valid' },
  { name: 'machines', proves: 'state machines are valid and in JSONata' },
  { name: 'templates', proves: 'the templates pass the checks of the CDK and of AWS Solutions' },
  { name: 'tests', proves: 'every test passes, none is skipped, none is missing' },
];
