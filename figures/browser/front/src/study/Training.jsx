// One slider through training, and all measures at once.

import { useState } from "preact/hooks";
import { data } from "../data.js";
import { colourOf, dashOf, methodOf } from "../methods.js";
import { Key, Mark } from "../parts/Marker.jsx";
import { Scroll } from "../parts/Scroll.jsx";
import { Missing, Source } from "../parts/Source.jsx";
import { useWidth } from "../parts/hooks.js";
import { extent, linear } from "../parts/scale.js";
import { measureName, number, policyName, steps, withEnds } from "../words.js";
import { Pick } from "./Contrast.jsx";
import { meanOverRuns, settings, valuesOf } from "./rows.js";
import { counted, decided, grouped, runOf, severalRuns } from "./runs.js";

const PANELS = [
  ["return", "episodes"], ["icc_one_way", "hidden"], ["icc_one_way", "conv3"], ["ratio", "decisions"],
  ["ratio_unseen", "decisions"], ["tv_between", "decisions"], ["probe_background", "hidden"],
  ["probe_task", "hidden"], ["effective_rank", "hidden"],
];
const USUAL = ["ppo", "mutual", "drac-twins"];
const TALL = 132;

export function Training({ more }) {
  const part = data.study.training;
  if (part.missing) return <Missing text={part.missing} />;
  return <Shown part={part} more={more} />;
}

function Shown({ part, more }) {
  const all = settings();
  const [where, setWhere] = useState(all[0]?.key ?? "");
  const setting = all.find((one) => one.key === where) ?? all[0];
  const panels = PANELS.map(([measure, layer]) => ({
    measure,
    layer,
    rows: rowsOf(setting, measure, layer, more),
  })).filter(({ rows }) => rows.some((row) => row.value !== null && row.step > 0));
  const every = panels.flatMap(({ rows }) => rows);
  const there = [...new Set(every.filter((row) => row.step).map((row) => row.step))].sort((a, b) => a - b);
  const methods = [...new Set(every.map((row) => row.method))]
    .filter((name) => name !== "untrained")
    .sort((a, b) => methodOf(a).place - methodOf(b).place);
  const [place, setPlace] = useState(-1);
  const [hidden, setHidden] = useState(() => new Set());
  const [touched, setTouched] = useState(false);
  const usual = methods.filter((name) => USUAL.includes(methodOf(name).family) || name === "yours");
  const shown = touched ? methods.filter((name) => !hidden.has(name)) : usual;
  const toggle = (name) => {
    const off = new Set(methods.filter((one) => !shown.includes(one)));
    if (off.has(name)) off.delete(name);
    else off.add(name);
    setHidden(off);
    setTouched(true);
  };
  const at = place < 0 ? lastOfAll(every, there, shown) : Math.min(place, there.length - 1);
  const step = there[at];
  const lacking = PANELS.filter(([measure, layer]) => !panels.some((one) => one.measure === measure && one.layer === layer));
  return (
    <>
      <div class="choices">
        <Pick label="where" value={setting.key} onChange={setWhere} options={all.map((one) => [one.key, one.name])} />
      </div>
      <div class="legend" role="group" aria-label="methods shown">
        {methods.map((name) => (
          <button key={name} aria-pressed={shown.includes(name)} onClick={() => toggle(name)}>
            <Key method={name} /> {methodOf(name).family}
          </button>
        ))}
      </div>
      <label class="slide wide">
        <span>
          after <b>{steps(step)}</b> <small>steps of a policy</small>
        </span>
        <input
          type="range"
          min={0}
          max={there.length - 1}
          value={at}
          style={{ "--at": at / Math.max(1, there.length - 1) }}
          aria-label="training step"
          aria-valuetext={`${steps(step)} steps`}
          onInput={(event) => setPlace(Number(event.currentTarget.value))}
        />
      </label>
      <div class="panels">
        {panels.map((panel) => (
          <Panel key={panel.measure + panel.layer} {...{ panel, there, step, shown }} />
        ))}
      </div>
      <p class="note">
        A thin line a policy; in bold the mean of its method’s runs, where at least two are measured
        alike and all of them have a value; of a single run open markers. Dotted grey: untrained. Steps without a value, such as those of a collapsed layer, are left out.
        {lacking.length > 0 &&
          ` Not measured in this setting: ${lacking.map(([m, l]) => measureName(m, l)).join("; ")}` +
            (lacking.some(([m]) => m === "effective_rank")
              ? "; of kept policies rank comes from python -m analysis.invariance --steps all."
              : ".")}{" "}
        In brackets: runs behind a value. Intervals are over levels and, of decisions, over backgrounds;
        where all 15 actions stand apart, whose rows are older, over levels alone.
      </p>
      <Values {...taken(panels, step, shown)} />
      <Source source={part.sources} figure={part.figure} name="training" take={() => taken(panels, step, shown)} />
    </>
  );
}

/** Rows of a panel; of decisions those of buttons, of each run that has them all along. */
function rowsOf(setting, measure, layer, more) {
  const rows = valuesOf(setting, measure, layer, more);
  return layer === "decisions" ? decided(valuesOf(setting, measure, "buttons", more), rows) : rows;
}

/** The last step to which every method shown was trained. */
function lastOfAll(rows, there, shown) {
  const last = shown.map((name) => Math.max(...rows.filter((row) => row.method === name).map((row) => row.step)));
  return there.indexOf(Math.min(...last, there.at(-1)));
}

