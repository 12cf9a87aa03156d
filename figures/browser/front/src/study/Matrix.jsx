// How alike policies see the same states: a cell names its pair.

import { useState } from "preact/hooks";
import { data } from "../data.js";
import { Key } from "../parts/Marker.jsx";
import { Scroll } from "../parts/Scroll.jsx";
import { Missing, Source } from "../parts/Source.jsx";
import { number, partsOf, percent, policyName, withEnds } from "../words.js";
import { under } from "../under.js";
import { Pick } from "./Contrast.jsx";
import { cka } from "./rows.js";

const RENDERINGS = { same: "the same picture", twin: "one sees the twin" };

export function Matrix() {
  const part = data.study.cka;
  if (part.missing) return <Missing text={part.missing} />;
  return <Shown part={part} />;
}

/** Rows by both policies and both layers, whichever of them stands first in the table. */
function cellsOf(rows) {
  const found = new Map();
  for (const row of rows) {
    found.set([row.id_x, row.id_y, row.layer_x, row.layer_y].join("|"), row);
    const other = [row.id_y, row.id_x, row.layer_y, row.layer_x].join("|");
    if (!found.has(other)) found.set(other, row);
  }
  return found;
}

function Shown({ part }) {
  const games = [...new Set(cka.map((row) => row.game))];
  const [game, setGame] = useState(games.at(-1));
  const [rendering, setRendering] = useState("twin");
  const layers = [...new Set(cka.map((row) => row.layer_x))];
  const [layer, setLayer] = useState(layers.at(-1));
  const [chosen, setChosen] = useState(null);
  const rows = cka.filter((row) => row.game === game && row.rendering === rendering);
  const cells = cellsOf(rows);
  const ids = [...new Set(rows.flatMap((row) => [row.id_x, row.id_y]))];
  const at = (a, b, la, lb) => cells.get([a, b, la, lb].join("|"));
  const pair = chosen && ids.includes(chosen[0]) ? chosen : [ids[0], ids[Math.min(2, ids.length - 1)]];
  return (
    <>
      <div class="choices">
        <Pick label="game" value={game} onChange={setGame} options={games.map((name) => [name, name])} />
        <Pick label="layer" value={layer} onChange={setLayer} options={layers.map((name) => [name, name])} />
        <div class="segments small" role="group" aria-label="what the second policy sees">
          {Object.entries(RENDERINGS).map(([key, name]) => (
            <button key={key} aria-pressed={key === rendering} onClick={() => setRendering(key)}>{name}</button>
          ))}
        </div>
      </div>
      <div class="matrices">
        <Scroll label="CKA of policies">
          <Grid
            caption={`CKA of ${layer}, ${RENDERINGS[rendering]}`}
            names={ids.map((id) => [id, <Name id={id} />])}
            cell={(a, b) => at(a, b, layer, layer)}
            chosen={pair}
            onChoose={(a, b) => setChosen([a, b])}
          />
        </Scroll>
        <Pair {...{ pair, layers, layer, at, rendering }} />
      </div>
      <Source source={part.source} figure={under(part.figures, game)} name="cka" take={() => taken(rows)} />
    </>
  );
}

function Name({ id }) {
  const { method, seed, peer } = partsOf(id);
  return (
    <span class="who" title={policyName(id)}>
      <Key method={method} /> {method} {seed}{peer !== "0" && peer !== "" ? `/${peer}` : ""}
    </span>
  );
}

/** Each cell is a button that says its pair aloud. */
function Grid({ caption, names, cell, chosen = [], onChoose = null }) {
  return (
    <table class="matrix">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <td />
          {names.map(([key, name]) => <th key={key} scope="col"><span>{name}</span></th>)}
        </tr>
      </thead>
      <tbody>
        {names.map(([a, name]) => (
          <tr key={a}>
            <th scope="row">{name}</th>
            {names.map(([b]) => (
              <Cell key={b} {...{ a, b, row: cell(a, b), onChoose }} now={a === chosen[0] && b === chosen[1]} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell({ a, b, row, now, onChoose }) {
  const share = Math.max(0, Math.min(1, row?.cka ?? 0));
  const text = number(row?.cka).replace(/^0\./, ".");
  const says = `${policyName(a)} and ${policyName(b)}: CKA ${row ? withEnds(row.cka, row.low, row.high) : "not measured"}`;
  const look = { class: `shade${share > 0.62 ? " deep" : ""}${now ? " now" : ""}`, style: { "--share-of": share } };
  if (!onChoose) return <td {...look} title={says}>{text}</td>;
  return (
    <td {...look}>
      <button title={says} aria-label={says} aria-pressed={now} onClick={() => onChoose(a, b)}>{text}</button>
    </td>
  );
}

function Pair({ pair: [a, b], layers, layer, at, rendering }) {
  const row = at(a, b, layer, layer);
  return (
    <div class="pair">
      <h3><Name id={a} /> and <Name id={b} /></h3>
      <p class="note">
        {row ? (
          <>
            {policyName(a)} and {policyName(b)}, {RENDERINGS[rendering]}: CKA of {layer}{" "}
            {withEnds(row.cka, row.low, row.high)} over {row.states} states of {row.levels} levels; the
            likeliest button agrees in {percent(row.agreement)} of them.
          </>
        ) : (
          "Not measured."
        )}
      </p>
      <Scroll label="CKA of layers">
        <Grid
          caption="layers of the first ↓ and of the second →"
          names={layers.map((name) => [name, name])}
          cell={(la, lb) => at(a, b, la, lb)}
        />
      </Scroll>
    </div>
  );
}

function taken(rows) {
  const columns = ["game", "id_x", "id_y", "rendering", "layer_x", "layer_y", "states", "levels", "cka", "low", "high"];
  return { columns, rows: rows.map((row) => columns.map((name) => row[name])) };
}
