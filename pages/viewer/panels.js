// The figures beside the picture: legend, histogram, section plot, tables. Decides nothing.

const SVG = "http://www.w3.org/2000/svg";
const MINUS = "\u2212";

export const byId = (id) => document.getElementById(id);
export const signed = (value, digits = 3) => (value > 0 ? "+" : value < 0 ? MINUS : "") + Math.abs(value).toFixed(digits);
export const plain = (value, digits = 1) => value.toFixed(digits).replace("-", MINUS);
const short = (value) => (value > 0 ? "+" : value < 0 ? MINUS : "") + Number(Math.abs(value).toPrecision(3));

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== false) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function showLegend(scale) {
  const bar = byId("legend-bar");
  const [rows, picture] = [scale.table(), bar.getContext("2d").createImageData(1, 512)];
  for (let row = 0; row < 512; row++) picture.data.set(rows.subarray(row * 4, row * 4 + 4), (511 - row) * 4);
  bar.getContext("2d").putImageData(picture, 0, 0);
  const near = (value) => [scale.lower, scale.upper].some((edge) => Math.abs(edge - value) < 0.16 * scale.limit);
  const others = [scale.limit, 0, -scale.limit].filter((value) => !near(value));
  const marks = [...others.map((value) => [value, ""]), [scale.upper, "limit"], [scale.lower, "limit"]];
  byId("legend-ticks").replaceChildren(...marks.map(([value, kind]) => {
    const beyond = Math.abs(value) === scale.limit ? (value > 0 ? "\u2265 " : "\u2264 ") : "";
    const mark = element("span", { class: kind }, beyond + short(value));
    mark.style.top = `${(0.5 - value / scale.limit / 2) * 100}%`;
    return mark;
  }));
}

export function showHistogram({ edgesMm, counts }, scale) {
  const [width, height, left, right, top, bottom] = [356, 190, 34, 8, 20, 34];
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  const tallest = Math.max(...counts) / total || 1;
  const [low, high] = [edgesMm[0], edgesMm.at(-1)];
  const x = (value) => left + ((value - low) / (high - low)) * (width - left - right);
  const y = (share) => height - bottom - (share / tallest) * (height - top - bottom);
  const svg = document.createElementNS(SVG, "svg");
  const draw = (name, attributes, text = "") => {
    const made = svg.appendChild(document.createElementNS(SVG, name));
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
  };
  counts.forEach((count, bin) => {
    const [from, to] = [edgesMm[bin], edgesMm[bin + 1]];
    draw("rect", { x: x(from), width: Math.max(0.5, x(to) - x(from)), y: y(count / total), height: height - bottom - y(count / total), fill: scale.css((from + to) / 2) });
  });
  draw("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom });
  draw("text", { x: left - 4, y: y(tallest) + 8, "text-anchor": "end" }, `${(tallest * 100).toFixed(tallest < 0.1 ? 1 : 0)}%`);
  draw("text", { x: left - 4, y: height - bottom, "text-anchor": "end" }, "0");
  for (const value of [low, 0, high]) {
    const anchor = value === low ? "start" : value === high ? "end" : "middle";
    if (low <= value && value <= high) draw("text", { x: x(value), y: height - bottom + 13, "text-anchor": anchor }, short(value));
  }
  draw("text", { x: (left + width - right) / 2, y: height - 5, "text-anchor": "middle" }, "Deviation in mm; the end bars hold all beyond");
  for (const edge of [scale.lower, scale.upper]) {
    if (edge < low || edge > high) continue;
    draw("line", { class: "zone", x1: x(edge), x2: x(edge), y1: top - 6, y2: height - bottom });
    draw("text", { x: Math.min(width - 22, Math.max(left + 14, x(edge))), y: 11, "text-anchor": "middle" }, short(edge));
  }
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `Share of points by deviation, from ${short(low)} to ${short(high)} mm; limits at ${short(scale.lower)} and ${short(scale.upper)} mm.`);
  byId("histogram").replaceChildren(svg);
}

