// Rows of points with their intervals on a shared axis.

import { colourOf } from "../methods.js";
import { Mark } from "./Marker.jsx";
import { extent, factorExtent, factors, linear } from "./scale.js";
import { number } from "../words.js";

/**
 * @typedef {object} Point
 * @property {string} method decides colour and marker
 * @property {number | null} value
 * @property {number | null} [low]
 * @property {number | null} [high]
 * @property {boolean} [open] an open marker
 * @property {string} [says] what it is
 * @property {string} [tag] said beside it
 */
/**
 * @typedef {object} Row
 * @property {string} key
 * @property {Point[]} points
 * @property {number | null} [mean]
 * @property {[number, number] | null} [blind] effects that could not have been detected
 * @property {string} [text] said instead of points
 * @property {string} [name] said above the row, where there is no room beside it
 */

export const LINE = 44;
const FOOT = 30;

/**
 * @param {{rows: Row[], width: number, log?: boolean, none?: number | null, label: string,
 *   domain?: number[], tall?: number, tickName?: (tick: number) => number}} props
 */
export function Intervals({ rows, width, log = false, none = null, label, domain = null, tall = LINE, tickName = (tick) => tick }) {
  const all = rows.flatMap((row) => [
    ...row.points.flatMap(({ value, low, high }) => [value, low, high]),
    ...(none === null ? [] : [none]),
  ]).filter((value) => value !== null && value !== undefined);
  const ends = domain ?? (log ? factorExtent(all) : extent(all, 0.08));
  const scale = (log ? factors : linear)(/** @type {[number, number]} */ (ends), [8, width - 8], width / 70);
  const height = rows.length * tall;
  return (
    <svg class="intervals" width={width} height={height + FOOT} role="img" aria-label={label}>
      {scale.ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={scale.at(tick)} x2={scale.at(tick)} y1={0} y2={height} />
          <text class="tick" x={scale.at(tick)} y={height + 18}>{trimmed(tickName(tick))}</text>
        </g>
      ))}
      {none !== null && (
        <line class="none" x1={scale.at(none)} x2={scale.at(none)} y1={0} y2={height} />
      )}
      {rows.map((row, i) => (
        <Line key={row.key} row={row} scale={scale} y={(i + 0.5) * tall} tall={tall} width={width} />
      ))}
    </svg>
  );
}

function trimmed(value) {
  return String(Number(value.toPrecision(3))).replace("-", "−").replace(/^−0$/, "0");
}

function Line({ row, scale, y, tall, width }) {
  const clamp = (value) => Math.min(width, Math.max(0, scale.at(value)));
  const down = row.name ? 9 : 0;
  const gap = Math.min(row.points.some((point) => point.tag) ? 13 : 9, (tall - 12) / Math.max(1, row.points.length));
  return (
    <g class="row">
      {row.blind && (
        <rect
          class="blind"
          x={clamp(row.blind[0])}
          width={Math.max(0, clamp(row.blind[1]) - clamp(row.blind[0]))}
          y={y - tall / 2 + 5 + 2 * down}
          height={tall - 10 - 2 * down}
        />
      )}
      {row.mean !== null && row.mean !== undefined && (
        <path class="mean" d={`M${scale.at(row.mean)},${y - tall / 2 + 5 + 2 * down}v${tall - 10 - 2 * down}`} />
      )}
      {row.points.map((point, k) => (
        <Whisker
          key={k}
          {...{ point, scale, width }}
          y={y + down + (k - (row.points.length - 1) / 2) * gap}
        />
      ))}
      {row.name && <text class="name" x={0} y={y - tall / 2 + 11}>{row.name}</text>}
      {row.text && <text class="instead" x={8} y={y + down + 4}>{row.text}</text>}
    </g>
  );
}

const LETTER = 6.4;

/** Words on the right of an interval: fewer, or on its left, where they would leave the chart. */
function Tag({ tag, from, to, y, width }) {
  const short = tag.split(",")[0];
  const fits = (words) => to + 8 + words.length * LETTER < width;
  const right = [tag, short].find(fits);
  return (
    <text class={right ? "tag" : "tag before"} x={right ? to + 8 : from - 8} y={y + 4}>
      {right ?? short}
    </text>
  );
}

function Whisker({ point, scale, y, width }) {
  const { method, value, low, high, open, says, tag } = point;
  if (value === null || value === undefined) return null;
  const known = low !== null && low !== undefined && high !== null && high !== undefined;
  return (
    <g class="whisker">
      {known && (
        <path
          class="reach"
          style={{ "--c": colourOf(method) }}
          d={`M${scale.at(low)},${y}H${scale.at(high)}`}
        />
      )}
      {tag && <Tag from={scale.at(low ?? value)} to={scale.at(high ?? value)} {...{ tag, y, width }} />}
      <Mark method={method} x={scale.at(value)} y={y} r={3.6} open={open}>
        <title>{`${says ? `${says}: ` : ""}${number(value, 3)}${known ? ` [${number(low, 3)}, ${number(high, 3)}]` : ""}`}</title>
      </Mark>
    </g>
  );
}
