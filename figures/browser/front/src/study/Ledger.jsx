// Each claim of the paper with its interval, its verdict, and whether its measure sees invariance.

import { data } from "../data.js";
import { Intervals } from "../parts/Intervals.jsx";
import { useWidth } from "../parts/hooks.js";
import { Scroll } from "../parts/Scroll.jsx";
import { Missing, Source } from "../parts/Source.jsx";
import { effect, together } from "../words.js";

const KINDS = {
  supported: "yes", "not supported": "no", "no relevant effect": "no",
  "says the same": "same", "says otherwise": "same",
};

export function Ledger() {
  const part = data.study.ledger;
  if (part.missing) return <Missing text={part.missing} />;
  let said = "";
  return (
    <>
      <p class="note">
        Mutual distillation and PPO on {part.title}, at equal frames. A dot right of the line is an effect in the
        direction that is claimed, shading what could not have been detected. <i>Supported</i> and{" "}
        <i>not supported</i> need an interval on one side of the line, runs that all see where that was
        measured, and a false-discovery rate of at most .05; <i>no relevant effect</i> needs both
        one-sided tests against a factor of 1.25, and is asked of factors alone. A run sees if each of its policies earns two standard
        errors more than its own mix of actions, drawn without looking. The sample is exploratory:
        seed 0 had been looked at when the contrast was declared, all seeds share four held-out
        backgrounds, and gradients were clipped in PPO alone.
      </p>
      <ol class="claims">
        {part.lines.map((line, i) => {
          said = line.claim || said;
          return <Claim key={i} line={line} head={line.claim} claim={said} part={part} />;
        })}
      </ol>
      <Controls {...part.controls} />
      <Source source={sourcesOf(part)} figure={part.figure} name="claims" take={() => taken(part)} />
    </>
  );
}

function sourcesOf(part) {
  const all = [part.source, ...part.lines.map((line) => line.source).filter(Boolean)];
  return [...new Map(all.map((one) => [one.table, one])).values()];
}

function Claim({ line, head, claim, part }) {
  const [ref, width] = useWidth(260);
  const verdict = line.verdict;
  const short = verdict.split(/[:;,]/)[0];
  const figures = line.numbers;
  const figure = line.figure ?? part.figure;
  return (
    <li class={head ? "claim first" : "claim"}>
      <div class="says">
        {head ? <h3>{head}</h3> : <span class="hidden">{claim}</span>}
        <p>{line["decided by"]}</p>
        {line.control && <small>Positive control: {together(line.control)}.</small>}
      </div>
      <div ref={ref} class="axis">{figures && <Axis numbers={figures} width={width} words={line["decided by"]} />}</div>
      <p class="figures">
        {together(line["mutual to PPO"]) || "–"}
        <small>
          {line["runs (that see)"] && `${line["runs (that see)"]} runs`}
          {line.q && `, q ${line.q}`}
        </small>
        {line.detectable && <small>detectable {together(line.detectable)}</small>}
      </p>
      <div class="verdict">
        <b class={`chip ${KINDS[short] ?? "open"}`}>{short}</b>
        <small>{together(verdict.slice(short.length).replace(/^[:;,] /, ""))}</small>
        {head && (
          <small>
            <a href={(line.source ?? part.source).link}>table</a>
            {figure && <> · <a href={figure}>figure</a></>}
          </small>
        )}
      </div>
    </li>
  );
}

/** Effects turned so that the claimed direction lies on the right. */
function Axis({ numbers, width, words }) {
  const { effect: value, low, high, scale, sign, detectable } = numbers;
  const log = scale === "factor";
  const turn = (x) => (x === null || x === undefined ? null : log ? (sign > 0 ? x : 1 / x) : sign * x);
  const ends = [turn(low), turn(high)].sort((a, b) => a - b);
  const known = low !== null;
  const reach = detectable === null || detectable === undefined ? null : Math.abs(log ? Math.log(detectable) : detectable);
  /** @type {[number, number] | null} */
  const blind = reach === null ? null : log ? [Math.exp(-reach), Math.exp(reach)] : [-reach, reach];
  const points = [{ method: "mutual", value: turn(value), low: known ? ends[0] : null, high: known ? ends[1] : null, says: effect(numbers) }];
  const far = log
    ? Math.max(1.3, ...[turn(value), ...ends, ...(blind ?? [])].filter(Boolean).map((x) => Math.exp(Math.abs(Math.log(x)))))
    : Math.max(...[turn(value), ...ends, ...(blind ?? [])].map((x) => Math.abs(x ?? 0)));
  const domain = log ? [1 / (far * 1.05), far * 1.05] : [-far * 1.08, far * 1.08];
  return (
    <Intervals
      rows={[{ key: "one", points, blind }]}
      width={width}
      log={log}
      none={log ? 1 : 0}
      domain={domain}
      tall={30}
      tickName={(tick) => turn(tick)}
      label={`${words}: ${effect(numbers)}; the claimed direction lies on the right`}
    />
  );
}

/** Would these measures see invariance? The ledger's second table. */
function Controls({ columns, rows }) {
  return (
    <>
      <h3 class="after">Would these measures see invariance?</h3>
      <p class="note">
        PPO trained to decide alike on twins (drac-twins) or recoloured views (drac) of a state,
        against PPO at equal steps, over runs; all 15 actions apart. A measure that does not tell
        drac-twins from PPO decides nothing above; what a single run of it leaves open is open above.
      </p>
      <Scroll label="positive controls" kind="rows seeing">
        <table>
          <thead>
            <tr>{columns.map((head) => <th key={head} scope="col">{head}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map(([measure, ...cells]) => (
              <tr key={measure}>
                <th scope="row">{measure}</th>
                {cells.map((cell, i) => <td key={i}>{cell || "–"}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

function taken({ columns, lines }) {
  return { columns, rows: lines.map((line) => columns.map((name) => line[name])) };
}
