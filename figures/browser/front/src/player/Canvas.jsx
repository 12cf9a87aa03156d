// A picture of 64 × 64 pixels, large; and the same with a brush.

import { useEffect, useRef, useState } from "preact/hooks";

/** Draw RGBA into a canvas whenever it changes. */
function useDrawn(rgba, width, height) {
  const ref = useRef(null);
  useEffect(() => {
    if (rgba) ref.current.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [rgba, width, height]);
  return ref;
}

export function Picture({ rgba, width, height, border, label, children = null }) {
  const ref = useDrawn(rgba, width, height);
  return (
    <div class="picture" style={{ aspectRatio: `${width} / ${height}` }}>
      <canvas ref={ref} width={width} height={height} role="img" aria-label={label} />
      {border && <Border path={border} width={width} height={height} />}
      {children}
    </div>
  );
}

function Border({ path, width, height }) {
  return (
    <svg class="border" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path class="under" d={path} />
      <path class="over" d={path} />
    </svg>
  );
}

/** Every pixel on the way, the last included: a pointer moves in jumps. */
function between(from, to) {
  const [[x, y], [u, v]] = [from, to];
  const count = Math.max(1, Math.abs(u - x), Math.abs(v - y));
  return Array.from({ length: count }, (_, i) =>
    [x + ((u - x) * (i + 1)) / count, y + ((v - y) * (i + 1)) / count].map(Math.round),
  );
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** A picture that can be painted on, with a pointer or with arrow keys and Enter. */
export function Easel({ rgba, width, height, border, label, size, onStroke }) {
  const ref = useDrawn(rgba, width, height);
  const [cursor, setCursor] = useState(null);
  const last = useRef(null);

  function place(event) {
    const box = ref.current.getBoundingClientRect();
    return [
      Math.floor(((event.clientX - box.left) / box.width) * width),
      Math.floor(((event.clientY - box.top) / box.height) * height),
    ];
  }
  function press(event) {
    const move = MOVES[event.key];
    if (move) {
      const [x, y] = cursor ?? [width >> 1, height >> 1];
      setCursor([
        Math.min(width - 1, Math.max(0, x + move[0])),
        Math.min(height - 1, Math.max(0, y + move[1])),
      ]);
    } else if (event.key === "Enter" && cursor) onStroke([cursor]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const corner = Math.floor(size / 2);
  return (
    <div class="picture easel" style={{ aspectRatio: `${width} / ${height}` }}>
      <canvas
        ref={ref}
        width={width}
        height={height}
        tabIndex={0}
        role="application"
        aria-roledescription="frame to paint on"
        aria-label={`${label} Paint with the pointer, or move with arrow keys and press Enter.`}
        onPointerDown={(event) => {
          ref.current.setPointerCapture(event.pointerId);
          last.current = place(event);
          onStroke([last.current]);
        }}
        onPointerMove={(event) => {
          const here = place(event);
          setCursor(here);
          if (last.current) onStroke(between(last.current, here));
          last.current &&= here;
        }}
        onPointerUp={() => (last.current = null)}
        onPointerCancel={() => (last.current = null)}
        onPointerLeave={() => setCursor(null)}
        onBlur={() => setCursor(null)}
        onKeyDown={press}
      />
      {border && <Border path={border} width={width} height={height} />}
      {cursor && (
        <svg class="border" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          <rect class="cursor" x={cursor[0] - corner} y={cursor[1] - corner} width={size} height={size} />
        </svg>
      )}
    </div>
  );
}
