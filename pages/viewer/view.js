// The picture and its controls: tolerance, section plane, worst points, reading a value off the surface.

import { Camera, steer } from "./camera.js";
import { Counts } from "./counts.js";
import { clipOf, minus, plus, unit } from "./matrix.js";
import { byId, element, plain, showFigures, showHistogram, showLegend, showRegions, showSection, showWorst, signed } from "./panels.js";
import { Renderer } from "./renderer.js";
import { Scale } from "./scale.js";
import { Surface } from "./surface.js";

const SETTLED_MS = 160;
const MARK_PIXELS = 22;
const LABEL_PIXELS = 92;

export class View {
  // Raises NoWebGl. `scan`: as the graph tells it.
  constructor(scene, scan) {
    const { inspection } = scan;
    Object.assign(this, { scene, map: inspection.deviationMap, rule: inspection.tolerance, canvas: byId("scene") });
    this.counts = new Counts(this.map);
    this.surface = new Surface(scene);
    this.renderer = new Renderer(this.canvas, scene);
    this.camera = new Camera(scene.high.map((part, axis) => (part - scene.low[axis]) / 2), () => this.redraw());
    this.plane = null;
    this._tell(scan);
    this._marks();
    this._listen();
    this._colours();
    this._tolerate(this.rule.lowerMm, this.rule.upperMm);
  }

  // All measured points have come: counts get finer than the histogram's bins.
  refine(tiles, stepMm) {
    this.counts.refine(tiles, stepMm);
    this._showCount();
  }

