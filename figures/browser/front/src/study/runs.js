// Rows by run: which of them are shown, and where a mean over runs may stand.

/** What a row's policy was trained by; a reader's own keeps its name there. */
const recipeOf = (row) => row.theirs ?? row.method;

export const runOf = (row) => `${recipeOf(row)}/${row.seed}`;

/** Rows by a key, in order of appearance. */
export function grouped(rows, key) {
  const found = new Map();
  for (const row of rows) found.set(key(row), [...(found.get(key(row)) ?? []), row]);
  return [...found.values()];
}

/** Whether rows are of at least two runs, peers being one, of one method and one layer. */
export function severalRuns(rows) {
  const count = (of) => new Set(rows.map(of)).size;
  return count(runOf) > 1 && count(recipeOf) === 1 && count((row) => row.layer) === 1;
}

/** Of each run its rows of buttons, if it has one wherever it has one of all actions; else those. */
export function decided(buttons, actions) {
  const place = (row) => `${row.peer}/${row.step}`;
  const runs = grouped([...actions, ...buttons], (row) => `${row.method}/${runOf(row)}`);
  return runs.flatMap((run) => {
    const [merged, apart] = [true, false].map((asked) => run.filter((row) => (row.layer === "buttons") === asked));
    const there = new Set(merged.map(place));
    return apart.every((row) => there.has(place(row))) ? merged : apart;
  });
}

/** How the actions of rows about decisions count, in words; empty for other rows. */
export function counted(rows) {
  const has = (layer) => rows.some((row) => row.layer === layer);
  const words = [has("buttons") && "actions merged that do the same", has("decisions") && "all 15 actions apart"];
  return words.filter(Boolean).join("; of other runs ");
}
