// The background, the step, playing, and the brush.

import { useEffect, useState } from "preact/hooks";
import { variantName } from "../words.js";
import { TOOLS } from "./paint.js";

const PACE = 260; // milliseconds a state: slow enough to see what changes

export function Controls({ world, state, place, setPlace, variant, setVariant }) {
  const [playing, setPlaying] = useState(false);
  const last = world.states.length - 1;
  // From what stands now, not from what was drawn last: a held key is faster than the screen.
  const turn = (by) => setVariant((now) => (now + by + world.variants) % world.variants);
  const step = (by) => setPlace((now) => Math.min(last, Math.max(0, now + by)));
  const play = () => {
    if (!playing && place === last) setPlace(0);
    setPlaying(!playing);
  };
  useEffect(() => {
    if (!playing) return undefined;
    if (place === last) {
      setPlaying(false);
      return undefined;
    }
    const timer = window.setTimeout(() => setPlace(place + 1), PACE);
    return () => window.clearTimeout(timer);
  }, [playing, place]);
  useEffect(() => {
    function press(event) {
      const busy = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      // Both keys at once are how some keyboards write a bracket.
      if (busy || event.metaKey || event.ctrlKey !== event.altKey) return;
      const act = { "[": () => turn(-1), "]": () => turn(1), ",": () => step(-1), ".": () => step(1), p: play };
      act[event.key]?.();
    }
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
  const own = variant === state.own;
  return (
    <div class="controls">
      <label class="slide">
        <span>
          {world.varied} <b>{variantName(world, variant)}</b>
          <small>{own ? "its own" : `its own is ${state.own}`}</small>
        </span>
        <input
          type="range"
          min={0}
          max={world.variants - 1}
          value={variant}
          style={{ "--at": variant / Math.max(1, world.variants - 1) }}
          aria-keyshortcuts="[ ]"
          aria-valuetext={`${world.varied} ${variantName(world, variant)}${own ? ", its own" : ""}`}
          onInput={(event) => setVariant(Number(event.currentTarget.value))}
        />
      </label>
      <div class="steps">
        <label class="slide">
          <span>
            state <b>{place + 1}</b>
            <small>of {last + 1}, step {state.step}</small>
          </span>
          <input
            type="range"
            min={0}
            max={last}
            value={place}
            style={{ "--at": place / Math.max(1, last) }}
            aria-keyshortcuts=", ."
            aria-valuetext={`state ${place + 1} of ${last + 1}`}
            onInput={(event) => setPlace(Number(event.currentTarget.value))}
          />
        </label>
        <div class="transport">
          <button aria-label="one state back" onClick={() => step(-1)} disabled={place === 0}>
            <Icon d="M10.5 3 5 8l5.5 5z" />
          </button>
          <button aria-label={playing ? "pause" : "play"} aria-keyshortcuts="p" onClick={play}>
            <Icon d={playing ? "M4.5 3h2.5v10H4.5zM9 3h2.5v10H9z" : "M4.5 2.5 12.5 8l-8 5.5z"} />
          </button>
          <button aria-label="one state on" onClick={() => step(1)} disabled={place === last}>
            <Icon d="M5.5 3 11 8l-5.5 5z" />
          </button>
        </div>
      </div>
    </div>
  );
}

function Icon({ d }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d={d} />
    </svg>
  );
}

const NAMES = { paint: "Paint", erase: "Erase paint", pick: "Pick colour" };

export function Tools({ brush, looking, setLooking, outlined, setOutlined }) {
  return (
    <div class="tools">
      <div class="segments small" role="group" aria-label="brush">
        {TOOLS.map((tool) => (
          <button key={tool} aria-pressed={brush.tool === tool} onClick={() => brush.setTool(tool)}>
            {NAMES[tool]}
          </button>
        ))}
      </div>
      <div class="line">
        <label class="swatch">
          <input
            type="color"
            value={brush.colour}
            aria-label="colour of the brush"
            onInput={(event) => brush.setColour(event.currentTarget.value)}
          />
          colour
        </label>
        <label class="size">
          <select
            aria-label="width of the brush"
            value={brush.size}
            onChange={(event) => brush.setSize(Number(event.currentTarget.value))}
          >
            {[1, 3, 5, 9, 15].map((size) => (
              <option key={size} value={size}>{`${size} px`}</option>
            ))}
          </select>
        </label>
        <button class="plain" onClick={brush.clear} disabled={!brush.touched}>
          Clear
        </button>
      </div>
      {brush.touched && (
        <p class="off" role="status">
          Off distribution: the game never drew this frame, and training never showed one like it.
        </p>
      )}
      <div class="line">
        <Check label="saliency" on={looking} set={setLooking} />
        <Check label="outline of the background" on={outlined} set={setOutlined} />
      </div>
    </div>
  );
}

function Check({ label, on, set }) {
  return (
    <label class="check">
      <input type="checkbox" checked={on} onChange={(event) => set(event.currentTarget.checked)} />
      {label}
    </label>
  );
}
