// A policy out of its file: which encoder it is, and that its weights fit together.

import { chain, convolution, linear, maxPool, meanPool, relu, residual, volume } from "./layers.js";
import { Refused, readTensors } from "./tensors.js";

/**
 * @typedef {object} Decided
 * @property {Float32Array} logits
 * @property {number} value
 * @property {(slope: Float32Array) => Float32Array} gradient with respect to pixels from 0 to 1, of
 *   what has this slope with respect to the logits
 */
/**
 * @typedef {object} Network
 * @property {string} encoder
 * @property {number[]} shape height, width, channels of a frame
 * @property {number} actions
 * @property {(frame: ArrayLike<number>) => Decided} decide
 */
/**
 * @typedef {object} Made where a policy comes from, as its file says
 * @property {string} id
 * @property {Record<string, any>} recipe
 * @property {number} steps
 */

/** @typedef {import("./tensors.js").Tensor} Tensor */

const KNOWN = ["nature", "impala", "impoola", "impala-relu"];
const NATURE = [
  { name: "conv1", size: 8, stride: 4 },
  { name: "conv2", size: 4, stride: 2 },
  { name: "conv3", size: 3, stride: 1 },
];

/**
 * @param {Uint8Array} bytes of a policy file
 * @param {number[]} shape of the frames it will see
 * @returns {{network: Network, made: Made}}
 */
export function readPolicy(bytes, shape) {
  return policyOf(readTensors(bytes), shape);
}

/**
 * @param {{tensors: Map<string, Tensor>, header?: Record<string, string>}} file
 * @param {number[]} shape of the frames it will see
 * @returns {{network: Network, made: Made}}
 */
export function policyOf({ tensors, header = {} }, shape) {
  const take = taking(tensors);
  const trunk = builderOf(tensors, header)(take, shape);
  const features = { height: 1, width: 1, channels: trunk.outputs };
  const actor = head(take, "actor", features);
  const critic = head(take, "critic", features);
  if (critic.outputs !== 1) throw new Refused(`its critic gives ${critic.outputs} numbers, not 1`);
  take.done();
  const decide = deciding(trunk.layer, actor.layer, critic.layer, shape);
  return {
    network: { encoder: trunk.encoder, shape, actions: actor.outputs, decide },
    made: provenance(header),
  };
}

function deciding(encoder, actor, critic, shape) {
  const [height, width, channels] = shape;
  return (frame) => {
    const pixels = new Float32Array(frame.length);
    for (let i = 0; i < pixels.length; i++) pixels[i] = frame[i] / 255;
    const features = encoder(volume(height, width, channels, pixels));
    const logits = actor(features.out);
    return {
      logits: logits.out.data,
      value: critic(features.out).out.data[0],
      gradient: (slope) => features.back(logits.back(slope)),
    };
  };
}

function provenance(header) {
  try {
    const made = JSON.parse(header.twinscope);
    return { id: String(made.id), recipe: Object(made.recipe), steps: Number(made.steps) || 0 };
  } catch {
    return { id: "", recipe: {}, steps: 0 };
  }
}

/**
 * What builds the encoder of a file.
 * @param {Map<string, Tensor>} tensors
 * @param {Record<string, string>} header
 */
export function builderOf(tensors, header) {
  const said = provenance(header).recipe.encoder;
  const has = (start) => [...tensors.keys()].some((name) => name.startsWith(start));
  if (!said || KNOWN.includes(said)) {
    if (has("encoder.conv1.")) return nature;
    if (has("encoder.block1.5.branch.")) return impalaRelu;
    if (has("encoder.block1.")) return impala;
  }
  throw new Refused(
    `${said && !KNOWN.includes(said) ? `its encoder is “${said}”` : "its tensors are those of no known encoder"}; this page runs ` +
      `${KNOWN.join(", ")}; weights of other programs are rewritten by python -m checkpoints.convert`,
  );
}

