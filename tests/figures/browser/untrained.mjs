// An untrained network of the page: node untrained.mjs REQUEST.json.

import { readFileSync } from "node:fs";
import { policyOf } from "../../../figures/browser/front/src/policy/network.js";
import { untrained } from "../../../figures/browser/front/src/policy/untrained.js";

const { shape, actions, frame, seed } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const tensors = untrained(shape, actions, seed);
const { logits, value } = policyOf({ tensors }, shape).network.decide(frame);
const { data } = tensors.get("encoder.conv1.0.weight");
const spread = Math.sqrt(data.reduce((sum, one) => sum + one * one, 0) / data.length);
const shapes = Object.fromEntries([...tensors].map(([name, one]) => [name, one.shape]));
console.log(JSON.stringify({ logits: [...logits], value, spread, shapes }));
