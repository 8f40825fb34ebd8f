/** `npm run freeze`: accepts new and additively changed shapes as published, and prints them. */
import { runTool } from '#tools/build/run-tool.ts';
import { freeze } from '#tools/check/frozen.ts';

await runTool(async () => {
  const frozen = freeze(process.cwd());
  for (const file of frozen) console.log(`froze ${file}`);
  if (frozen.length === 0) console.log('nothing has changed');
});
