import { render } from "preact";
import { useMemo, useState } from "preact/hooks";
import { data } from "./data.js";
import { Own, valuesIn } from "./own/Own.jsx";
import { useScheme } from "./parts/hooks.js";
import { Plain } from "./parts/Plain.jsx";
import { Safe } from "./parts/Safe.jsx";
import { Missing, Source } from "./parts/Source.jsx";
import { Player } from "./player/Player.jsx";
import { Contrast } from "./study/Contrast.jsx";
import { Ledger } from "./study/Ledger.jsx";
import { Matrix } from "./study/Matrix.jsx";
import { Training } from "./study/Training.jsx";
import { together } from "./words.js";

const PARTS = [
  ["player", "Player"], ["contrast", "Contrast"], ["training", "Training"],
  ["alike", "Alikeness"], ["claims", "Claims"], ["own", "Yours"],
];

function Page() {
  const { scheme, other, turn } = useScheme();
  const [own, setOwn] = useState({ policies: [], tables: [], refused: [] });
  const more = useMemo(() => valuesIn(own.tables), [own.tables]);
  return (
    <>
      <a class="skip" href="#main">to the content</a>
      <header class="top">
        <a class="name" href="#page">Twinscope</a>
        <nav aria-label="parts">
          {PARTS.map(([id, name]) => <a key={id} href={`#${id}`}>{name}</a>)}
        </nav>
        <button class="plain" aria-label={`use ${other} colours`} onClick={turn}>
          {other === "dark" ? "Dark" : "Light"}
        </button>
      </header>
      <main id="main">
        <Answer part={data.study.answer} second={data.study.second} />
        <Safe><Player own={own.policies} scheme={scheme} /></Safe>
        <section id="contrast">
          <h2>Every run, and every method against PPO</h2>
          <p class="lead">
            How far a decision moves from one background to another, and whether a method makes it
            move less.
          </p>
          <Safe><Contrast more={more} /></Safe>
        </section>
        <section id="training">
          <h2>What moves when</h2>
          <p class="lead">
            Return, invariance, probes and rank at every kept step of training. One slider moves
            them all.
          </p>
          <Safe><Training more={more} /></Safe>
        </section>
        <section id="alike">
          <h2>Who sees alike</h2>
          <p class="lead">
            CKA between policies, layer by layer. Choose a cell: it names its pair.
          </p>
          <Safe><Matrix /></Safe>
        </section>
        <section id="claims">
          <h2>Claim by claim</h2>
          <Safe><Ledger /></Safe>
        </section>
        <Own own={own} setOwn={setOwn} />
      </main>
      <footer class="foot">
        <p>
          Twinscope holds arXiv 2501.02481, “mutual distillation makes background-invariant
          representations emerge”, against measurements on twins: one state, other backgrounds. This
          file makes no request. Keys: <kbd>[</kbd> <kbd>]</kbd> background, <kbd>,</kbd> <kbd>.</kbd>{" "}
          state, <kbd>p</kbd> play.
        </p>
      </footer>
    </>
  );
}

function Answer({ part, second }) {
  return (
    <div class="answer">
      <h1>Does a policy see the game, or the wallpaper?</h1>
      <div>
        {part.missing ? <Missing text={part.missing} /> : <Found part={part} />}
        {second.missing ? <Missing text={second.missing} /> : <Second part={second} />}
      </div>
    </div>
  );
}

function Found({ part }) {
  return (
    <>
      <p class="found"><Words text={part.text} /></p>
      <Source source={part.source} figure={part.figure} />
    </>
  );
}

/** Where the declared second sample stands, and each of its runs. */
function Second({ part }) {
  return (
    <>
      <p class="found second"><Words text={`${part.text} ${part.change}`} /></p>
      <Plain title="Its runs" table={part} />
      <Source source={part.sources} figure={part.figure} name="second-sample" take={() => part} />
    </>
  );
}

/** Text of the README: what stands between two pairs of stars is bold. */
function Words({ text }) {
  return together(text).split("**").map((words, i) => (i % 2 ? <b key={i}>{words}</b> : words));
}

function Empty() {
  return (
    <main>
      <h1>Twinscope</h1>
      <p class="missing">This is the empty form of the page. Fill it with: python -m figures.page</p>
    </main>
  );
}

render(data ? <Page /> : <Empty />, document.getElementById("page"));
