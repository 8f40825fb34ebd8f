/** CloudFormation's intrinsic functions and conditions over one stack; a function not listed is refused by name. */

/** What intrinsic functions look names up in. */
export interface IntrinsicScope {
  /** Value of `Ref` for a resource, parameter or pseudo parameter; throws for an unknown name. */
  readonly ref: (name: string) => unknown;
  /** Value of `Fn::GetAtt`; throws for an unknown resource or attribute. */
  readonly attribute: (logicalId: string, attribute: string) => unknown;
  /** Value of a parameter by name in a dynamic reference `{{resolve:ssm:NAME}}`. */
  readonly storedParameter: (name: string) => string;
  readonly mappings: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly conditions: Readonly<Record<string, unknown>>;
}

/** The value with every intrinsic function replaced; members that resolve to `AWS::NoValue` are left out. */
export const resolveValue = (value: unknown, scope: IntrinsicScope): unknown => {
  if (typeof value === 'string') return resolveDynamicReferences(value, scope);
  if (Array.isArray(value))
    return value.map((item) => resolveValue(item, scope)).filter((item) => item !== undefined);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && isIntrinsic(first[0]))
    return resolveIntrinsic(first[0], first[1], scope);
  return Object.fromEntries(
    entries
      .map(([name, member]) => [name, resolveValue(member, scope)] as const)
      .filter(([, member]) => member !== undefined),
  );
};

/** Whether the named condition of the template holds. */
export const evaluateCondition = (name: string, scope: IntrinsicScope): boolean => {
  const condition = scope.conditions[name];
  if (condition === undefined) throw new Error(`condition ${name} is not declared`);
  return isTrue(condition, scope);
};

const isIntrinsic = (name: string): boolean => name === 'Ref' || name.startsWith('Fn::');

const resolveIntrinsic = (name: string, argument: unknown, scope: IntrinsicScope): unknown => {
  const evaluate = intrinsics[name];
  if (evaluate !== undefined) return evaluate(argument, scope);
  if (name === 'Fn::ImportValue')
    throw new Error('Fn::ImportValue is not supported: refer to other stacks by name or by SSM parameter');
  throw new Error(`the intrinsic function ${name} is not supported`);
};

type Intrinsic = (argument: unknown, scope: IntrinsicScope) => unknown;

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (argument, scope) => scope.ref(asText(argument)),
  'Fn::GetAtt': (argument, scope) => {
    if (Array.isArray(argument)) return scope.attribute(asText(argument[0]), argument.slice(1).join('.'));
    const [logicalId = '', ...attribute] = asText(argument).split('.');
    return scope.attribute(logicalId, attribute.join('.'));
  },
  'Fn::Join': (argument, scope) => {
    const [separator, items] = asList(argument);
    return asList(resolveValue(items, scope)).map(asText).join(asText(separator));
  },
  'Fn::Sub': (argument, scope) => substitute(argument, scope),
  'Fn::Select': (argument, scope) => {
    const [index, items] = asList(argument);
    return asList(resolveValue(items, scope))[Number(resolveValue(index, scope))];
  },
  'Fn::Split': (argument, scope) => {
    const [separator, text] = asList(argument);
    return asText(resolveValue(text, scope)).split(asText(separator));
  },
  'Fn::If': (argument, scope) => {
    const [condition, yes, no] = asList(argument);
    return resolveValue(evaluateCondition(asText(condition), scope) ? yes : no, scope);
  },
  'Fn::FindInMap': (argument, scope) => {
    const [map, top, second] = asList(resolveValue(argument, scope)).map(asText);
    const found = scope.mappings[map ?? '']?.[top ?? '']?.[second ?? ''];
    if (found === undefined) throw new Error(`mapping ${map}.${top}.${second} is not declared`);
    return found;
  },
  'Fn::Base64': (argument, scope) =>
    Buffer.from(asText(resolveValue(argument, scope)), 'utf8').toString('base64'),
};

const isTrue = (condition: unknown, scope: IntrinsicScope): boolean => {
  const [entry] = Object.entries(asObject(condition));
  if (entry === undefined) throw new Error('a condition is empty');
  const [name, argument] = entry;
  const parts = Array.isArray(argument) ? argument : [argument];
  switch (name) {
    case 'Condition':
      return evaluateCondition(asText(argument), scope);
    case 'Fn::Equals':
      return JSON.stringify(resolveValue(parts[0], scope)) === JSON.stringify(resolveValue(parts[1], scope));
    case 'Fn::And':
      return parts.every((part) => isTrue(part, scope));
    case 'Fn::Or':
      return parts.some((part) => isTrue(part, scope));
    case 'Fn::Not':
      return !isTrue(parts[0], scope);
    default:
      throw new Error(`the condition function ${name} is not supported`);
  }
};

const substitute = (argument: unknown, scope: IntrinsicScope): string => {
  const [template, variables] = Array.isArray(argument) ? asList(argument) : [argument, {}];
  const own = asObject(variables);
  return asText(template).replaceAll(/\$\{([^}]+)\}/g, (_, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (name in own) return asText(resolveValue(own[name], scope));
    const [logicalId = '', ...attribute] = name.split('.');
    return asText(
      attribute.length > 0 ? scope.attribute(logicalId, attribute.join('.')) : scope.ref(logicalId),
    );
  });
};

const resolveDynamicReferences = (text: string, scope: IntrinsicScope): string =>
  text.includes('{{resolve:')
    ? text.replaceAll(/\{\{resolve:([^:}]+):([^}]+)\}\}/g, (_, service: string, name: string) => {
        if (service === 'ssm') return scope.storedParameter(name.replace(/:\d+$/, ''));
        throw new Error(`the dynamic reference to ${service} is not supported`);
      })
    : text;

const asText = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`expected text, found ${JSON.stringify(value)}`);
};

const asList = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  throw new Error(`expected a list, found ${JSON.stringify(value)}`);
};

const asObject = (value: unknown): Readonly<Record<string, unknown>> => {
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new Error(`expected an object, found ${JSON.stringify(value)}`);
};
