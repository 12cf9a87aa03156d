// Flip the wallpaper and watch the decision.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytesOf, data, whole } from "../data.js";
import { likeliest, totalVariation } from "../policy/decisions.js";
import { Missing, Source, Take } from "../parts/Source.jsx";
import { number, policyName, variantName } from "../words.js";
import { Controls, Tools } from "./Controls.jsx";
import { Easel } from "./Canvas.jsx";
import { Decision } from "./Decision.jsx";
import { borderOf, Frames, painted } from "./frames.js";
import { mindOf } from "./minds.js";
import { seenBy, Shifts } from "./Shifts.jsx";
import { strokeOn, usePaint } from "./paint.js";

const FIRST = "starpilot";
/** Beside shipped policies, and alone in worlds that none of them plays. */
const UNTRAINED = [0, 1].map((seed) => {
  const id = `any/untrained/${seed}`;
  return { key: id, id, method: "untrained", seed };
});

export function Player({ own, scheme }) {
  const part = data.player;
  if (part.missing) {
    return (
      <section id="player">
        <h2>Flip the wallpaper</h2>
        <Missing text={part.missing} />
      </section>
    );
  }
  return <Playing part={part} own={own} scheme={scheme} />;
}

/** Frames of a world, once its slot has been read. */
function useFrames(game, world) {
  const [found, setFound] = useState({});
  useEffect(() => {
    if (found[game]) return;
    whole
      .then(() => Frames.open(bytesOf(world.slot), world))
      .then((frames) => setFound((before) => ({ ...before, [game]: frames })))
      .catch((error) => setFound((before) => ({ ...before, [game]: { broken: error.message } })));
  }, [game]);
  return found[game] ?? null;
}

function Playing({ part, own, scheme }) {
  const last = (name) => Number("file" in part.worlds[name]);
  const games = Object.keys(part.worlds).sort((a, b) => last(a) - last(b));
  const [game, setGame] = useState(games.includes(FIRST) ? FIRST : games[0]);
  const world = part.worlds[game];
  const frames = useFrames(game, world);
  const policies = useMemo(
    () => [...part.policies.filter((one) => one.game === game), ...UNTRAINED, ...own],
    [game, own],
  );
  return (
    <section id="player">
      <h2>Flip the wallpaper</h2>
      <p class="lead">
        One state of a game, the same to the last bit, in front of another picture. Move the
        background and see whether two policies still decide alike.
      </p>
      {games.length > 1 && (
        <div class="segments" role="group" aria-label="world">
          {games.map((name) => (
            <button key={name} aria-pressed={name === game} onClick={() => setGame(name)}>
              {name}
            </button>
          ))}
        </div>
      )}
      {frames?.broken ? (
        <p class="refused">The frames of {game} cannot be read: {frames.broken}.</p>
      ) : frames ? (
        <Scene key={game} {...{ game, world, frames, policies, scheme }} />
      ) : (
        <div class="waiting" aria-busy="true" />
      )}
      <p class="note rule">
        An illustration, chosen by a rule: {world.rule}. {world.file ? <FromFile world={world} /> : <Episode world={world} />}
      </p>
      {part.lacking && <Missing text={part.lacking} />}
      <Source source={part.sources} />
    </section>
  );
}

function Episode({ world: { states } }) {
  const [{ level, episode_return: total, episode_steps: steps }] = states;
  return `Level ${level.toLocaleString("en")}, return ${number(total, 0)} after ${steps} steps.`;
}

function FromFile({ world }) {
  return (
    <>
      sha256 of the file <code>{world.file_sha256}</code>. {world.buttons.length > 0 && (
        <>
          No policy for this world is shipped: the two are untrained networks, random weights drawn in
          your browser, which decide nearly alike whatever they see. Drop a policy file of a known
          encoder with {world.buttons.length} actions to see yours.
        </>
      )}
    </>
  );
}

/** The two policies shown: those most unlike in what they were trained for, if both are there. */
function firstTwo(policies) {
  const of = (start) => policies.find((one) => one.method.startsWith(start));
  const left = of("ppo-bg") ?? of("ppo") ?? policies[0];
  const right = of("drac-twins") ?? of("mutual") ?? policies.find((one) => one !== left);
  return [left.key, right.key];
}

