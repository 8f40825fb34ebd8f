/** `npm run generate`: brings `docs/api` up to date and prints what changed. */
import { runTool } from '#tools/build/run-tool.ts';
import { generate } from '#tools/generate/generate.ts';

await runTool(async () => {
  const { written, removed } = generate(process.cwd());
  for (const path of written) console.log(`wrote ${path}`);
  for (const path of removed) console.log(`removed ${path}`);
  if (written.length + removed.length === 0) console.log('up to date');
});
