/** The part of big.js that number arithmetic needs; the package ships no declarations. */
declare module 'big.js' {
  export class Big {
    constructor(source: string);
    /** Significant digits without leading or trailing zeros. */
    readonly c: readonly number[];
    /** Decimal exponent of the first digit. */
    readonly e: number;
    cmp(other: Big): -1 | 0 | 1;
    plus(other: Big): Big;
    minus(other: Big): Big;
    toFixed(): string;
  }
}
