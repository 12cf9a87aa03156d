// Is a method less bound to the background than PPO? Every policy, then every factor.

import { useState } from "preact/hooks";
import { data } from "../data.js";
import { Intervals, LINE } from "../parts/Intervals.jsx";
import { Key } from "../parts/Marker.jsx";
import { Scroll } from "../parts/Scroll.jsx";
import { Missing, Source } from "../parts/Source.jsx";
import { useWidth } from "../parts/hooks.js";
import { effect, measureName, number, policyName, withEnds } from "../words.js";
import { lineName, linesOf, meanOverRuns, measuresOf, ofSetting, settings, valuesOf } from "./rows.js";
import { grouped, severalRuns } from "./runs.js";

export function Contrast({ more }) {
  const part = data.study.contrasts;
  if (part.missing) return <Missing text={part.missing} />;
  return <Shown part={part} more={more} />;
}

function Shown({ part, more }) {
  const all = settings();
  const [where, setWhere] = useState(all[0].key);
  const setting = all.find((one) => one.key === where) ?? all[0];
  const measures = measuresOf(setting);
  const [what, setWhat] = useState(measures[0].key);
  const chosen = measures.find((one) => one.key === what) ?? measures[0];
  const { measure, layer, scale } = chosen.row;
  const rows = ofSetting(setting).filter((row) => row.measure === measure && row.layer === layer);
  const lines = linesOf(rows);
  const values = valuesOf(setting, measure, layer, more);
  const own = more.filter((row) => values.includes(row));
  const name = measureName(measure, layer);
  return (
    <>
      <div class="choices">
        <Pick label="where" value={setting.key} onChange={setWhere} options={all.map((one) => [one.key, one.name])} />
        <Pick
          label="what"
          value={chosen.key}
          onChange={setWhat}
          options={measures.map(({ key, row }) => [key, measureName(row.measure, row.layer)])}
        />
      </div>
      <Chart {...{ rows, lines, values, scale, name, own }} />
      <p class="note">
        First every policy, its interval over levels and, of decisions, over backgrounds; of runs along
        whose training actions were never merged, over levels alone. Open markers are a group’s second
        peer, the bar is the mean over at least two runs. Then each method ÷ or − PPO with 95 % intervals over runs; a single run
        a side says nothing over runs. The shaded band is what could not have been detected with
        probability .8.
      </p>
      <Table rows={rows} />
      <Source source={part.source} figure={part.figure} name="contrasts" take={() => taken(rows)} />
    </>
  );
}