function Panel({ panel, there, step, shown }) {
  const [ref, width] = useWidth(260);
  const rows = panel.rows.filter((row) => shown.includes(row.method) && row.value !== null);
  const blank = panel.rows.filter((row) => row.method === "untrained" && row.value !== null);
  const y = linear(/** @type {[number, number]} */ (extent([...rows, ...blank].map((row) => row.value), 0.1)), [TALL, 6], 3);
  const log = Math.log2;
  const x = linear([log(there[0]), log(there.at(-1))], [34, width - 10]);
  const point = (row) => `${x.at(log(row.step))},${y.at(row.value)}`;
  const name = measureName(panel.measure, panel.layer);
  const actions = counted(rows);
  const now = shown.map((method) => {
    const here = rows.filter((row) => row.method === method && row.step === step);
    return [method, meanAt(rows, method, step), grouped(here, runOf).length];
  });
  return (
    <figure ref={ref} class="panel">
      <figcaption>{name}{actions && <small>, {actions}</small>}</figcaption>
      <svg
        width={width}
        height={TALL + 22}
        role="img"
        aria-label={`${name} after ${steps(step)} steps: ${now.map(([m, v, runs]) => `${m} ${number(v)}${said(runs)}`).join(", ")}`}
      >
        {y.ticks.map((tick) => (
          <g key={tick}>
            <line class="grid" x1={34} x2={width - 10} y1={y.at(tick)} y2={y.at(tick)} />
            <text class="tick left" x={28} y={y.at(tick) + 4}>{String(tick).replace("-", "−")}</text>
          </g>
        ))}
        {[there[0], there.at(-1)].map((one, i) => (
          <text key={one} class={i ? "tick left" : "tick right"} x={x.at(log(one)) + (i ? 8 : -8)} y={TALL + 17}>
            {steps(one)}
          </text>
        ))}
        {blank.map((row, i) => (
          <line key={i} class="blank" x1={34} x2={width - 10} y1={y.at(row.value)} y2={y.at(row.value)} />
        ))}
        <line class="cursor" x1={x.at(log(step))} x2={x.at(log(step))} y1={2} y2={TALL} />
        {shown.map((method) => (
          <Lines key={method} {...{ method, rows, there, point, x, y, log, step }} />
        ))}
      </svg>
      <ul class="now">
        {now.map(([method, value, runs]) => (
          <li key={method}>
            <Key method={method} /> {number(value)} {value !== null && <small>{said(runs)}</small>}
          </li>
        ))}
      </ul>
    </figure>
  );
}

/** How many runs stand behind a value. */
function said(runs) {
  return runs === 1 ? " (one run)" : ` (${runs})`;
}

function Lines({ method, rows, there, point, x, y, log, step }) {
  const mine = rows.filter((row) => row.method === method);
  const each = grouped(mine, (row) => `${runOf(row)}/${row.peer}`);
  const several = severalRuns(mine);
  const means = there
    .map((one) => ({ step: one, value: several ? meanAt(rows, method, one) : null }))
    .filter(({ value }) => value !== null);
  const alone = several ? [] : mine.filter((row) => row.step === step);
  const now = means.find((one) => one.step === step);
  const style = { "--c": colourOf(method) };
  return (
    <g style={style}>
      {each.map((line, i) => line.length === 1 ? (
        <circle key={i} class="alone" cx={x.at(log(line[0].step))} cy={y.at(line[0].value)} r={2.2}>
          <title>{policyName(line[0].id)}</title>
        </circle>
      ) : (
        <polyline key={i} class="thin" points={line.sort((a, b) => a.step - b.step).map(point).join(" ")}>
          <title>{policyName(line[0].id)}</title>
        </polyline>
      ))}
      <polyline class="bold" stroke-dasharray={dashOf(method, 2)} points={means.map(point).join(" ")} />
      {alone.map((row) => (
        <Mark key={row.id} method={method} x={x.at(log(step))} y={y.at(row.value)} r={3.4} open>
          <title>{policyName(row.id)}</title>
        </Mark>
      ))}
      {now && <Mark method={method} x={x.at(log(now.step))} y={y.at(now.value)} r={4} />}
    </g>
  );
}

/** The mean over runs of a method at a step; null unless all have a value there, measured alike. */
function meanAt(rows, method, step) {
  const mine = rows.filter((row) => row.method === method);
  const here = mine.filter((row) => row.step === step);
  const runs = grouped(here, runOf).length;
  if (runs < grouped(mine, runOf).length || (runs > 1 && !severalRuns(here))) return null;
  return meanOverRuns(here[0]?.measure, here);
}

/** Every value at the step, with its interval. */
function Values({ columns, rows }) {
  const at = (name) => columns.indexOf(name);
  return (
    <details class="rows">
      <summary>Every policy at this step, as a table</summary>
      <Scroll label="every policy at this step">
        <table>
          <thead>
            <tr>
              {["policy", "measure", "value, 95 % interval", "verdict"].map((head) => (
                <th key={head} scope="col">{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i}>
                <th scope="row">{policyName(row[at("id")])}</th>
                <td>{measureName(row[at("measure")], row[at("layer")])}</td>
                <td>{withEnds(row[at("value")], row[at("low")], row[at("high")])}</td>
                <td>{row[at("verdict")]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}

function taken(panels, step, shown) {
  return {
    columns: ["id", "step", "measure", "layer", "value", "low", "high", "verdict"],
    rows: panels
      .flatMap(({ rows }) => rows)
      .filter((row) => row.step === step && shown.includes(row.method))
      .map((row) => [row.id, row.step, row.measure, row.layer, row.value, row.low, row.high, row.verdict]),
  };
}
