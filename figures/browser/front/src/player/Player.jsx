// Flip the wallpaper and watch the decision.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytesOf, data, whole } from "../data.js";
import { likeliest, totalVariation } from "../policy/decisions.js";
import { Missing, Source } from "../parts/Source.jsx";
import { number, policyName } from "../words.js";
import { Controls, Tools } from "./Controls.jsx";
import { Easel } from "./Canvas.jsx";
import { Decision } from "./Decision.jsx";
import { borderOf, Frames, painted } from "./frames.js";
import { mindOf } from "./minds.js";
import { Shifts } from "./Shifts.jsx";
import { strokeOn, usePaint } from "./paint.js";

const FIRST = "starpilot";

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
  const games = Object.keys(part.worlds);
  const [game, setGame] = useState(games.includes(FIRST) ? FIRST : games[0]);
  const world = part.worlds[game];
  const frames = useFrames(game, world);
  const policies = useMemo(
    () => [...part.policies.filter((one) => one.game === game), ...own],
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
        An illustration, chosen by a rule: {world.rule}. Level{" "}
        {world.states[0].level.toLocaleString("en")}, return {number(world.states[0].episode_return, 0)}{" "}
        after {world.states[0].episode_steps} steps.
      </p>
      <Source source={part.source} />
    </section>
  );
}

/** The two policies shown: those most unlike in what they were trained for, if both are there. */
function firstTwo(policies) {
  const of = (start) => policies.find((one) => one.method.startsWith(start));
  const left = of("ppo-bg") ?? of("ppo") ?? policies[0];
  const right = of("drac-twins") ?? of("mutual") ?? policies.at(-1);
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
  const found = shown.map((policy) => mindOf(policy, game, world));
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
            label={`State ${place + 1} of ${world.states.length} of ${game} on ${world.varied} ${variant}.`}
            onStroke={(places) => strokeOn(brush, rgba, places)}
          />
          <Tools {...{ brush, looking, setLooking, outlined, setOutlined }} />
        </div>
        {[0, 1].map((side) => (
          <Decision
            key={side}
            {...{ side, scene, policies, scheme, looking }}
            policy={policy(side)}
            onPolicy={(key) => setChosen(chosen.map((old, k) => (k === side ? key : old)))}
          />
        ))}
      </div>
      <h3>The same state on every {world.varied}</h3>
      <p class="note">
        TV between the decision on each {world.varied} and that on the state’s own (▲): 0 is the same
        decision, 1 the opposite one. ● seen in training, ○ not. The mark on a bar above is the
        probability on the state’s own {world.varied}.
      </p>
      <Shifts scene={scene} policies={shown} onVariant={setVariant} />
      <p class="hidden" aria-live="polite">
        {summary(scene, shown)}
      </p>
    </>
  );
}

function summary({ world, variant, decisions }, policies) {
  const said = policies.map((policy, side) => {
    const { now, own } = decisions[side];
    if (!now) return "";
    const moved = number(totalVariation(now.buttons, own.buttons));
    return `${policyName(policy.id)}: ${world.names[likeliest(now.buttons)]}, moved by TV ${moved}.`;
  });
  return `${world.varied} ${variant}. ${said.join(" ")}`;
}
