// What views share: the room they have, the colours of the reader, what the reader has asked for.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const PAPER = 640; // pixels of a chart on a sheet of A4 or Letter

/**
 * The width of an element in pixels, followed as it changes.
 * @returns {[import("preact").RefObject<any>, number]}
 */
export function useWidth(fallback = 640) {
  const ref = useRef(null);
  const [width, setWidth] = useState(fallback);
  useEffect(() => {
    let frame = 0;
    let seen = fallback;
    // A frame later: drawn at once, a chart may change the width that is watched, which Firefox
    // calls an error. What is hidden, on paper for one, has no width: it keeps the one it had.
    const watch = new ResizeObserver(([{ contentRect }]) => {
      cancelAnimationFrame(frame);
      if (!contentRect.width) return;
      seen = Math.round(contentRect.width);
      frame = requestAnimationFrame(() => setWidth(seen));
    });
    // Paper is narrower than most windows, and nothing watches it.
    const before = () => setWidth(Math.min(seen, PAPER));
    const after = () => setWidth(seen);
    watch.observe(ref.current);
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
    return () => {
      window.removeEventListener("beforeprint", before);
      window.removeEventListener("afterprint", after);
      watch.disconnect();
      cancelAnimationFrame(frame);
    };
  }, []);
  return [ref, width];
}

/** `light` or `dark`, as the system or the reader's own choice has it. */
export function useScheme() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const [system, setSystem] = useState(dark.matches ? "dark" : "light");
  const [chosen, setChosen] = useState("");
  useEffect(() => {
    const follow = () => setSystem(dark.matches ? "dark" : "light");
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, []);
  useLayoutEffect(() => {
    document.documentElement.dataset.scheme = chosen || system;
  }, [chosen, system]);
  const scheme = /** @type {"light" | "dark"} */ (chosen || system);
  const other = scheme === "dark" ? "light" : "dark";
  return { scheme, other, turn: () => setChosen(other === system ? "" : other) };
}

/** Work through `count` pieces between frames, a few milliseconds at a time. */
export function useGradually(count, work, known) {
  const [, setDone] = useState(0);
  useEffect(() => {
    let next = 0;
    let timer = 0;
    function go() {
      const until = performance.now() + 10;
      while (next < count && performance.now() < until) work(next++);
      setDone(next);
      if (next < count) timer = window.setTimeout(go, 4);
    }
    timer = window.setTimeout(go, 30);
    return () => window.clearTimeout(timer);
  }, known);
}