export function Pick({ label, value, onChange, options }) {
  return (
    <label class="pick">
      <span class="hidden">{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([key, name]) => (
          <option key={key} value={key}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function Chart({ rows, lines, values, scale, name, own }) {
  const [ref, width] = useWidth(900);
  const narrow = width < 600;
  const side = narrow ? 0 : 150;
  const each = narrow ? width : (width - side - 88) / 2;
  const left = lines.map((line) => pointsOf(line, values));
  if (own.length) left.push(ownRow(own));
  const right = lines.map((line) => factorsOf(line, rows));
  if (own.length) right.push({ key: "yours", points: [], text: "" });
  const log = scale === "factor";
  const names = [...lines.map(lineName), ...(own.length ? [{ name: "yours", after: "" }] : [])];
  const named = (list) => (narrow ? list.map((row, i) => saidAbove(row, names[i])) : list);
  const tall = narrow ? 60 : LINE;
  return (
    <div ref={ref} class={narrow ? "contrast narrow" : "contrast"}>
      {!narrow && (
        <ol style={{ width: `${side}px` }}>
          {names.map(({ name: one, after }, i) => (
            <li key={i}>
              <Key method={lines[i]?.method ?? "yours"} />
              <span><b>{one}</b> <small>{after}</small></span>
            </li>
          ))}
        </ol>
      )}
      <div>
        <h3>{name}</h3>
        <Intervals rows={named(left)} {...{ width: each, log, tall }} label={`${name}, every policy`} />
      </div>
      <div>
        <h3>{log ? "÷ PPO" : "− PPO"}</h3>
        <Intervals
          rows={narrow ? named(right).filter((row) => row.points.length || row.text) : right}
          {...{ width: each, log, tall }}
          none={log ? 1 : 0}
          label={`${name}, compared with PPO: ${said(rows)}`}
        />
      </div>
    </div>
  );
}

/** A row where there is no room beside it: its name and what its points are, from above, over it. */
function saidAbove(row, { name, after }) {
  const tags = row.points.map((point) => point.tag).filter(Boolean);
  const points = row.points.map((point) => ({ ...point, tag: "" }));
  return { ...row, points, name: [`${name} ${after}`, ...tags].join(" · ") };
}

function said(rows) {
  return rows.map((row) => `${row.treatment} at equal ${row.match} ${effect(row)}`).join("; ");
}

function pointsOf(line, values) {
  const some = values
    .filter((row) => row.method === line.method && row.step === line.step)
    .sort((a, b) => a.seed - b.seed || a.peer - b.peer);
  const known = some.filter((row) => row.value !== null);
  return {
    key: line.key,
    mean: severalRuns(known) ? meanOverRuns(known[0].measure, known) : null,
    text: some.length && !known.length ? some[0].verdict : "",
    points: known.map((row) => ({
      method: row.method,
      value: row.value,
      low: row.low,
      high: row.high,
      open: row.peer > 0,
      says: policyName(row.id),
    })),
  };
}

/** The reader's policies, each at its last step. */
function ownRow(own) {
  const last = grouped(own, (row) => `${row.theirs}/${row.seed}/${row.peer}`).map((rows) =>
    rows.reduce((a, b) => (b.step > a.step ? b : a)),
  );
  const points = last.map((row) => ({
    ...{ method: "yours", value: row.value, low: row.low, high: row.high },
    says: policyName(row.id),
  }));
  return { key: "yours", points };
}

function factorsOf(line, rows) {
  const mine = rows.filter((row) => row.treatment === line.method && row.steps_treatment === line.step);
  const declared = mine.find((row) => row.primary) ?? mine[0];
  const reach = declared?.detectable;
  const log = declared?.scale === "factor";
  return {
    key: line.key,
    blind: reach ? (log ? [1 / reach, reach].sort((a, b) => a - b) : [-Math.abs(reach), Math.abs(reach)]) : null,
    text: mine.length && mine.every((row) => row.effect === null) ? mine[0].verdict : "",
    points: mine
      .filter((row) => row.effect !== null)
      .map((row) => ({
        method: row.treatment,
        value: row.effect,
        low: row.low,
        high: row.high,
        tag: row.primary ? `declared, equal ${row.match}` : mine.length > 1 ? `equal ${row.match}` : "",
        says: `${row.primary ? "declared: " : ""}equal ${row.match}, ${row.runs_treatment} and ${row.runs_control} runs`,
      })),
  };
}

const TAKEN = [
  "measure", "layer", "treatment", "control", "match", "effect", "low", "high", "detectable",
  "detectable_low", "detectable_high", "without_low", "without_high", "hangs_on", "runs_treatment",
  "runs_control", "sees_treatment", "sees_control", "q", "primary", "verdict",
];

function taken(rows) {
  const cell = (row, name) => (name === "primary" ? String(row.primary) : row[name]);
  return { columns: TAKEN, rows: rows.map((row) => TAKEN.map((name) => cell(row, name))) };
}

const HEADS = [
  "method", "equal", "to PPO, 95 % over runs", "detectable", "runs (that see)", "q",
  "one background left out",
];

/** How many runs a side has, and how many of them earn more than played blind. */
function runsOf(row) {
  const side = (name) => `${row[`runs_${name}`]} (${row[`sees_${name}`] ?? "?"})`;
  return `${side("treatment")} and ${side("control")}`;
}

/** What is left with one background out, where that was measured. */
function leftOut({ without_low: low, without_high: high, hangs_on: hangs }) {
  if (low === null) return "–";
  return `${number(low)} to ${number(high)}${hangs ? `; hangs on ${hangs}` : ""}`;
}

function Table({ rows }) {
  return (
    <details class="rows">
      <summary>The same as a table</summary>
      <Scroll label="contrasts as a table">
        <table>
          <thead>
            <tr>{HEADS.map((head) => <th key={head} scope="col">{head}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i}>
                <th scope="row">{row.treatment}</th>
                <td>{row.match}{row.primary ? ", declared" : ""}</td>
                <td>{row.effect === null ? row.verdict : effect(row)}</td>
                <td>{withEnds(row.detectable, row.detectable_low, row.detectable_high)}</td>
                <td>{runsOf(row)}</td>
                <td>{number(row.q)}</td>
                <td>{leftOut(row)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}
