// How far a decision moves on every background: one small chart a policy.

import { colourOf } from "../methods.js";
import { useGradually, useWidth } from "../parts/hooks.js";
import { number, partsOf, policyName, variantName } from "../words.js";

const TALL = 76;
const FOOT = 14;
const SIDE = 36;

export function Shifts({ scene, policies, onVariant }) {
  const { minds, frames, state, own, world } = scene;
  const todo = minds.flatMap((mind) =>
    mind ? Array.from({ length: world.variants }, (_, k) => [mind, k]) : [],
  );
  useGradually(
    todo.length,
    (i) => todo[i][0].on(frames, state.state, todo[i][1]),
    [minds[0], minds[1], frames, state.state],
  );
  const values = minds.map((mind) =>
    Array.from({ length: world.variants }, (_, k) =>
      mind?.knows(state.state, k) && mind.knows(state.state, own)
        ? mind.shift(frames, state.state, own, k)
        : null,
    ),
  );
  // One scale for both, so that their heights can be compared.
  const top = [0.25, 0.5, 1].find((level) => level >= Math.max(...values.flat().map((value) => value ?? 0)));
  return (
    <div class="shifts">
      {minds.map((mind, side) =>
        mind ? (
          <Chart
            key={side}
            values={values[side]}
            top={top ?? 1}
            policy={policies[side]}
            scene={scene}
            onVariant={onVariant}
          />
        ) : null,
      )}
    </div>
  );
}

/** The variants that a policy was trained on. */
export function seenBy(policy, world) {
  if (policy.seed !== undefined) return new Set();
  return new Set(policy.backgrounds?.length ? policy.backgrounds : world.trained);
}

function Chart({ values, top, policy, scene, onVariant }) {
  const [ref, width] = useWidth();
  const { variant, own, world } = scene;
  const each = (width - SIDE) / values.length;
  const y = (level) => 6 + (1 - level / top) * (TALL - 6);
  const room = Math.max(1, Math.min(each - 2, 26));
  const seen = seenBy(policy, world);
  const known = values.filter((value, k) => value !== null && k !== own);
  const mean = known.length ? known.reduce((a, b) => a + b, 0) / known.length : NaN;
  const worst = known.length ? Math.max(...known) : NaN;
  const said =
    `TV of ${policyName(policy.id)} on all ${values.length} ${world.varied}s: ` +
    `mean ${number(mean)}, largest ${number(worst)}`;
  return (
    <figure ref={ref} style={{ "--c": colourOf(partsOf(policy.id).method) }}>
      <figcaption>
        {policyName(policy.id)} <span>mean {number(mean)}, largest {number(worst)}</span>
      </figcaption>
      <svg
        width={width}
        height={TALL + FOOT}
        role="img"
        aria-label={said}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const place = Math.floor((event.clientX - box.left - SIDE) / each);
          onVariant(Math.max(0, Math.min(values.length - 1, place)));
        }}
      >
        {[0, top / 2, top].map((level) => (
          <g key={level}>
            <line class="grid" x1={SIDE} x2={width} y1={y(level)} y2={y(level)} />
            <text class="tick left" x={SIDE - 8} y={y(level) + 4}>{String(level).replace(/^0\./, ".")}</text>
          </g>
        ))}
        {values.map((value, k) => (
          <g key={k} class={k === variant ? "column now" : "column"}>
            <rect class="catch" x={SIDE + k * each} y={0} width={each} height={TALL + FOOT} />
            <rect
              class="tall"
              x={SIDE + k * each + (each - room) / 2}
              y={y(value ?? 0) - 1}
              width={room}
              height={TALL - y(value ?? 0) + 1}
            />
            <Dot x={SIDE + (k + 0.5) * each} seen={seen.has(k)} own={k === own} room={room} />
            <title>
              {`${world.varied} ${variantName(world, k)}: TV ${number(value)}${k === own ? ", its own" : ""}, ` +
                (seen.has(k) ? "seen in training" : "not seen in training")}
            </title>
          </g>
        ))}
      </svg>
    </figure>
  );
}

function Dot({ x, seen, own, room }) {
  const r = Math.min(3, room / 2);
  const at = TALL + 8;
  if (own) return <path class="own" d={`M${x - r - 1},${at + 3}h${2 * r + 2}l${-r - 1},-7z`} />;
  return <circle class={seen ? "dot" : "dot open"} cx={x} cy={at} r={r * 0.8} />;
}
