// What the page's network says of frames: node decide.mjs REQUEST.json, answered on standard output.

import { readFileSync } from "node:fs";
import { decision, saliency } from "../../../figures/browser/front/src/policy/decisions.js";
import { readPolicy } from "../../../figures/browser/front/src/policy/network.js";

const { policy, shape, frames, buttons } = JSON.parse(readFileSync(process.argv[2], "utf8"));
let answer;
try {
  const { network, made } = readPolicy(new Uint8Array(readFileSync(policy)), shape);
  const started = performance.now();
  answer = {
    encoder: network.encoder,
    made,
    raw: frames.map((frame) => [...network.decide(frame).logits]),
    decisions: frames.map((frame) => decision(network, frame, buttons)),
    maps: frames.map((frame) => [...saliency(network, frame, buttons.at(-1))]),
  };
  answer.milliseconds = (performance.now() - started) / frames.length;
} catch (error) {
  answer = { refused: error.message, kind: error.constructor.name };
}
console.log(JSON.stringify(answer));
