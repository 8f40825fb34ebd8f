/** `npm run build`: brings the bundles up to date and prints their sizes. */
import { bundle } from '#tools/build/bundle.ts';
import { runTool } from '#tools/build/run-tool.ts';

await runTool(async () => {
  const { isBuilt, seconds, bytes } = await bundle();
  for (const [name, size] of Object.entries(bytes))
    console.log(`${name.padEnd(16)} ${String(size).padStart(9)} bytes`);
  console.log(`${isBuilt ? 'bundled' : 'up to date'} in ${seconds.toFixed(2)} s`);
});
