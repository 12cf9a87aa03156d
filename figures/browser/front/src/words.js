// How numbers, policies and measures are written.

import { under } from "./under.js";

const MINUS = "−";

/** Two digits behind the point, a true minus, a dash for what is missing. */
export function number(value, digits = 2) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? MINUS : "") + text;
}

/** `1.07 [0.73, 1.58]` */
export function withEnds(value, low, high) {
  const ends = low === null || low === undefined ? "" : ` [${number(low)}, ${number(high)}]`;
  return number(value) + ends;
}

/** Text whose factors and intervals no line breaks. */
export function together(text) {
  return text.replace(/× /g, "×\u00a0").replace(/\[([^\],]+), ([^\]]+)\]/g, "[$1,\u00a0$2]");
}

/** An effect as factor or difference. */
export function effect({ effect: value, low, high, scale }) {
  if (value === null || value === undefined) return "–";
  if (scale === "factor") return `× ${withEnds(value, low, high)}`;
  const sign = value > 0 ? "+" : "";
  return sign + withEnds(value, low, high);
}

/** 2097152 as `2.1 M`. */
export function steps(count) {
  if (count >= 1e6) return `${number(count / 1e6, 1)} M`;
  return count >= 1000 ? `${Math.round(count / 1000)} k` : String(count);
}

export function percent(share) {
  const value = 100 * share;
  return value > 0 && value < 0.5 ? "< 1 %" : `${Math.round(value)} %`;
}

/** starpilot/mutual-bg9/0/peer0/step2097152 as its parts. */
export function partsOf(id) {
  const [game = "", method = "", seed = "", ...more] = String(id).split("/");
  const of = (word) => more.find((part) => part.startsWith(word))?.slice(word.length) ?? "";
  return { game, method, seed, peer: of("peer"), step: Number(of("step")) || 0 };
}

/** `mutual-bg9 · seed 0 · 2.1 M steps`, or the id itself where it has another form. */
export function policyName(id) {
  const { method, seed, peer, step } = partsOf(id);
  if (!method) return String(id);
  const words = [method, `seed ${seed}${peer && peer !== "0" ? `, peer ${peer}` : ""}`];
  if (method !== "untrained") words.push(step ? `${steps(step)} steps` : "untrained");
  return words.join(" · ");
}

/** `3`, or `3, snow` where variants have names. */
export function variantName({ called }, variant) {
  return called ? `${variant}, ${called[variant]}` : String(variant);
}

export const MEASURES = {
  ratio_unseen: "TV between twins on unseen backgrounds ÷ TV between states",
  ratio: "TV between twins ÷ TV between states",
  tv_unseen: "TV between twins on unseen backgrounds",
  tv: "TV between twins",
  tv_between: "TV between states",
  icc: "ICC",
  icc_one_way: "ICC(1,1)",
  icc_unseen: "ICC on unseen backgrounds",
  icc_standardised_unseen: "the same, units standardised",
  icc_whitened_unseen: "the same, directions whitened",
  level_information: "I(Z; L)",
  dead_share: "dead units",
  return: "return on unseen levels",
  return_played: "return on unseen levels, played again",
  gap_played: "train − unseen return, played again",
  entropy: "entropy of decisions (nats)",
  saliency: "gradient on background ÷ its area",
  probe_task: "task probe",
  probe_background: "background probe",
  probe_nuisance: "nuisance probe",
  effective_rank: "effective rank",
  cka_peer: "CKA to the peer",
  cka_final: "CKA to the end",
};

export const LAYERS = { hidden: "last layer", conv3: "last convolution" };

/** A measure in words, with its layer where it has one; of decisions, how actions count. */
export function measureName(measure, layer) {
  const name = under(MEASURES, measure) ?? measure;
  if (layer === "buttons") return `${name}, actions merged that do the same`;
  return /^(conv|block|hidden|pooled)/.test(layer ?? "") ? `${name}, ${under(LAYERS, layer) ?? layer}` : name;
}

/** `starpilot, 9 training backgrounds` */
export function settingName(game, narrowed) {
  if (!narrowed) return game;
  return `${game}, ${narrowed} training background${narrowed === "1" ? "" : "s"}`;
}
