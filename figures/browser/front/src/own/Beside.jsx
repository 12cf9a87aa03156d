// A value of the rows of a dropped table under those of the shipped one, on one axis.

import { records } from "../data.js";
import { Intervals } from "../parts/Intervals.jsx";
import { Key } from "../parts/Marker.jsx";
import { useWidth } from "../parts/hooks.js";
import { partsOf, policyName } from "../words.js";

const MOST = 150;

export function Beside({ table, beside }) {
  const [ref, width] = useWidth(800);
  const { title, value, ends, names, only, log, method, instead } = beside;
  const fits = (row) => Object.entries(only).every(([name, wanted]) => row[name] === wanted);
  const drawn = (row) => row[value] !== null || (instead && row[instead]);
  const shipped = beside.missing ? [] : records(beside);
  const mine = records(table).filter(fits).filter(drawn);
  const lines = [
    ...shipped.filter(drawn).map((row) => ({ row, theirs: false })),
    ...mine.slice(0, MOST).map((row) => ({ row, theirs: true })),
  ];
  const narrow = width < 640;
  const side = narrow ? 0 : 332;
  const nameOf = (row) => names.map((name) => said(name, row[name])).join(", ");
  const looks = ({ row, theirs }) => (theirs ? "yours" : row[method] ?? partsOf(row[names[0]]).method);
  if (!mine.length) {
    const wanted = Object.entries(only).map(([name, one]) => `${name} ${one}`).join(", ");
    return <p class="taken">{table.name}: none of its {table.rows.length} rows has a value to draw{wanted && ` (${wanted})`}.</p>;
  }
  return (
    <figure ref={ref} class="beside">
      <figcaption>
        {table.name}: {title}; yours below
        {mine.length > MOST && `, ${MOST} of ${mine.length.toLocaleString("en")}`}
      </figcaption>
      <div class="flex">
        {!narrow && (
          <ol style={{ width: "320px" }}>
            {lines.map((line, i) => (
              <li key={i} title={nameOf(line.row)}>
                <Key method={looks(line)} />
                <span>{line.theirs && "yours: "}{nameOf(line.row)}</span>
              </li>
            ))}
          </ol>
        )}
        <Intervals
          width={width - side}
          tall={narrow ? 42 : 26}
          log={log}
          label={`${title}, of what is shipped and of yours`}
          rows={lines.map((line, i) => ({
            key: String(i),
            name: narrow ? (line.theirs ? "yours: " : "") + nameOf(line.row) : "",
            text: line.row[value] === null ? line.row[instead] : "",
            points: [{
              method: looks(line),
              ...{ value: line.row[value], low: line.row[ends[0]], high: line.row[ends[1]], says: nameOf(line.row) },
            }],
          }))}
        />
      </div>
    </figure>
  );
}

function said(name, cell) {
  return name.startsWith("id") ? `${partsOf(cell).game} ${policyName(cell)}` : String(cell);
}
