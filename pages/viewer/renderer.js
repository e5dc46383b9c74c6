// Draw the part by WebGL 2: the surface in the colours of a table, cut by a plane, and the section's curve.
//
// Colours are looked up for each pixel from its deviation, so that another tolerance costs one small texture.

import { plus, unit } from "./matrix.js";
import { NO_DATA } from "./scale.js";

const SURFACE_VERTEX = `#version 300 es
uniform mat4 uClip;
uniform float uNoData;
in vec3 position;
in float deviation;
out vec3 place;
out float value;
out float known;
void main() {
  place = position;
  known = deviation == uNoData ? 0.0 : 1.0;
  value = known * deviation;
  gl_Position = uClip * vec4(position, 1.0);
}`;

const SURFACE_FRAGMENT = `#version 300 es
precision highp float;
uniform vec4 uPlane;
uniform vec3 uEye;
uniform vec3 uLamp;
uniform vec3 uNoDataColour;
uniform vec3 uInner;
uniform vec2 uZone;
uniform float uLimit;
uniform bool uIsCut;
uniform sampler2D uTable;
in vec3 place;
in float value;
in float known;
out vec4 colour;
void main() {
  vec3 facing = normalize(cross(dFdx(place), dFdy(place)));
  // Slivers have wild derivatives: a contour is never wider than a share of the zone.
  float step = min(fwidth(value), 0.06 * (uZone.y - uZone.x)) + 1e-7;
  if (dot(uPlane.xyz, place) > uPlane.w) discard;
  if (uIsCut && !gl_FrontFacing) {
    float stripe = mod(gl_FragCoord.x + gl_FragCoord.y, 9.0) < 1.6 ? 0.78 : 1.0;
    colour = vec4(uInner * stripe, 1.0);
    return;
  }
  // Between a corner with data and one without, what is known fades out: half of it is still data.
  vec3 base = uNoDataColour;
  if (known > 0.5) {
    float deviation = value / known;
    base = texture(uTable, vec2(clamp(deviation / uLimit, -1.0, 1.0) * 0.5 + 0.5, 0.5)).rgb;
    float edge = min(abs(deviation - uZone.x), abs(deviation - uZone.y));
    base *= 1.0 - 0.55 * (1.0 - smoothstep(step * 0.5, step * 1.5, edge));
  }
  vec3 toEye = normalize(uEye - place);
  if (dot(facing, toEye) < 0.0) facing = -facing;
  float light = 0.64 + 0.16 * dot(facing, toEye) + 0.22 * max(0.0, dot(facing, uLamp));
  colour = vec4(base * light, 1.0);
}`;

const LINE_VERTEX = `#version 300 es
uniform mat4 uClip;
uniform vec2 uSize;
uniform float uWidth;
uniform float uLift;
in vec4 from;
in vec4 to;
out vec3 place;
out float value;
void main() {
  bool isFar = gl_VertexID > 1;
  vec4 a = uClip * vec4(from.xyz, 1.0), b = uClip * vec4(to.xyz, 1.0);
  vec2 way = (b.xy / b.w - a.xy / a.w) * uSize;
  way = dot(way, way) > 0.0 ? normalize(way) : vec2(1.0, 0.0);
  vec4 end = isFar ? b : a;
  end.xy += vec2(-way.y, way.x) * (gl_VertexID % 2 == 0 ? -1.0 : 1.0) * uWidth / uSize * end.w;
  // A little longer than it is, so that no gap opens where the curve bends.
  end.xy += way * (isFar ? 0.4 : -0.4) * uWidth / uSize * end.w;
  end.z -= uLift * end.w;
  place = isFar ? to.xyz : from.xyz;
  value = isFar ? to.w : from.w;
  gl_Position = end;
}`;

const LINE_FRAGMENT = `#version 300 es
precision highp float;
uniform vec4 uPlane;
uniform vec4 uColour;
uniform vec3 uNoDataColour;
uniform float uNoData;
uniform float uLimit;
uniform sampler2D uTable;
in vec3 place;
in float value;
out vec4 colour;
void main() {
  if (dot(uPlane.xyz, place) > uPlane.w) discard;
  vec3 found = value <= uNoData + 1.0 ? uNoDataColour : texture(uTable, vec2(clamp(value / uLimit, -1.0, 1.0) * 0.5 + 0.5, 0.5)).rgb;
  colour = uColour.a > 0.0 ? uColour : vec4(found, 1.0);
}`;

const OUTLINE = [0.11, 0.13, 0.16, 1];
const LIFT = 7e-4;

export class NoWebGl extends Error {}

