// The eye that turns about a place of the part, Z up; and how mouse, fingers and keys move it.

import { cross, dot, looking, perspective, plus, times, unit } from "./matrix.js";

const FIELD = (30 * Math.PI) / 180;
const STEEPEST = Math.PI / 2 - 1e-3;
const FILLED = 0.86;
const FLIGHT_MS = 450;
const VIEWS = { fit: [-0.9, 0.6], top: [-Math.PI / 2, STEEPEST], front: [-Math.PI / 2, 0], right: [0, 0] };

export class Camera {
  // `half`: half the part's size along X, Y and Z; its middle is the origin. `changed`: called after every move.
  constructor(half, changed) {
    Object.assign(this, { half, radius: Math.hypot(...half), changed, aspect: 1, flight: 0 });
    this.view("fit", false);
  }

  get back() {
    return axesOf(this).back;
  }
  get right() {
    return axesOf(this).right;
  }
  get up() {
    return axesOf(this).up;
  }
  get eye() {
    return plus(this.target, this.back, this.distance);
  }
  // How far off the whole part is just seen from there.
  whole(from = this) {
    const { right, up, back } = axesOf(from);
    const height = Math.tan(FIELD / 2) * FILLED;
    let farthest = 0;
    for (let corner = 0; corner < 8; corner++) {
      const place = this.half.map((part, axis) => (corner & (1 << axis) ? part : -part));
      const reach = Math.max(Math.abs(dot(place, right)) / (height * this.aspect), Math.abs(dot(place, up)) / height);
      farthest = Math.max(farthest, dot(place, back) + reach);
    }
    return farthest;
  }
  get clip() {
    const near = Math.max(this.distance - 3 * this.radius, this.distance * 0.02, this.radius * 1e-3);
    return times(
      perspective(FIELD, this.aspect, near, this.distance + 4 * this.radius),
      looking(this.eye, this.right, this.up, this.back),
    );
  }

  // From the eye through a place of the picture, both from -1 to 1.
  ray(x, y) {
    const height = Math.tan(FIELD / 2);
    return unit(plus(plus(plus([0, 0, 0], this.back, -1), this.right, x * height * this.aspect), this.up, y * height));
  }

  resize(aspect) {
    this.aspect = aspect;
    if (this.isWhole) this.distance = this.whole();
  }

  view(name, flying = true) {
    const [azimuth, elevation] = VIEWS[name];
    this.fly({ target: [0, 0, 0], azimuth, elevation, distance: this.whole({ azimuth, elevation }) }, flying);
    this.isWhole = true;
  }

  // To look at a place straight from where the surface faces, a little from the side so that depth shows.
  flyTo(place, normal) {
    const azimuth = Math.hypot(normal[0], normal[1]) > 1e-3 ? Math.atan2(normal[1], normal[0]) : this.azimuth;
    const elevation = Math.asin(Math.min(1, Math.max(-1, normal[2])));
    const tilted = elevation > 0.6 ? elevation - 0.45 : elevation + 0.35;
    this.fly({ target: place, azimuth: azimuth + 0.35, elevation: tilted, distance: (this.radius * 0.45) / Math.tan(FIELD / 2) });
  }

  fly(to, flying = true) {
    this._interrupt();
    if (!flying || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      Object.assign(this, to);
      this.changed();
      return;
    }
    const from = { target: this.target, azimuth: this.azimuth, elevation: this.elevation, distance: this.distance };
    const turn = Math.atan2(Math.sin(to.azimuth - from.azimuth), Math.cos(to.azimuth - from.azimuth));
    const started = performance.now();
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - started) / FLIGHT_MS));
      const eased = share * share * (3 - 2 * share);
      this.azimuth = from.azimuth + turn * eased;
      this.elevation = from.elevation + (to.elevation - from.elevation) * eased;
      this.distance = share === 1 ? to.distance : from.distance * (to.distance / from.distance) ** eased;
      this.target = from.target.map((part, axis) => part + (to.target[axis] - part) * eased);
      this.changed();
      if (share < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  }

  _interrupt() {
    cancelAnimationFrame(this.flight);
    this.isWhole = false;
  }

  // By angles in radians.
  turn(across, upwards) {
    this._interrupt();
    this.azimuth += across;
    this.elevation = Math.min(STEEPEST, Math.max(-STEEPEST, this.elevation + upwards));
    this.changed();
  }

  // By shares of the picture's height.
  move(x, y) {
    this._interrupt();
    const height = 2 * this.distance * Math.tan(FIELD / 2);
    this.target = plus(plus(this.target, this.right, -x * height), this.up, y * height);
    this.changed();
  }

  zoom(factor) {
    this._interrupt();
    this.distance = Math.min(this.radius * 25, Math.max(this.radius * 0.02, this.distance * factor));
    this.changed();
  }
}

function axesOf({ azimuth, elevation }) {
  const flat = Math.cos(elevation);
  const back = [flat * Math.cos(azimuth), flat * Math.sin(azimuth), Math.sin(elevation)];
  const right = [-Math.sin(azimuth), Math.cos(azimuth), 0];
  return { back, right, up: cross(back, right) };
}

export function steer(canvas, camera) {
  const fingers = new Map();
  const middle = () => {
    const all = [...fingers.values()];
    const mean = (axis) => all.reduce((sum, finger) => sum + finger[axis], 0) / all.length;
    const spread = all.length > 1 ? Math.hypot(all[0].x - all[1].x, all[0].y - all[1].y) : 0;
    return { x: mean("x"), y: mean("y"), spread };
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = middle();
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const now = middle();
    const [x, y] = [now.x - before.x, now.y - before.y];
    const moves = fingers.size > 1 || event.shiftKey || event.buttons & 6;
    if (moves) camera.move(x / canvas.clientHeight, y / canvas.clientHeight);
    else camera.turn(-x * 0.008, y * 0.008);
    if (before.spread && now.spread) camera.zoom(before.spread / now.spread);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    camera.zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY)) * 0.0018));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const way = ways[event.key];
    if (way && event.shiftKey) camera.move(way[0] * 0.05, -way[1] * 0.05);
    else if (way) camera.turn(way[0] * 0.09, way[1] * 0.09);
    else if (event.key === "+" || event.key === "=") camera.zoom(0.85);
    else if (event.key === "-") camera.zoom(1 / 0.85);
    else if (event.key === "0" || event.key === "Home") camera.view("fit");
    else return;
    event.preventDefault();
  });
}
