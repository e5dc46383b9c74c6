// Read the scene that the platform writes: one mesh with a deviation at each corner (docs/deviation-tiles.md, SCENE).
//
// In: a GLB. Out: positions in millimetres about `middle` (which is in the frame of the CAD), deviations, triangles.

const MAGIC = 0x46546c67;

export function readScene(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 20 || view.getUint32(0, true) !== MAGIC) throw new Error("The scene is no GLB.");
  const textLength = view.getUint32(12, true);
  const file = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, textLength)));
  const body = 20 + textLength + 8;
  const array = (accessor, Kind, width) => {
    const { bufferView, byteOffset = 0, count } = file.accessors[accessor];
    return new Kind(buffer, body + (file.bufferViews[bufferView].byteOffset ?? 0) + byteOffset, count * width);
  };
  const { attributes, indices } = file.meshes[0].primitives[0];
  const { noData, scale } = file.meshes[0].extras;
  const positions = array(attributes.POSITION, Float32Array, 3);
  const { min, max } = file.accessors[attributes.POSITION];
  // The node turns Z up into Y up and millimetres into metres; the page stays in the frame of the CAD.
  const [x, y, z] = file.nodes[0].translation.map((metres) => metres * 1000);
  return {
    positions,
    deviations: array(attributes._DEVIATION, Float32Array, 1),
    triangles: array(indices, Uint32Array, 1),
    middle: [x, -z, y],
    low: min,
    high: max,
    radius: Math.hypot(max[0] - min[0], max[1] - min[1], max[2] - min[2]) / 2,
    noData,
    limit: scale[scale.length - 1][0],
  };
}
