import { render } from "preact";
import { useMemo, useState } from "preact/hooks";
import { data } from "./data.js";
import { Own, valuesIn } from "./own/Own.jsx";
import { useScheme } from "./parts/hooks.js";
import { Missing, Source } from "./parts/Source.jsx";
import { Player } from "./player/Player.jsx";
import { Contrast } from "./study/Contrast.jsx";
import { Ledger } from "./study/Ledger.jsx";
import { Matrix } from "./study/Matrix.jsx";
import { Training } from "./study/Training.jsx";

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
        <Answer part={data.study.answer} />
        <Player own={own.policies} scheme={scheme} />
        <section id="contrast">
          <h2>Every run, and every method against PPO</h2>
          <p class="lead">
            How far a decision moves from one background to another, and whether a method makes it
            move less.
          </p>
          <Contrast more={more} />
        </section>
        <section id="training">
          <h2>What moves when</h2>
          <p class="lead">
            Return, invariance, probes and rank at every kept step of training. One slider moves
            them all.
          </p>
          <Training more={more} />
        </section>
        <section id="alike">
          <h2>Who sees alike</h2>
          <p class="lead">
            CKA between policies, layer by layer. Choose a cell: it names its pair.
          </p>
          <Matrix />
        </section>
        <section id="claims">
          <h2>Claim by claim</h2>
          <Ledger />
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

function Answer({ part }) {
  return (
    <div class="answer">
      <h1>Does a policy see the game, or the wallpaper?</h1>
      {part.missing ? (
        <Missing text={part.missing} />
      ) : (
        <div>
          <p class="found">
            {part.text.split("**").map((words, i) => (i % 2 ? <b key={i}>{words}</b> : words))}
          </p>
          <Source source={part.source} />
        </div>
      )}
    </div>
  );
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
