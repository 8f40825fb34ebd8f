/** Asset keys: `namespace.name` or `namespace/name` at the edge, the first inside. */
import { AssetKey } from '#contracts/ids.ts';
import type { AssetKeyParts } from '#contracts/runs/manifest.ts';

const NAMESPACE = /^[a-z][a-z0-9_]*$/;
const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/;

/** The canonical key of a namespace and a name, or undefined when either is malformed. */
export const assetKeyOf = ({ namespace, name }: AssetKeyParts): AssetKey | undefined =>
  NAMESPACE.test(namespace) && NAME.test(name) ? AssetKey.parse(`${namespace}.${name}`) : undefined;

/** The canonical key a text names, or undefined when it is malformed; no blank is forgiven. */
export const parseAssetKey = (text: string): AssetKey | undefined => {
  const separator = text.search(/[./]/);
  return separator < 0
    ? undefined
    : assetKeyOf({ namespace: text.slice(0, separator), name: text.slice(separator + 1) });
};
