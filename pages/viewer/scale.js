// The colours of deviations: blue for too little material, red for too much, pale yellow at zero; safe for the colour
// blind. It jumps at the limits, so that out of tolerance is seen at once. The same as in the platform's pictures.

export const NO_DATA = [0.7, 0.7, 0.72];
const INSIDE = [[0.55, 0.76, 0.87], [0.8, 0.91, 0.93], [1, 0.98, 0.8], [1, 0.88, 0.58], [0.99, 0.7, 0.4]];
const BELOW = [[0.12, 0.14, 0.42], [0.2, 0.38, 0.68]];
const ABOVE = [[0.86, 0.22, 0.15], [0.42, 0, 0.1]];
const STEPS = 512;
const NICE = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

export class Scale {
  // From -limit to limit, millimetres; `wanted` grows where the zone would not fit.
  constructor(lower, upper, wanted) {
    const reach = Math.max(Math.abs(lower), Math.abs(upper));
    Object.assign(this, { lower, upper, limit: wanted >= 1.2 * reach ? wanted : niceAbove(1.5 * reach) });
  }

  colour(value) {
    const amid = this.lower < 0 && this.upper > 0 ? 0 : (this.lower + this.upper) / 2;
    if (value < this.lower) return between(value, BELOW, [-this.limit, this.lower]);
    if (value > this.upper) return between(value, ABOVE, [this.upper, this.limit]);
    return between(value, INSIDE, [this.lower, (this.lower + amid) / 2, amid, (amid + this.upper) / 2, this.upper]);
  }

  css(value) {
    return value === null ? cssOf(NO_DATA) : cssOf(this.colour(value));
  }

  // RGBA rows, lowest first.
  table() {
    const rows = new Uint8ClampedArray(STEPS * 4);
    for (let row = 0; row < STEPS; row++) {
      const colour = this.colour((((row + 0.5) / STEPS) * 2 - 1) * this.limit);
      rows.set([...colour.map((part) => part * 255), 255], row * 4);
    }
    return rows;
  }
}

export function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return NICE.find((step) => step * power >= value * (1 - 1e-9)) * power;
}

function between(value, colours, stops) {
  let at = 1;
  while (at < stops.length - 1 && value > stops[at]) at++;
  const width = stops[at] - stops[at - 1];
  const share = width > 0 ? Math.min(1, Math.max(0, (value - stops[at - 1]) / width)) : 1;
  return colours[at].map((part, channel) => colours[at - 1][channel] * (1 - share) + part * share);
}

const cssOf = (colour) => `rgb(${colour.map((part) => Math.round(part * 255)).join(" ")})`;
