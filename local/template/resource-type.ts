/** What a resource is called once it exists: the basis of its `Ref`, its ARN and its other attributes. */
export interface ResourceIdentity {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  readonly physicalName: string;
  readonly region: string;
  readonly accountId: string;
  /** Root of queue URLs, the local wire endpoint. */
  readonly awsUrl: string;
}

type Attribute = (identity: ResourceIdentity) => string;

/** A resource type the local cloud knows: what may be written in it, and what it answers to `Ref` and `GetAtt`. */
export interface ResourceType {
  /** `live` resources do something here; `inert` ones are known, checked and have no effect locally. */
  readonly behaviour: 'live' | 'inert';
  readonly properties: readonly string[];
  /** The property that holds the explicit physical name. */
  readonly nameProperty?: string;
  readonly ref: Attribute;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Ten lower-case characters that stand for a service-given id, the same on every boot. */
export const generatedId = (seed: string, length = 10): string => {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
  let state = 0xcbf29ce484222325n;
  for (const unit of seed) {
    state ^= BigInt(unit.codePointAt(0) ?? 0);
    state = (state * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  let id = '';
  for (let index = 0; index < length; index++) {
    id += alphabet[Number(state % 36n)] ?? 'a';
    state = ((state ^ (state >> 29n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
  }
  return id;
};

/** The id a service would give to this resource. */
export const idOf = ({ stackName, logicalId }: ResourceIdentity, length = 10): string =>
  generatedId(`${stackName}/${logicalId}`, length);

/** An ARN of the resource's account and region. */
export const arn =
  (service: string, path: (identity: ResourceIdentity) => string): Attribute =>
  (identity) =>
    `arn:aws:${service}:${identity.region}:${identity.accountId}:${path(identity)}`;

/** The physical name itself. */
export const name: Attribute = ({ physicalName }) => physicalName;