function Scene({ game, world, frames, policies, scheme }) {
  // The middle of the episode, whatever is seen there.
  const middle = world.states.length >> 1;
  const [place, setPlace] = useState(middle);
  const [variant, setVariant] = useState(world.states[middle].own);
  const [chosen, setChosen] = useState(() => firstTwo(policies));
  const [looking, setLooking] = useState(true);
  const [outlined, setOutlined] = useState(true);
  const [width, height] = [world.shape[1], world.shape[0]];
  const brush = usePaint(width, height);

  const seen = useRef(policies);
  useEffect(() => {
    // A policy that was just dropped takes the right-hand place.
    const fresh = policies.find((one) => one.own && !seen.current.includes(one));
    if (fresh) setChosen(([left]) => [left, fresh.key]);
    seen.current = policies;
  }, [policies]);

  useEffect(() => void performance.mark("player"), []);
  const state = world.states[place];
  const shown = chosen.map((key) => policies.find((one) => one.key === key) ?? policies[0]);
  const decides = world.buttons.length > 0;
  const found = shown.map((policy) => (decides ? mindOf(policy, game, world) : {}));
  const minds = found.map((one) => one.mind ?? null);
  const plain = useMemo(() => frames.pixels(state.state, variant), [frames, state, variant]);
  const rgba = useMemo(
    () => (brush.touched ? painted(plain, brush.paint) : plain),
    [plain, brush.version],
  );
  const now = minds.map((mind) => useMemo(() => mind?.decide(rgba), [mind, rgba]));
  const mask = useMemo(() => frames.mask(state.state), [frames, state]);
  const border = useMemo(() => borderOf(mask, width, height), [mask]);
  const decisions = minds.map((mind, side) => ({
    now: now[side],
    own: mind?.on(frames, state.state, state.own),
  }));
  const scene = {
    ...{ world, frames, state, variant, mask, minds, decisions },
    own: state.own,
    border: outlined ? border : "",
    frame: { painted: brush.touched },
  };
  const policy = (side) => ({ ...shown[side], refused: found[side].refused });
  return (
    <>
      <Controls {...{ world, state, place, setPlace, variant, setVariant }} />
      <div class="stage">
        <div class="canvas">
          <Easel
            rgba={rgba}
            {...{ width, height, border: scene.border, size: brush.size }}
            label={`State ${place + 1} of ${world.states.length} of ${game} on ${world.varied} ${variantName(world, variant)}.`}
            onStroke={(places) => strokeOn(brush, rgba, places)}
          />
          {decides && <Tools {...{ brush, looking, setLooking, outlined, setOutlined }} />}
        </div>
        {decides ? (
          [0, 1].map((side) => (
            <Decision
              key={side}
              {...{ side, scene, policies, scheme, looking }}
              policy={policy(side)}
              onPolicy={(key) => setChosen(chosen.map((old, k) => (k === side ? key : old)))}
            />
          ))
        ) : (
          <p class="note continuous">
            Actions are continuous here: total variation between decisions has no counterpart, so that
            this world is looked at and not decided in. Its layers are measured by{" "}
            <code>python -m analysis.invariance --world {world.file}</code> with a policy of yours.
          </p>
        )}
      </div>
      {decides && (
        <>
          <h3>The same state on every {world.varied}</h3>
          <p class="note">
            TV between the decision on each {world.varied} and that on the state’s own (▲): 0 is the
            same decision, 1 the opposite one. ● seen in training, ○ not. The mark on a bar above is the
            probability on the state’s own {world.varied}.
          </p>
          <Shifts scene={scene} policies={shown} onVariant={setVariant} />
          <footer class="source">
            <Take name={`${game}-state-${place + 1}`} take={() => taken(scene, game, shown)} />
          </footer>
        </>
      )}
      <p class="hidden" aria-live="polite">
        {summary(scene, shown)}
      </p>
    </>
  );
}

/** Each policy on each variant of the state that is shown. */
function taken({ world, frames, state, minds }, game, policies) {
  const columns = ["world", "state", "step", "policy", "variant", "own", "seen_in_training", "tv", "value"];
  const rows = policies.flatMap((policy, side) => {
    const [mind, seen] = [minds[side], seenBy(policy, world)];
    return Array.from({ length: mind ? world.variants : 0 }, (_, k) => [
      ...[game, state.state, state.step, policy.id, k, String(k === state.own), String(seen.has(k))],
      ...[mind.shift(frames, state.state, state.own, k), mind.on(frames, state.state, k).value],
    ]);
  });
  return { columns, rows };
}

function summary({ world, variant, decisions }, policies) {
  const said = policies.map((policy, side) => {
    const { now, own } = decisions[side];
    if (!now) return "";
    const moved = number(totalVariation(now.buttons, own.buttons));
    return `${policyName(policy.id)}: ${world.names[likeliest(now.buttons)]}, moved by TV ${moved}.`;
  });
  return `${world.varied} ${variantName(world, variant)}. ${said.join(" ")}`;
}
