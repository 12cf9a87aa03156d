// What the page's code makes of a dropped table: node read_table.mjs REQUEST.json.

import { readFileSync } from "node:fs";
import { tableOf } from "../../../figures/browser/front/src/own/tables.js";

const { text, needs } = JSON.parse(readFileSync(process.argv[2], "utf8"));
let answer;
try {
  answer = tableOf("a.csv", text, needs);
} catch (error) {
  answer = { refused: error.message, kind: error.constructor.name };
}
console.log(JSON.stringify(answer));
