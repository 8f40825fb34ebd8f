/** What the identity policies of one role allow: an explicit deny wins, and what nothing allows is denied. */

/** One statement of a policy document, with its patterns as the template has them. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** How a request was judged, in the words AWS distinguishes. */
export type Verdict = 'allowed' | 'denied' | 'explicitly-denied';

/** An action on a resource: asked for, or as the patterns of a statement. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
}

/** Judges requests by the statements of one role. */
export interface Policy {
  readonly judge: (asked: Grant) => Verdict;
  /** Pairs of patterns that allow something, in order of the document, and whether they have allowed it yet. */
  readonly grants: () => readonly (Grant & { readonly isUsed: boolean })[];
}

/** Verdicts kept of each action; keys of objects and names of executions are without end. */
const VERDICTS_KEPT_MAX = 1000;

interface Rule extends Grant {
  readonly effect: Statement['effect'];
  readonly matches: (asked: Grant) => boolean;
  isUsed: boolean;
}

/** The policy that all statements make together. */
export const policyOf = (statements: readonly Statement[]): Policy => {
  const rules = statements.flatMap(({ effect, actions, resources }) =>
    actions.flatMap((action) => resources.map((resource) => ruleOf(effect, { action, resource }))),
  );
  const verdictsOf = new Map<string, Map<string, Verdict>>();
  return {
    judge: (asked) => {
      const verdicts = verdictsOf.get(asked.action) ?? new Map<string, Verdict>();
      const known = verdicts.get(asked.resource);
      if (known !== undefined) return known;
      const verdict = verdictOf(rules, asked);
      if (verdicts.size >= VERDICTS_KEPT_MAX) verdicts.clear();
      verdicts.set(asked.resource, verdict);
      verdictsOf.set(asked.action, verdicts);
      return verdict;
    },
    grants: () =>
      rules
        .filter(({ effect }) => effect === 'Allow')
        .map(({ action, resource, isUsed }) => ({ action, resource, isUsed })),
  };
};

const verdictOf = (rules: readonly Rule[], asked: Grant): Verdict => {
  const matching = rules.filter(({ matches }) => matches(asked));
  if (matching.some(({ effect }) => effect === 'Deny')) return 'explicitly-denied';
  for (const rule of matching) rule.isUsed = true;
  return matching.length > 0 ? 'allowed' : 'denied';
};

const ruleOf = (effect: Statement['effect'], { action, resource }: Grant): Rule => {
  // Names of actions are compared without regard to case, those of resources with.
  const isAction = patternOf(action, 'i');
  const isResource = patternOf(resource, '');
  return {
    effect,
    action,
    resource,
    isUsed: false,
    matches: (asked) => isAction.test(asked.action) && isResource.test(asked.resource),
  };
};

/** `*` stands for any characters, none included, and `?` for one. */
const patternOf = (pattern: string, flags: string): RegExp =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    `s${flags}`,
  );
