/** In which order modules run: by kind, within a kind after what they depend on, and otherwise by id. */
import { moduleKinds } from '#contracts/market/analysis.ts';
import { cycles, topologicalOrder } from '#domain/kernel/graph.ts';
import type { Dependencies } from '#domain/kernel/graph.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import type { AnalysisModule } from '#domain/market/analysis/module.ts';

/** The modules in their order, or why there is none. */
export type PlanResult =
  | { readonly kind: 'planned'; readonly modules: readonly AnalysisModule[] }
  | { readonly kind: 'invalid'; readonly message: string };

/** Orders the enabled modules of a registry. */
export const planModules = (registry: readonly AnalysisModule[], enabled: readonly string[]): PlanResult => {
  const known = new Map(registry.map((module) => [module.id, module]));
  const chosen = enabled.map((id) => known.get(id)).filter((module) => module !== undefined);
  const message =
    duplicate(registry.map(({ id }) => id)) ??
    duplicate(enabled) ??
    unknown(enabled, known) ??
    dependencyFault(chosen) ??
    cycle(chosen);
  if (message !== undefined) return { kind: 'invalid', message };
  const modules = moduleKinds.flatMap((kind) =>
    topologicalOrder(graphOf(chosen.filter((module) => module.kind === kind))),
  );
  return { kind: 'planned', modules: modules.map((id) => valueOf(known, id)) };
};

const graphOf = (modules: readonly AnalysisModule[]): Dependencies =>
  new Map(modules.map(({ id, dependencies }) => [id, dependencies.map(({ moduleId }) => moduleId)]));

const duplicate = (ids: readonly string[]): string | undefined => {
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  return twice === undefined ? undefined : `duplicate module_id: ${twice}`;
};

const unknown = (enabled: readonly string[], known: ReadonlyMap<string, unknown>): string | undefined => {
  const id = enabled.find((each) => !known.has(each));
  return id === undefined ? undefined : `unknown module_id: ${id}`;
};

const stageOf = ({ kind }: AnalysisModule): number => moduleKinds.indexOf(kind);

const dependencyFault = (modules: readonly AnalysisModule[]): string | undefined => {
  const chosen = new Map(modules.map((module) => [module.id, module]));
  const faults = modules.flatMap((module) =>
    module.dependencies.map(({ moduleId, artifactName }) => {
      const needed = chosen.get(moduleId);
      if (!needed) return `missing dependency for ${module.id}: ${moduleId}.${artifactName}`;
      return stageOf(needed) > stageOf(module)
        ? `invalid dependency ordering: ${module.id} depends on later stage ${moduleId}`
        : undefined;
    }),
  );
  return faults.find((fault) => fault !== undefined);
};

const cycle = (modules: readonly AnalysisModule[]): string | undefined => {
  const [id] = cycles(graphOf(modules))[0] ?? [];
  return id === undefined ? undefined : `dependency cycle detected at ${id}`;
};