/** Takes tensors by name, checks their shapes, and notices what nobody took. */
function taking(tensors) {
  const left = new Set(tensors.keys());
  function take(name, dimensions) {
    const found = tensors.get(name);
    if (!found) throw new Refused(`it lacks “${name}”, which its encoder needs`);
    if (found.shape.length !== dimensions) {
      throw new Refused(`“${name}” has ${found.shape.length} dimensions; ${dimensions} were expected`);
    }
    left.delete(name);
    return found;
  }
  take.done = () => {
    const [extra] = left;
    if (extra) throw new Refused(`it holds “${extra}”, which its encoder does not have`);
  };
  return take;
}

function expect(name, found, wanted) {
  if (found.length !== wanted.length || found.some((side, i) => side !== wanted[i])) {
    throw new Refused(`“${name}” is ${found.join(" × ")}; ${wanted.join(" × ")} was expected`);
  }
}

function conv(take, name, form) {
  const weight = take(`${name}.weight`, 4);
  const bias = take(`${name}.bias`, 1);
  expect(`${name}.weight`, weight.shape, [bias.shape[0], form.channels, form.size, form.size]);
  return { layer: convolution(weight.data, bias.data, form), outputs: bias.shape[0] };
}

function head(take, name, form) {
  const weight = take(`${name}.weight`, 2);
  const bias = take(`${name}.bias`, 1);
  expect(`${name}.weight`, weight.shape, [bias.shape[0], form.height * form.width * form.channels]);
  return { layer: linear(weight.data, bias.data, form), outputs: bias.shape[0] };
}

function nature(take, shape) {
  const [height, width, channels] = shape;
  const layers = [];
  let form = { height, width, channels };
  for (const { name, size, stride } of NATURE) {
    const found = conv(take, `encoder.${name}.0`, { size, stride, pad: 0, channels: form.channels });
    layers.push(found.layer, relu);
    const places = (length) => Math.floor((length - size) / stride) + 1;
    form = { height: places(form.height), width: places(form.width), channels: found.outputs };
  }
  const hidden = head(take, "encoder.hidden.0", form);
  const layer = chain([...layers, hidden.layer, relu]);
  return { encoder: "nature", layer, outputs: hidden.outputs };
}

function impala(take, shape) {
  const { layers, form } = blocks(take, shape, [2, 3], []);
  return finished(take, layers, form, "impala");
}

/** Its residual blocks add to what a ReLU leaves of their input, so that they stand further apart. */
function impalaRelu(take, shape) {
  const { layers, form } = blocks(take, shape, [3, 5], [relu]);
  return finished(take, layers, form, "impala-relu");
}

/** Three blocks; what stands at which places of each, and what goes before. */
function blocks(take, shape, places, before) {
  const [height, width, channels] = shape;
  const layers = [];
  let form = { height, width, channels };
  const same = (name, count) => conv(take, name, { size: 3, stride: 1, pad: 1, channels: count });
  for (let block = 1; block <= 3; block++) {
    const name = `encoder.block${block}`;
    const first = same(`${name}.0`, form.channels);
    layers.push(first.layer, maxPool);
    const count = first.outputs;
    form = { height: Math.ceil(form.height / 2), width: Math.ceil(form.width / 2), channels: count };
    for (const place of places) {
      const [one, two] = [1, 3].map((k) => same(`${name}.${place}.branch.${k}`, count));
      layers.push(...before, residual([relu, one.layer, relu, two.layer]));
    }
  }
  return { layers, form };
}

/** IMPALA flattens its last block, Impoola takes the mean: the width of the next weights tells. */
function finished(take, layers, form, name) {
  const weight = take("encoder.hidden.0.weight", 2);
  const bias = take("encoder.hidden.0.bias", 1);
  const pooled = name === "impala" && weight.shape[1] === form.channels;
  const seen = pooled ? { height: 1, width: 1, channels: form.channels } : form;
  expect("encoder.hidden.0.weight", weight.shape, [
    bias.shape[0],
    seen.height * seen.width * seen.channels,
  ]);
  const hidden = linear(weight.data, bias.data, seen);
  const layer = chain([...layers, relu, ...(pooled ? [meanPool] : []), hidden, relu]);
  return { encoder: pooled ? "impoola" : name, layer, outputs: bias.shape[0] };
}
