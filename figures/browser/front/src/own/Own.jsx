// The reader's own policies and tables, beside those that are shipped.

import { useEffect, useRef, useState } from "preact/hooks";
import { data, records } from "../data.js";
import { Key } from "../parts/Marker.jsx";
import { Plain } from "../parts/Plain.jsx";
import { Safe } from "../parts/Safe.jsx";
import { under } from "../under.js";
import { Beside } from "./Beside.jsx";
import { filesOf, read } from "./read.js";

const FIRST_ROWS = 20;

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
    const known = (list, one) => list.filter((other) => other.key !== one.key);
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
          policies of the Nature, IMPALA (also with ReLU) and Impoola encoders (.safetensors); tables
          of this project’s commands (.csv)
        </span>
      </div>
      <div role="status">
        {busy && <p class="note">reading …</p>}
        {own.refused.map((text) => <p key={text} class="refused">{text}</p>)}
        {own.policies.map((one) => (
          <p key={one.key} class="taken">
            <Key method={one.method} /> {one.id} <small>now on the right of the player</small>
          </p>
        ))}
      </div>
      {own.tables.map((table) => <Safe key={table.name}><Table table={table} /></Safe>)}
    </section>
  );
}

const PLACES = {
  emergence: "its policies stand as “yours” in the contrast and in training",
  probes_steps: "its policies stand as “yours” in training",
  samples: "its policies stand as “yours” in the contrast and in training",
};

function Table({ table }) {
  const { name, schema, columns, rows } = table;
  const place = under(PLACES, schema);
  const beside = under(data.study.beside, schema);
  if (beside) return <Beside table={table} beside={beside} />;
  const what = place ?? `“${schema}” has no chart on this page`;
  return (
    <>
      <p class="taken">{name}: {rows.length.toLocaleString("en")} rows; {what}.</p>
      {!place && <Plain title="Its first rows" table={{ columns, rows: rows.slice(0, FIRST_ROWS) }} />}
    </>
  );
}