// The cut seen along its axis, and beside it the same with its deviations drawn out.
export function showSection(cut, axis, at, scale, noData) {
  const canvas = byId("section-plot");
  const [across, upwards] = [[1, 2], [0, 2], [0, 1]][axis];
  const place = (segment, end, k) => cut.ends[segment * 8 + end * 4 + k];
  let [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
  for (let segment = 0; segment < cut.count; segment++)
    for (const end of [0, 1])
      [across, upwards].forEach((k, side) => {
        low[side] = Math.min(low[side], place(segment, end, k));
        high[side] = Math.max(high[side], place(segment, end, k));
      });
  const name = "XYZ"[axis];
  byId("section-figure").hidden = false;
  canvas.hidden = !cut.count;
  if (!cut.count) return void (byId("section-caption").textContent = `Nothing is cut at ${name} = ${plain(at, 2)} mm.`);
  const extent = Math.max(high[0] - low[0], high[1] - low[1]);
  const magnified = roundDown((0.07 * extent) / scale.limit);
  const dense = devicePixelRatio || 1;
  const width = canvas.parentElement.clientWidth || 340;
  const pixels = Math.min((width - 56) / (high[0] - low[0] || 1), 190 / (high[1] - low[1] || 1));
  const height = (high[1] - low[1]) * pixels + 56;
  [canvas.width, canvas.height] = [width * dense, height * dense];
  const pen = canvas.getContext("2d");
  pen.scale(dense, dense);
  const shift = (width - (high[0] - low[0]) * pixels) / 2;
  const ink = getComputedStyle(document.body).color;
  pen.lineCap = "round";
  for (const drawn of [0, 1, 2]) {
    for (let segment = 0; segment < cut.count; segment++) {
      const value = [3, 7].map((k) => cut.ends[segment * 8 + k]);
      const isKnown = value[0] !== noData;
      if (drawn && !isKnown) continue;
      pen.beginPath();
      for (const end of [0, 1]) {
        const reach = drawn ? Math.max(-scale.limit, Math.min(scale.limit, value[end])) * magnified : 0;
        const outwards = (k) => cut.outwards[segment * 3 + k] * reach;
        pen.lineTo(shift + (place(segment, end, across) + outwards(across) - low[0]) * pixels,
          height - 28 - (place(segment, end, upwards) + outwards(upwards) - low[1]) * pixels);
      }
      [pen.lineWidth, pen.strokeStyle, pen.globalAlpha] =
        [[1, ink, 0.6], [4.4, ink, 1], [2.8, scale.css((value[0] + value[1]) / 2), 1]][drawn];
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
  byId("section-caption").textContent = `${name} = ${plain(at, 2)} mm. Thin: nominal. Coloured: measured, deviations ${magnified} times as large.`;
}

function roundDown(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [5, 2, 1].find((step) => step * power <= value) * power;
}

export function showWorst(points, choose) {
  const rows = points.map((point, at) => row([
    element("button", { type: "button", "aria-label": `Show worst point ${point.rank}`, onclick: () => choose(at) }, String(point.rank)),
    number(signed(point.deviationMm)),
    number(point.positionMm.map((part) => plain(part)).join(", ")),
  ]));
  byId("worst").tBodies[0].replaceChildren(...(rows.length ? rows : [row(["", "none", ""])]));
}

export function showFigures(map, conformity) {
  const rows = [
    ["Points", Number(map.points).toLocaleString("en")],
    ["Strays left out", map.strays === null ? "not known" : Number(map.strays).toLocaleString("en")],
    ["In tolerance, as inspected", `${map.percentInTolerance.toFixed(2)} %`],
    ["Mean", mm(map.meanMm, 4)],
    ["Sigma (robust)", `${map.sigmaMm.toFixed(4)} (${map.robustSigmaMm?.toFixed(4) ?? "not known"}) mm`],
    ["RMS", `${map.rmsMm.toFixed(4)} mm`],
    ["P2.5 to P97.5", map.p025Mm === null ? "not known" : `${signed(map.p025Mm, 4)} to ${signed(map.p975Mm, 4)} mm`],
    ["Profile", `${signed(map.profileLowerMm, 4)} to ${signed(map.profileUpperMm, 4)} mm`],
    ["Uncertainty (k = 2)", `${map.uncertaintyMm.toFixed(4)} mm`],
    ...(conformity ? [["ISO 14253-1 zone", `${conformity.zone.toLowerCase()}, guard band ${conformity.guardBandMm.toFixed(4)} mm`]] : []),
  ];
  byId("figures").tBodies[0].replaceChildren(...rows.map(([name, value]) => {
    const made = row([number(value)]);
    made.prepend(element("th", { scope: "row" }, name));
    return made;
  }));
}

const mm = (value, digits) => `${signed(value, digits)} mm`;

export function showRegions(regions, choose) {
  const rows = regions.nodes.map((region) => {
    const figures = region.figures;
    const made = row([
      element("button", { type: "button", "aria-label": `Show face ${region.face}`, onclick: () => choose(region.middleMm) }, String(region.face)),
      region.shape.toLowerCase(),
      region.verdict ? element("strong", { class: region.verdict }, region.verdict) : "no data",
      number(`${Math.round(region.coverage * 100)} %`),
      number(figures ? signed(figures.profileLowerMm) : "\u2013"),
      number(figures ? signed(figures.profileUpperMm) : "\u2013"),
      number(region.formMm === null ? "\u2013" : region.formMm.toFixed(3)),
    ]);
    if (!region.verdict) made.className = "no-data";
    return made;
  });
  byId("regions").tBodies[0].replaceChildren(...rows);
  const [count, blank] = [rows.length, rows.filter((made) => made.className).length];
  const more = regions.pageInfo.hasNextPage ? "The largest faces; there are more. " : "";
  byId("regions-note").textContent = count ? `${more}${blank} of ${count} without data.` : "No results of single faces.";
}

function row(cells) {
  return element("tr", {}, ...cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : element("td", {}, cell))));
}

const number = (text) => element("td", { class: "number" }, text);
