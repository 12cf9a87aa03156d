// Each claim of the paper with its interval, its verdict, and whether its measure sees invariance.

import { data } from "../data.js";
import { Intervals } from "../parts/Intervals.jsx";
import { useWidth } from "../parts/hooks.js";
import { Missing, Source } from "../parts/Source.jsx";
import { effect, number } from "../words.js";

const KINDS = { supported: "yes", "not supported": "no" };

export function Ledger() {
  const part = data.study.ledger;
  if (part.missing) return <Missing text={part.missing} />;
  const control = new Map(part.controls.map((one) => [one.words, one.told]));
  let said = "";
  return (
    <>
      <p class="note">
        Mutual distillation and PPO on {part.title}. A dot right of the line is an effect in the
        direction that is claimed, shading what could not have been detected. <i>Supported</i> and{" "}
        <i>not supported</i> need an interval on one side of the line and, but for the declared
        contrast, a false-discovery rate of at most .05.
      </p>
      <ol class="claims">
        {part.lines.map((line, i) => {
          said = line.claim || said;
          return <Claim key={i} line={line} head={line.claim} claim={said} told={control.get(line["decided by"])} part={part} />;
        })}
      </ol>
      <Source source={sourcesOf(part)} figure={part.figure} name="claims" take={() => taken(part)} />
    </>
  );
}

function sourcesOf(part) {
  const all = [part.source, ...part.lines.map((line) => line.source).filter(Boolean)];
  return [...new Map(all.map((one) => [one.table, one])).values()];
}

function Claim({ line, head, claim, told, part }) {
  const [ref, width] = useWidth(260);
  const verdict = line.verdict;
  const short = verdict.split(":")[0];
  const figures = line.numbers;
  const matched = /^(steps|frames)/.test(line.equal);
  const first = !line.equal.startsWith("frames");
  return (
    <li class={head ? "claim first" : "claim"}>
      <div class="says">
        {head ? <h4>{head}</h4> : <span class="hidden">{claim}</span>}
        <p>
          {line["decided by"]} <small>{matched && `at equal ${line.equal}`}</small>
        </p>
      </div>
      <div ref={ref} class="axis">{figures && <Axis numbers={figures} width={width} words={line["decided by"]} />}</div>
      <p class="figures">
        {figures ? effect(figures) : line["mutual to PPO"] || "–"}
        <small>{line.runs && `${line.runs} runs`}{figures?.q !== undefined && figures.q !== null && `, q ${number(figures.q)}`}</small>
      </p>
      <div class="verdict">
        <b class={`chip ${KINDS[short] ?? "open"}`}>{short}</b>
        <small>{verdict.includes(":") ? verdict.slice(verdict.indexOf(":") + 2) : ""}</small>
        {first && <Control told={told} />}
        {first && (
          <small>
            <a href={(line.source ?? part.source).link}>table</a> · <a href={line.figure ?? part.figure}>figure</a>
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

function Control({ told }) {
  if (!told) return null;
  const one = told["drac-twins"];
  if (!one?.said) return <small>no control measured</small>;
  const seen = one.said === "yes";
  return (
    <small class={seen ? "control" : "control blindly"}>
      {seen ? "sees" : "does not see"} a policy made invariant ({effect(one)})
    </small>
  );
}

function taken(part) {
  const columns = ["claim", "decided by", "equal", "mutual to PPO", "detectable", "runs", "verdict"];
  return { columns, rows: part.lines.map((line) => columns.map((name) => line[name])) };
}
