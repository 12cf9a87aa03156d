import { render } from "preact";
import { useState } from "preact/hooks";
import { data } from "./data.js";
import { useScheme } from "./parts/hooks.js";
import { Player } from "./player/Player.jsx";

function Page() {
  const { scheme, other, turn } = useScheme();
  const [own, setOwn] = useState({ policies: [], tables: [] });
  return (
    <>
      <header class="top">
        <a class="name" href="#page">Twinscope</a>
        <button class="plain" onClick={turn}>{other === "dark" ? "Dark" : "Light"}</button>
      </header>
      <main>
        <Player own={own.policies} scheme={scheme} />
      </main>
    </>
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