  // From the frame of the CAD to that of the scene, whose origin is the part's middle.
  inside(place) {
    return minus(place, this.scene.middle);
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.renderer.draw(this.camera, this.plane, this.ground);
      this._placeMarks();
    });
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this._settle(), SETTLED_MS);
  }

  _tell({ cadRevision, operator, inspection }) {
    byId("verdict").hidden = false;
    byId("verdict").textContent = inspection.verdict;
    byId("verdict").className = inspection.verdict;
    const told = [cadRevision && `CAD ${cadRevision.name}`, operator && `by ${operator.name}`, new Date(inspection.createdAt).toLocaleString()];
    byId("subtitle").textContent = told.filter(Boolean).join(", ");
    byId("reason").textContent = inspection.decision?.reason ?? "";
    showFigures(this.map, inspection.conformity);
    showWorst(this.map.worstPoints, (at) => this._choose(at));
    showRegions(this.map.regions, (place) => this._flyTo(this.inside(place)));
    const worst = this.map.worstPoints[0];
    const most = worst ? `worst ${signed(worst.deviationMm)} mm` : "no worst point";
    this.canvas.setAttribute("aria-label", `The part, coloured by deviation: ${inspection.verdict}, ${this.map.percentInTolerance.toFixed(2)} % in tolerance, ${most}. All figures stand in the tables.`);
  }

  _marks() {
    this.marks = this.map.worstPoints.map((point, at) => {
      const value = `${signed(point.deviationMm)} mm`;
      const button = element("button", { type: "button", "aria-label": `Worst point ${point.rank}: ${value}`, onclick: () => this._choose(at) },
        element("b", {}, String(point.rank)), element("span", {}, value));
      const item = element("li", {}, button);
      return { item, button, place: this.inside(point.positionMm), isBehind: false };
    });
    byId("marks").replaceChildren(...this.marks.map((mark) => mark.item));
  }

  _choose(at) {
    for (const [other, mark] of this.marks.entries()) mark.button.classList.toggle("chosen", other === at);
    this._flyTo(this.marks[at].place);
    byId("stage").scrollIntoView({ block: "nearest" });
  }

  _flyTo(place) {
    this.camera.flyTo(place, this.surface.normalNear(place));
  }

  _listen() {
    steer(this.canvas, this.camera);
    new ResizeObserver(() => this._resize()).observe(byId("stage"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this._colours());
    for (const button of byId("views").querySelectorAll("button")) button.addEventListener("click", () => this.camera.view(button.dataset.view));
    byId("tolerance").addEventListener("input", () => {
      const factor = byId("tolerance").valueAsNumber / 100;
      this._tolerate(this.rule.lowerMm * factor, this.rule.upperMm * factor);
    });
    for (const id of ["lower", "upper"]) byId(id).addEventListener("change", () => this._typed());
    byId("as-inspected").addEventListener("click", () => {
      byId("tolerance").value = 100;
      this._tolerate(this.rule.lowerMm, this.rule.upperMm);
    });
    for (const choice of document.getElementsByName("axis")) choice.addEventListener("change", () => this._chooseAxis(choice.value));
    byId("plane").addEventListener("input", () => this._movePlane());
    byId("flip").addEventListener("click", () => {
      this.plane.sign *= -1;
      this.redraw();
    });
    this.canvas.addEventListener("pointermove", (event) => this._read(event));
    this.canvas.addEventListener("pointerdown", (event) => event.pointerType === "touch" && this._read(event, true));
    this.canvas.addEventListener("pointerleave", () => (byId("readout").value = ""));
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvas.addEventListener("webglcontextrestored", () => location.reload());
  }

  _resize() {
    const { canvas } = this;
    const dense = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * dense));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * dense));
    this.camera.resize(canvas.width / canvas.height);
    // At once: a resized canvas is blank until it is drawn.
    this.renderer.draw(this.camera, this.plane, this.ground);
    this.redraw();
  }

  _colours() {
    const ground = getComputedStyle(document.body).backgroundColor;
    this.ground = ground.match(/[\d.]+/g).slice(0, 3).map((part) => part / 255);
    if (this.renderer.scale) this._section();
    this.redraw();
  }

  _typed() {
    const [lower, upper] = [byId("lower").valueAsNumber, byId("upper").valueAsNumber];
    const isZone = lower < upper;
    byId("lower").setCustomValidity(isZone ? "" : "The lower limit lies below the upper one.");
    byId("lower").reportValidity();
    if (isZone) this._tolerate(lower, upper, false);
  }

  _tolerate(lower, upper, writes = true) {
    this.scale = new Scale(lower, upper, this.scene.limit);
    this.renderer.paint(this.scale);
    const [from, to] = [lower, upper].map((limit) => limit.toFixed(4).replace(/0$/, ""));
    if (writes) [byId("lower").value, byId("upper").value] = [from, to];
    byId("lower").setCustomValidity("");
    byId("tolerance").setAttribute("aria-valuetext", `${signed(lower)} to ${signed(upper)} mm`);
    showLegend(this.scale);
    showHistogram({ edgesMm: this.map.histogram.edgesMm, counts: this.map.histogram.counts.map(Number) }, this.scale);
    this._showCount();
    this._section();
    this.redraw();
  }

  _showCount() {
    const { lower, upper } = this.scale;
    const isRule = Math.abs(lower - this.rule.lowerMm) < 1e-9 && Math.abs(upper - this.rule.upperMm) < 1e-9;
    const total = this.counts.total || 1;
    const points = isRule ? Math.round((this.map.percentInTolerance * total) / 100) : this.counts.within(lower, upper);
    const share = isRule ? this.map.percentInTolerance : (points / total) * 100;
    byId("within").textContent = `${isRule ? "" : "About "}${share.toFixed(2)} % within: ${points.toLocaleString("en")} of ${total.toLocaleString("en")} points`;
    byId("what-if").textContent = isRule ? "The zone of the verdict." : "To look at only: the verdict stays that of its own zone.";
  }

  _chooseAxis(value) {
    this.plane = value === "" ? null : { axis: Number(value), sign: this.camera.back[Number(value)] >= 0 ? 1 : -1, at: 0 };
    for (const id of ["plane", "flip"]) byId(id).disabled = !this.plane;
    if (this.plane) byId("plane").value = 500;
    this._movePlane();
  }

  _movePlane() {
    if (this.plane) {
      const { axis } = this.plane;
      const { low, high } = this.scene;
      this.plane.at = low[axis] + (high[axis] - low[axis]) * (byId("plane").valueAsNumber / 1000);
      // A plane that lies in a face cuts nothing well: it is kept a hair inside.
      const hair = (high[axis] - low[axis]) * 1e-4;
      this.plane.at = Math.min(high[axis] - hair, Math.max(low[axis] + hair, this.plane.at)) + hair * 0.37;
      this.cut = this.surface.cut(axis, this.plane.at);
      this.renderer.showSection(this.cut.ends);
    }
    this._section();
    this.redraw();
  }

  _section() {
    byId("section-figure").hidden = !this.plane;
    byId("plane-name").textContent = "Place";
    if (!this.plane) return;
    const { axis, at } = this.plane;
    const place = at + this.scene.middle[axis];
    byId("plane-name").textContent = `${"XYZ"[axis]} = ${plain(place, 2)} mm`;
    byId("plane").setAttribute("aria-valuetext", byId("plane-name").textContent);
    showSection(this.cut, axis, place, this.scale, this.scene.noData);
  }

  // Marks follow the part; where two would lie on one another only the worse one tells its value.
  _placeMarks() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const clip = this.camera.clip;
    const taken = [];
    for (const { item, button, place, isBehind } of this.marks) {
      const [x, y, , w] = clipOf(clip, place);
      item.hidden = w <= 0;
      if (item.hidden) continue;
      const [left, top] = [((x / w) * 0.5 + 0.5) * width, (0.5 - (y / w) * 0.5) * height];
      item.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
      const isCrowded = taken.some((other) => Math.abs(other[1] - top) < MARK_PIXELS && left < other[0] + LABEL_PIXELS && other[0] < left + LABEL_PIXELS);
      button.classList.toggle("terse", isCrowded || isBehind || left + LABEL_PIXELS > width);
      button.classList.toggle("behind", isBehind);
      if (!isBehind) taken.push([left, top]);
    }
  }

  // When nothing has moved for a while: which marks lie behind the part, or on what the plane has cut away.
  _settle() {
    const { eye } = this.camera;
    for (const mark of this.marks) {
      const way = minus(mark.place, eye);
      const reach = Math.hypot(...way);
      const hit = this.surface.hit(eye, unit(way), this.plane);
      const isCutAway = this.plane && (mark.place[this.plane.axis] - this.plane.at) * this.plane.sign > 0;
      mark.isBehind = isCutAway || (Boolean(hit) && hit.distance < reach - this.scene.radius * 0.01);
    }
    this._placeMarks();
  }

  _read(event, isTap = false) {
    if ((event.buttons && !isTap) || this.reading) return;
    this.reading = requestAnimationFrame(() => {
      this.reading = 0;
      const box = this.canvas.getBoundingClientRect();
      const [x, y] = [((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2];
      const hit = this.surface.hit(this.camera.eye, this.camera.ray(x, y), this.plane);
      const place = hit && plus(hit.place, this.scene.middle).map((part) => plain(part)).join(", ");
      byId("readout").value = hit ? `${hit.deviation === null ? "no data" : `${signed(hit.deviation)} mm`} at ${place}` : "";
    });
  }
}
