// What one policy makes of the frame: buttons, value, how far the decision moved, where it looks.

import { useEffect, useMemo, useState } from "preact/hooks";
import { colourOf } from "../methods.js";
import { Key } from "../parts/Marker.jsx";
import { likeliest, massRatio, totalVariation } from "../policy/decisions.js";
import { number, percent, policyName } from "../words.js";
import { Picture } from "./Canvas.jsx";
import { shaded } from "./saliency.js";

/** A choice of policies by their names. */
export function Choice({ label, policies, value, onChange }) {
  return (
    <label class="choice">
      <span class="hidden">{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {policies.map((one) => (
          <option key={one.key} value={one.key}>
            {(one.own ? "yours: " : "") + policyName(one.id)}
          </option>
        ))}
      </select>
    </label>
  );
}

/**
 * The saliency of a decision, a moment after it: numbers are on the screen first, and what a moving
 * slider has already left is not computed.
 */
function useFollowing(decision) {
  const [map, setMap] = useState(null);
  useEffect(() => {
    if (!decision) {
      setMap(null);
      return undefined;
    }
    const timer = window.setTimeout(() => setMap(decision.saliency()), 0);
    return () => window.clearTimeout(timer);
  }, [decision]);
  return map;
}

export function Decision({ side, scene, policy, policies, onPolicy, scheme, looking }) {
  const { world, frame, mask, border } = scene;
  const refused = policy.refused;
  const found = refused ? null : scene.decisions[side].now;
  const own = refused ? null : scene.decisions[side].own;
  const map = useFollowing(looking ? found : null);
  const picture = useMemo(() => (map ? shaded(map, scheme) : null), [map, scheme]);
  const [height, width] = world.shape;
  return (
    <section class="decision" style={{ "--c": colourOf(policy.method) }}>
      <header>
        <Key method={policy.method} />
        <Choice
          label={side === 0 ? "policy on the left" : "policy on the right"}
          policies={policies}
          value={policy.key}
          onChange={onPolicy}
        />
      </header>
      {refused ? (
        <p class="refused">This policy cannot be shown here: {refused}.</p>
      ) : (
        <div class="body">
          <div class="looks">
            <Picture
              rgba={picture}
              width={width}
              height={height}
              border={border}
              label={`where the policy looks: ${lookWords(map, mask)}`}
            />
            <p class="note">{looking ? lookWords(map, mask) : "saliency is off"}</p>
            <ul class="from">{from(policy).map((text) => <li key={text}>{text}</li>)}</ul>
          </div>
          <div class="numbers">
            <Buttons names={world.names} now={found.buttons} own={own.buttons} />
            <Facts found={found} own={own} painted={frame.painted} />
          </div>
        </div>
      )}
    </section>
  );
}

/** What is known of a policy: its hash, what it was trained on, what it earned. */
function from({ sha256, own, seed, backgrounds, returns = {} }) {
  if (seed !== undefined) return [`random weights of seed ${seed}, drawn in your browser`, "never trained"];
  const earned = Object.entries(returns).map(([split, value]) => `${number(value, 1)} on ${split} levels`);
  const count = backgrounds?.length;
  return [
    own ? "your file" : `sha256 ${sha256}`,
    ...(count ? [`trained on ${count} background${count === 1 ? "" : "s"}`] : []),
    ...(earned.length ? [`return ${earned.join(", ")}`] : []),
  ];
}

function lookWords(map, mask) {
  if (!map) return "";
  return `on the background: ${number(massRatio(map, mask))} × chance`;
}

function Buttons({ names, now, own }) {
  const best = likeliest(now);
  return (
    <table class="buttons">
      <caption class="hidden">probability of each button</caption>
      <tbody>
        {names.map((name, i) => (
          <tr key={name} class={i === best ? "best" : ""}>
            <th scope="row">{name}</th>
            <td class="bar" aria-hidden="true">
              <i style={{ width: `${100 * now[i]}%` }} />
              {Math.abs(own[i] - now[i]) > 0.004 && <b style={{ left: `${100 * own[i]}%` }} />}
            </td>
            <td class="figure">{percent(now[i])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Facts({ found, own, painted }) {
  const moved = totalVariation(found.buttons, own.buttons);
  return (
    <dl class="facts">
      <div>
        <dt>
          TV to the decision on its own background
          {painted && " and without paint"}
        </dt>
        <dd class="moved">{number(moved)}</dd>
      </div>
      <div>
        <dt>value</dt>
        <dd>
          {number(found.value)} <small>own {number(own.value)}</small>
        </dd>
      </div>
    </dl>
  );
}
