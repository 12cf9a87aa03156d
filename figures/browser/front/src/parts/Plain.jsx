// Rows as they stand, folded away.

import { Scroll } from "./Scroll.jsx";
import { number } from "../words.js";

/** @param {{title: string, table: import("../data.js").Rows}} props */
export function Plain({ title, table: { columns, rows } }) {
  return (
    <details class="rows">
      <summary>{title}</summary>
      <Scroll label={title}>
        <table>
          <thead>
            <tr>{columns.map((head) => <th key={head} scope="col">{head}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i}>{row.map((cell, k) => <td key={k}>{written(cell)}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}

function written(cell) {
  if (cell === null || cell === "") return "–";
  return typeof cell === "number" && !Number.isInteger(cell) ? number(cell) : String(cell);
}
