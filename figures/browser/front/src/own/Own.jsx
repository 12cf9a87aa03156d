// The reader's own policies and tables, beside those that are shipped.

import { useEffect, useRef, useState } from "preact/hooks";
import { data, records } from "../data.js";
import { Intervals } from "../parts/Intervals.jsx";
import { Key } from "../parts/Marker.jsx";
import { useWidth } from "../parts/hooks.js";
import { measureName, partsOf, policyName } from "../words.js";
import { filesOf, read } from "./read.js";

/** Values over training that dropped tables hold, as rows of the study. */
export function valuesIn(tables) {
  return tables
    .filter(({ schema }) => ["emergence", "probes_steps", "samples"].includes(schema))
    .flatMap((table) => records(table))
    .map((row) => ({ ...row, method: "yours", theirs: row.method }));
}

export function Own({ own, setOwn }) {
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState(false);
  const keep = useRef(own);
  keep.current = own;

  async function take(files) {
    setBusy(true);
    const found = await Promise.all(files.map(read));
    const known = (list, one) => list.filter((other) => other.id !== one.id);
    const next = { ...keep.current, refused: found.map((one) => one.refused).filter(Boolean) };
    for (const { policy, table } of found) {
      if (policy) next.policies = [...known(next.policies, policy), policy];
      if (table) next.tables = [...next.tables.filter((one) => one.name !== table.name), table];
    }
    if (!files.length) {
      next.refused = [
        "Nothing in there can be read as a policy (.safetensors) or a table (.csv); try Choose a folder.",
      ];
    }
    setOwn(next);
    setBusy(false);
  }

  useEffect(() => {
    const hover = (event) => {
      event.preventDefault();
      setOver(true);
    };
    const leave = (event) => event.relatedTarget === null && setOver(false);
    const drop = async (event) => {
      event.preventDefault();
      setOver(false);
      const files = filesOf(event.dataTransfer);
      setBusy(true);
      take(await files.catch(() => []));
    };
    const all = { dragover: hover, dragleave: leave, drop };
    for (const [name, act] of Object.entries(all)) document.addEventListener(name, act);
    return () => {
      for (const [name, act] of Object.entries(all)) document.removeEventListener(name, act);
    };
  }, []);

  return (
    <section id="own">
      <h2>Yours beside these</h2>
      <p class="lead">
        Drop a policy file, or a folder of results, anywhere on this page. All is computed in your
        browser; nothing is sent anywhere.
      </p>
      <div class={over ? "drop over" : "drop"}>
        <label class="plain file">
          Choose files
          <input
            type="file"
            multiple
            accept=".safetensors,.csv"
            onChange={(event) => take([...event.currentTarget.files])}
          />
        </label>
        <label class="plain file">
          Choose a folder
          <input
            type="file"
            {...{ webkitdirectory: true }}
            onChange={(event) =>
              take([...event.currentTarget.files].filter((file) => /\.(csv|safetensors)$/.test(file.name)))
            }
          />
        </label>
        <span class="note">
          policies of the Nature, IMPALA and Impoola encoders (.safetensors); tables of this
          project’s commands (.csv)
        </span>
      </div>
      <div role="status">
        {busy && <p class="note">reading …</p>}
        {own.refused.map((text) => <p key={text} class="refused">{text}</p>)}
        {own.policies.map((one) => (
          <p key={one.id} class="taken">
            <Key method={one.method} /> {one.id} <small>now on the right of the player</small>
          </p>
        ))}
      </div>
      {own.tables.map((table) => <Table key={table.name} table={table} />)}
    </section>
  );
}

const PLACES = {
  emergence: "its policies stand as “yours” in the contrast and in training",
  probes_steps: "its policies stand as “yours” in training",
  samples: "its policies stand as “yours” in the contrast",
};

function Table({ table }) {
  const beside = data.study.beside[table.schema];
  if (PLACES[table.schema]) {
    return <p class="taken">{table.name}: {table.rows.length} rows; {PLACES[table.schema]}.</p>;
  }
  if (!beside || beside.missing) {
    return (
      <p class="taken">
        {table.name}: {table.rows.length} rows of “{table.schema}”, which has no chart on this page.
      </p>
    );
  }
  return <Beside table={table} beside={beside} />;
}

/** Policies of a dropped table under those of the shipped one, on one axis. */
function Beside({ table, beside }) {
  const [ref, width] = useWidth(800);
  const { value, low, high, only, measure, layer, log } = beside;
  const fits = (row) => Object.entries(only).every(([name, wanted]) => row[name] === wanted);
  const lines = [
    ...records(beside).map((row) => ({ row, theirs: false })),
    ...records(table).filter(fits).map((row) => ({ row, theirs: true })),
  ].filter(({ row }) => row[value] !== null && row[value] !== undefined);
  const narrow = width < 640;
  const side = narrow ? 0 : 292;
  const nameOf = (row) => `${partsOf(row.id).game} ${policyName(row.id)}`;
  return (
    <figure ref={ref} class="beside">
      <figcaption>
        {table.name}: {measureName(measure, layer)}, yours below
      </figcaption>
      <div class="flex">
        {!narrow && (
          <ol style={{ width: "280px" }}>
            {lines.map(({ row, theirs }, i) => (
              <li key={i} title={row.id}>
                <Key method={theirs ? "yours" : partsOf(row.id).method} />
                <span>{nameOf(row)}</span>
              </li>
            ))}
          </ol>
        )}
        <Intervals
          width={width - side}
          tall={narrow ? 42 : 26}
          log={log}
          label={`${measureName(measure, layer)} of shipped policies and yours`}
          rows={lines.map(({ row, theirs }, i) => ({
            key: String(i),
            name: narrow ? nameOf(row) + (theirs ? ", yours" : "") : "",
            points: [{
              method: theirs ? "yours" : partsOf(row.id).method,
              ...{ value: row[value], low: row[low], high: row[high], says: policyName(row.id) },
            }],
          }))}
        />
      </div>
    </figure>
  );
}
