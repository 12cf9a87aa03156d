// What the page's code makes of rows of runs: node runs.mjs REQUEST.json.

import { readFileSync } from "node:fs";
import { counted, decided, severalRuns } from "../../../figures/browser/front/src/study/runs.js";

const { buttons, actions } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const shown = decided(buttons, actions);
console.log(JSON.stringify({ shown, counted: counted(shown), several: severalRuns(shown) }));
