/** `npm run synth`: bundles, synthesises with every check on, and prints what the stage costs while idle. */
import { bundle } from '#tools/build/bundle.ts';
import { idleCosts, idleTotal, readPrices, readTemplates } from '#tools/build/idle-cost.ts';
import { runTool } from '#tools/build/run-tool.ts';
import { synth } from '#tools/build/synth.ts';

await runTool(async () => {
  const root = process.cwd();
  await bundle({ root });
  const { assemblyDir, seconds } = await synth({ root, isChecked: true });
  const costs = idleCosts(readTemplates(assemblyDir), readPrices(root));
  for (const { price, count, dollarsPerMonth } of costs)
    console.log(
      `${price.padEnd(36)} ${String(count).padStart(10)}  $${dollarsPerMonth.toFixed(2).padStart(6)}`,
    );
  console.log(`idle dollars per month: ${idleTotal(costs).toFixed(2)}`);
  console.log(`synthesised and checked ${assemblyDir} in ${seconds.toFixed(1)} s`);
});
