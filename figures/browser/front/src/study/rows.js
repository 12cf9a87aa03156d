// The study's rows, found by what a view asks for.

import { data, records } from "../data.js";
import { methodOf } from "../methods.js";
import { settingName, steps } from "../words.js";
import { grouped, runOf } from "./runs.js";

/** Rows as objects; none of a part that is missing. */
function rowsOf(part) {
  return part && !part.missing ? records(part) : [];
}

export const contrasts = rowsOf(data?.study.contrasts);
export const training = rowsOf(data?.study.training);
export const cka = rowsOf(data?.study.cka);

const UNTRAINED = "untrained";

/** Games and training backgrounds that were compared, the declared one first. */
export function settings() {
  const found = new Map();
  for (const row of contrasts) {
    const { family, narrowed } = methodOf(row.control);
    if (family !== "ppo") continue;
    const key = `${row.game}|${row.control}`;
    const known = found.get(key) ?? { key, game: row.game, control: row.control, narrowed, first: false };
    found.set(key, { ...known, first: known.first || row.primary });
  }
  return [...found.values()]
    .map((one) => ({ ...one, name: settingName(one.game, one.narrowed) }))
    .sort((a, b) => Number(b.first) - Number(a.first) || a.name.localeCompare(b.name));
}

/** Measures that a setting has contrasts of, the declared one first. */
export function measuresOf(setting) {
  const found = new Map();
  for (const row of ofSetting(setting)) {
    const key = `${row.measure}|${row.layer}`;
    if (row.effect !== null && !found.has(key)) found.set(key, row);
  }
  const order = ["ratio_unseen", "ratio", "tv_unseen", "tv", "tv_between", "icc_unseen", "icc_one_way", "return"];
  const first = ["hidden", "decisions"];
  const place = (row) => (order.indexOf(row.measure) + 1 || order.length + 1) - (first.includes(row.layer) ? 0.5 : 0);
  return [...found].sort(([, a], [, b]) => place(a) - place(b)).map(([key, row]) => ({ key, row }));
}

export function ofSetting({ game, control }) {
  return contrasts.filter((row) => row.game === game && row.control === control);
}

/** Lines of a chart: the control at its steps, then each method at its own. */
export function linesOf(rows) {
  const found = new Map();
  const add = (method, step, control) => {
    const { family, place } = methodOf(method);
    const key = `${method}|${step}`;
    if (!found.has(key)) found.set(key, { key, method, family, step, control, place });
  };
  for (const row of rows) {
    add(row.control, row.steps_control, true);
    add(row.treatment, row.steps_treatment, false);
  }
  return [...found.values()].sort(
    (a, b) => Number(b.control) - Number(a.control) || a.place - b.place || a.step - b.step,
  );
}

export function lineName({ family, step }) {
  return { name: family, after: steps(step) };
}

/** Values of one measure in one setting, for a policy and step each. */
export function valuesOf(setting, measure, layer, more = []) {
  const wanted = settingName(setting.game, setting.narrowed);
  return [...training, ...more].filter(
    (row) =>
      row.game === setting.game &&
      row.measure === measure &&
      row.layer === layer &&
      (row.method === UNTRAINED || settingName(row.game, methodOf(row.theirs ?? row.method).narrowed) === wanted),
  );
}

const FACTORS = new Set(data?.study.factors);

/** The mean as the study takes it: geometric for what is compared by a quotient. */
export function meanOf(measure, values) {
  const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  return FACTORS.has(measure) ? Math.exp(mean(values.map(Math.log))) : mean(values);
}

/** The mean over runs, over the peers of a run first; null of none. */
export function meanOverRuns(measure, rows) {
  if (!rows.length) return null;
  const peers = grouped(rows, runOf).map((run) => meanOf(measure, run.map((row) => row.value)));
  return meanOf(measure, peers);
}
