/** Where in the assembly a template is at fault. */
export interface TemplatePlace {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  readonly property?: string;
}

/** What the local cloud refuses in a template, naming stack, logical id, type and property. */
export class TemplateError extends Error {
  readonly place: TemplatePlace;

  constructor(place: TemplatePlace, problem: string) {
    const property = place.property === undefined ? '' : `, property ${place.property}`;
    super(`stack ${place.stackName}, resource ${place.logicalId} (${place.type})${property}: ${problem}`);
    this.name = 'TemplateError';
    this.place = place;
  }
}
