// How many measured points lie between two limits.
//
// In: the histogram, whose end bins hold all beyond and which leaves strays out; and, once they are there, the tiles of
// all points (docs/deviation-tiles.md), which say how the points of a bin lie in it. Without them they lie evenly.

const RECORD_BYTES = 8;
const DEVIATION_AT = 6;
const CODES = 65536;

export class Counts {
  constructor({ histogram, minimumMm, maximumMm }) {
    const edges = histogram.edgesMm;
    this.bins = histogram.counts.map((count, bin) => ({
      count: Number(count),
      from: bin ? edges[bin] : Math.min(edges[0], minimumMm),
      to: bin < histogram.counts.length - 1 ? edges[bin + 1] : Math.max(edges[bin + 1], maximumMm),
    }));
    this.total = this.bins.reduce((sum, bin) => sum + bin.count, 0);
    this.share = evenShare;
  }

  // `body`: TILES; `stepMm`: what one unit of a record's deviation means.
  refine(body, stepMm) {
    const below = new Uint32Array(CODES + 1);
    const view = new DataView(body);
    for (let at = DEVIATION_AT; at < body.byteLength; at += RECORD_BYTES) below[view.getInt16(at, true) + CODES / 2 + 1]++;
    for (let code = 1; code <= CODES; code++) below[code] += below[code - 1];
    const belowLimit = (mm) => below[Math.min(CODES, Math.max(0, Math.round(mm / stepMm) + CODES / 2))];
    const between = (from, to) => belowLimit(to) - belowLimit(from);
    this.share = (bin, from, to) => {
      const inBin = between(bin.from, bin.to);
      return inBin ? between(from, to) / inBin : evenShare(bin, from, to);
    };
  }

  within(lower, upper) {
    let points = 0;
    for (const bin of this.bins) {
      const [from, to] = [Math.max(bin.from, lower), Math.min(bin.to, upper)];
      if (from === bin.from && to === bin.to) points += bin.count;
      else if (bin.count && from < to) points += bin.count * this.share(bin, from, to);
    }
    return Math.round(points);
  }
}

const evenShare = (bin, from, to) => (to - from) / (bin.to - bin.from);
