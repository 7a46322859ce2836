// Drawings, each an <svg> with a text that says the same.

import { svg } from "./dom.js";

function drawing(width, height, label, ...shapes) {
  return svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": label,
      class: "chart",
      preserveAspectRatio: "none",
    },
    shapes,
  );
}

const point = ([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`;

// Values over time, the newest at the right; null is a gap.
export function sparkline(values, label, { width = 240, height = 44, name = "" } = {}) {
  const known = values.filter((value) => value !== null);
  const top = Math.max(...known, 1e-9) * 1.1;
  const step = width / Math.max(values.length - 1, 1);
  const at = (value, place) => [place * step, height - 2 - (value / top) * (height - 4)];
  const runs = [];
  values.forEach((value, place) => {
    if (value === null) runs.push([]);
    else {
      if (!runs.length) runs.push([]);
      runs[runs.length - 1].push(at(value, place));
    }
  });
  const lines = runs
    .filter((run) => run.length > 1)
    .map((run) => {
      const path = run.map(point).join(" L");
      const area = `M${run[0][0].toFixed(1)},${height} L${path} L${run[run.length - 1][0].toFixed(1)},${height} Z`;
      return [
        svg("path", { d: area, class: `area ${name}` }),
        svg("path", { d: `M${path}`, class: `line ${name}` }),
      ];
    });
  return drawing(
    width,
    height,
    label,
    svg("path", { d: `M0,${height - 0.5} H${width}`, class: "axis" }),
    lines,
  );
}

// Harm with its interval against its margin. Time runs to the right; the picture reaches from two
// margins below no harm to three above it, and an interval that is open at an end leaves it.
export function harm(points, times, margin, label, state) {
  const width = 260,
    height = 96,
    least = -2 * margin,
    most = 3 * margin;
  const first = times[0] ?? 0,
    spanned = Math.max((times[times.length - 1] ?? 0) - first, 1);
  const x = (time) => ((time - first) / spanned) * width;
  const y = (value) =>
    height - ((Math.min(Math.max(value, least), most) - least) / (most - least)) * height;
  const known = points.map((each, place) => [each, times[place]]).filter(([each]) => each);
  if (known.length === 1) known.unshift([known[0][0], first - 1]);
  const high = known.map(([each, time]) => [x(time), y(each[2] ?? most)]);
  const low = known.map(([each, time]) => [x(time), y(each[1] ?? least)]);
  const mid = known
    .filter(([each]) => each[0] !== null)
    .map(([each, time]) => [x(time), y(each[0])]);
  const band = high.length
    ? `M${high.map(point).join(" L")} L${low.reverse().map(point).join(" L")} Z`
    : null;
  return drawing(
    width,
    height,
    label,
    svg("rect", { x: 0, y: 0, width, height: y(margin), class: "beyond" }),
    svg("path", { d: `M0,${y(0).toFixed(1)} H${width}`, class: "axis" }),
    band && svg("path", { d: band, class: `band ${state}` }),
    mid.length > 1 && svg("path", { d: `M${mid.map(point).join(" L")}`, class: `line ${state}` }),
    svg("path", { d: `M0,${y(margin).toFixed(1)} H${width}`, class: "margin" }),
  );
}

// Shares that add up to one, side by side.
export function shares(parts, label) {
  const width = 300,
    height = 14;
  let from = 0;
  const shapes = parts.map(([name, share]) => {
    const shape = svg("rect", {
      x: (from * width).toFixed(1),
      y: 0,
      width: (share * width).toFixed(1),
      height,
      class: `tier ${name}`,
    });
    from += share;
    return shape;
  });
  return drawing(
    width,
    height,
    label,
    svg("rect", { x: 0, y: 0, width, height, class: "ground" }),
    shapes,
  );
}

// One value on a scale that several share.
export function bar(value, most, label, name = "") {
  const width = 100,
    height = 8;
  return drawing(
    width,
    height,
    label,
    svg("rect", { x: 0, y: 0, width, height, class: "ground" }),
    svg("rect", {
      x: 0,
      y: 0,
      width: (Math.min(value / Math.max(most, 1e-9), 1) * width).toFixed(1),
      height,
      class: `bar ${name}`,
    }),
  );
}
