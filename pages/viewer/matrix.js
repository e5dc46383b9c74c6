// Vectors as arrays of three, matrices as WebGL wants them: 16 numbers, column by column.

export const plus = (a, b, times = 1) => [a[0] + b[0] * times, a[1] + b[1] * times, a[2] + b[2] * times];
export const minus = (a, b) => plus(a, b, -1);
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const length = (a) => Math.hypot(...a);
export const unit = (a) => a.map((part) => part / (length(a) || 1));

export function perspective(field, aspect, near, far) {
  const f = 1 / Math.tan(field / 2);
  const depth = near - far;
  return [f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, (far + near) / depth, -1, 0, 0, (2 * far * near) / depth, 0];
}

// From the world to an eye whose axes are right, up and back.
export function looking(eye, right, up, back) {
  const column = (at) => [right[at], up[at], back[at], 0];
  return [...column(0), ...column(1), ...column(2), -dot(right, eye), -dot(up, eye), -dot(back, eye), 1];
}

export function times(a, b) {
  const out = new Array(16).fill(0);
  for (let column = 0; column < 4; column++)
    for (let row = 0; row < 4; row++)
      for (let k = 0; k < 4; k++) out[column * 4 + row] += a[k * 4 + row] * b[column * 4 + k];
  return out;
}

// x, y, z and w in clip space.
export const clipOf = (m, p) => [0, 1, 2, 3].map((row) => m[row] * p[0] + m[4 + row] * p[1] + m[8 + row] * p[2] + m[12 + row]);
