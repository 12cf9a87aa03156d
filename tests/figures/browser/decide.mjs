// What the page's network says of frames: node decide.mjs REQUEST.json, answered on standard output.

import { readFileSync } from "node:fs";
import { decision } from "../../../figures/browser/front/src/policy/decisions.js";
import { readPolicy } from "../../../figures/browser/front/src/policy/network.js";

const { policy, shape, frames, buttons } = JSON.parse(readFileSync(process.argv[2], "utf8"));
let answer;
try {
  const { network, made } = readPolicy(new Uint8Array(readFileSync(policy)), shape);
  const found = frames.map((frame) => decision(network, frame, buttons));
  const decisions = found.map((one) => ({ ...one, map: [...one.saliency()] }));
  answer = { encoder: network.encoder, made, decisions };
} catch (error) {
  answer = { refused: error.message, kind: error.constructor.name };
}
console.log(JSON.stringify(answer));