export class Renderer {
  // Raises NoWebGl.
  constructor(canvas, scene) {
    this.canvas = canvas;
    this.scene = scene;
    const gl = canvas.getContext("webgl2", { antialias: true, alpha: false, powerPreference: "high-performance" });
    if (!gl) throw new NoWebGl("no WebGL 2");
    this.gl = gl;
    this.surface = program(gl, SURFACE_VERTEX, SURFACE_FRAGMENT);
    this.lines = program(gl, LINE_VERTEX, LINE_FRAGMENT);
    this.surfaceArrays = this._surfaceArrays(scene);
    this.section = this._lineArrays();
    this.table = gl.createTexture();
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
  }

  _surfaceArrays({ positions, deviations, triangles }) {
    const { gl } = this;
    const arrays = gl.createVertexArray();
    gl.bindVertexArray(arrays);
    attribute(gl, this.surface, "position", positions, 3);
    attribute(gl, this.surface, "deviation", deviations, 1);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
    gl.bindVertexArray(null);
    return arrays;
  }

  _lineArrays() {
    const { gl } = this;
    const [arrays, buffer] = [gl.createVertexArray(), gl.createBuffer()];
    gl.bindVertexArray(arrays);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    for (const [name, offset] of [["from", 0], ["to", 16]]) {
      const place = gl.getAttribLocation(this.lines, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 4, gl.FLOAT, false, 32, offset);
      gl.vertexAttribDivisor(place, 1);
    }
    gl.bindVertexArray(null);
    return { arrays, buffer, count: 0 };
  }

  paint(scale) {
    const { gl } = this;
    this.scale = scale;
    const rows = scale.table();
    gl.bindTexture(gl.TEXTURE_2D, this.table);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, rows.length / 4, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(rows.buffer));
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, wrap, gl.CLAMP_TO_EDGE);
  }

  // `ends`: x, y, z, deviation of one end, then of the other, for each segment.
  showSection(ends) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.section.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, ends, gl.DYNAMIC_DRAW);
    this.section.count = ends.length / 8;
  }

  // `plane`: axis, sign, at; or null. `ground`: a colour from 0 to 1.
  draw(camera, plane, ground) {
    const { gl, canvas, scene, scale } = this;
    const limits = [0, 0, 0, 1];
    if (plane) [limits[plane.axis], limits[3]] = [plane.sign, plane.at * plane.sign + scene.radius * 1e-5];
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(...ground, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(this.surface);
    // From above the viewer's left shoulder, so that neighbouring faces differ.
    const lamp = unit(plus(plus(camera.back, camera.up, 0.9), camera.right, -0.7));
    set(gl, this.surface, {
      uClip: camera.clip, uNoData: scene.noData, uPlane: limits, uEye: camera.eye, uLamp: lamp,
      uNoDataColour: NO_DATA, uInner: [0.5, 0.52, 0.55], uZone: [scale.lower, scale.upper], uLimit: scale.limit, uIsCut: plane ? 1 : 0,
    });
    gl.bindVertexArray(this.surfaceArrays);
    gl.drawElements(gl.TRIANGLES, scene.triangles.length, gl.UNSIGNED_INT, 0);
    gl.useProgram(this.lines);
    set(gl, this.lines, {
      uClip: camera.clip, uSize: [canvas.width, canvas.height], uPlane: limits, uNoDataColour: NO_DATA,
      uNoData: scene.noData, uLimit: scale.limit,
    });
    const wide = canvas.width / canvas.clientWidth;
    if (plane) {
      // The curve's own parts do not hide one another: its outline lies below all of its colours.
      gl.depthMask(false);
      this._drawLines(this.section, OUTLINE, 5 * wide);
      this._drawLines(this.section, [0, 0, 0, 0], 2.8 * wide);
      gl.depthMask(true);
    }
    gl.bindVertexArray(null);
  }

  _drawLines({ arrays, count }, colour, width) {
    if (!count) return;
    const { gl } = this;
    set(gl, this.lines, { uColour: colour, uWidth: width, uLift: LIFT });
    gl.bindVertexArray(arrays);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
  }
}

function program(gl, ...sources) {
  const made = gl.createProgram();
  for (const [at, source] of sources.entries()) {
    const shader = gl.createShader(at ? gl.FRAGMENT_SHADER : gl.VERTEX_SHADER);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "no shader");
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  return made;
}

function attribute(gl, user, name, values, width) {
  const place = gl.getAttribLocation(user, name);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(place);
  gl.vertexAttribPointer(place, width, gl.FLOAT, false, 0, 0);
}

function set(gl, user, values) {
  for (const [name, value] of Object.entries(values)) {
    const place = gl.getUniformLocation(user, name);
    if (name === "uIsCut") gl.uniform1i(place, value);
    else if (typeof value === "number") gl.uniform1f(place, value);
    else if (value.length === 16) gl.uniformMatrix4fv(place, false, value);
    else gl[`uniform${value.length}fv`](place, value);
  }
}
