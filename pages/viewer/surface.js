// Questions about the surface: where a ray meets it, how a plane cuts it, which way it faces. Millimetres throughout.

import { cross, length, minus, plus, unit } from "./matrix.js";

const THIN = 1e-3;

export class Surface {
  constructor({ positions, deviations, triangles, noData }) {
    Object.assign(this, { positions, deviations, triangles, noData });
    this.count = triangles.length / 3;
    this.normals = this._normals();
  }

  corner(triangle, which) {
    const at = this.triangles[triangle * 3 + which] * 3;
    return [this.positions[at], this.positions[at + 1], this.positions[at + 2]];
  }

  _normals() {
    const found = new Float32Array(this.count * 3);
    for (let triangle = 0; triangle < this.count; triangle++) {
      const a = this.corner(triangle, 0);
      found.set(unit(cross(minus(this.corner(triangle, 1), a), minus(this.corner(triangle, 2), a))), triangle * 3);
    }
    return found;
  }

  normal(triangle) {
    return [...this.normals.subarray(triangle * 3, triangle * 3 + 3)];
  }

  // The deviation between corners; null where one of them has none.
  deviation(triangle, shares) {
    let sum = 0;
    for (let which = 0; which < 3; which++) {
      const value = this.deviations[this.triangles[triangle * 3 + which]];
      if (value === this.noData) return null;
      sum += value * shares[which];
    }
    return sum;
  }

  // The first meeting of a ray with what `plane` (axis, sign, at; or null) leaves: place, triangle, deviation, distance.
  hit(from, along, plane) {
    const { positions: p, triangles: t } = this;
    const [dx, dy, dz] = along;
    let nearest = Infinity, found = -1, foundU = 0, foundV = 0;
    for (let i = 0; i < t.length; i += 3) {
      const a = t[i] * 3, b = t[i + 1] * 3, c = t[i + 2] * 3;
      const ax = p[a], ay = p[a + 1], az = p[a + 2];
      const ux = p[b] - ax, uy = p[b + 1] - ay, uz = p[b + 2] - az;
      const vx = p[c] - ax, vy = p[c + 1] - ay, vz = p[c + 2] - az;
      const px = dy * vz - dz * vy, py = dz * vx - dx * vz, pz = dx * vy - dy * vx;
      const area = ux * px + uy * py + uz * pz;
      if (area === 0) continue;
      const sx = from[0] - ax, sy = from[1] - ay, sz = from[2] - az;
      const u = (sx * px + sy * py + sz * pz) / area;
      if (u < 0 || u > 1) continue;
      const qx = sy * uz - sz * uy, qy = sz * ux - sx * uz, qz = sx * uy - sy * ux;
      const v = (dx * qx + dy * qy + dz * qz) / area;
      if (v < 0 || u + v > 1) continue;
      const distance = (vx * qx + vy * qy + vz * qz) / area;
      if (distance <= 0 || distance >= nearest) continue;
      if (plane && (from[plane.axis] + along[plane.axis] * distance - plane.at) * plane.sign > 0) continue;
      nearest = distance;
      found = i / 3;
      foundU = u;
      foundV = v;
    }
    if (found < 0) return null;
    const shares = [1 - foundU - foundV, foundU, foundV];
    return { place: plus(from, along, nearest), triangle: found, deviation: this.deviation(found, shares), distance: nearest };
  }

  // The way the surface faces next to a place.
  normalNear(place) {
    let nearest = Infinity, found = 0;
    for (let triangle = 0; triangle < this.count; triangle++) {
      let squared = 0;
      for (let axis = 0; axis < 3; axis++) {
        let sum = -3 * place[axis];
        for (let which = 0; which < 3; which++) sum += this.positions[this.triangles[triangle * 3 + which] * 3 + axis];
        squared += sum * sum;
      }
      if (squared < nearest && !this._isThin(triangle)) [nearest, found] = [squared, triangle];
    }
    return this.normal(found);
  }

  // Rounding decides which way a sliver faces.
  _isThin(triangle) {
    const [a, b, c] = [0, 1, 2].map((which) => this.corner(triangle, which));
    const longest = Math.max(length(minus(b, a)), length(minus(c, b)), length(minus(a, c)));
    return length(cross(minus(b, a), minus(c, a))) < THIN * longest * longest;
  }

  // Segments of the cut square to `axis`. Each: two ends with their deviations (or `noData`), and the way out of the part.
  cut(axis, at) {
    const ends = [], outwards = [];
    const { positions, triangles, deviations, noData } = this;
    for (let i = 0; i < triangles.length; i += 3) {
      const side = [0, 1, 2].map((which) => positions[triangles[i + which] * 3 + axis] >= at);
      if (side[0] === side[1] && side[1] === side[2]) continue;
      const known = [0, 1, 2].every((which) => deviations[triangles[i + which]] !== noData);
      for (let which = 0; which < 3; which++) {
        const a = triangles[i + which], b = triangles[i + ((which + 1) % 3)];
        if (side[which] === side[(which + 1) % 3]) continue;
        const share = (at - positions[a * 3 + axis]) / (positions[b * 3 + axis] - positions[a * 3 + axis]);
        for (let k = 0; k < 3; k++) ends.push(positions[a * 3 + k] * (1 - share) + positions[b * 3 + k] * share);
        ends.push(known ? deviations[a] * (1 - share) + deviations[b] * share : noData);
      }
      const normal = this.normal(i / 3);
      normal[axis] = 0;
      outwards.push(...unit(normal));
    }
    return { count: outwards.length / 3, ends: new Float32Array(ends), outwards: new Float32Array(outwards) };
  }
}
