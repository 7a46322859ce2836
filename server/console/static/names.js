// What guardrails and limits are called, and how their figures are read.

import { figure, ms, percent, signed } from "./format.js";

const share = {
  of: (value) => percent(value, 2),
  harm: (value) => points(value),
  margin: (value) => points(value),
};
const seconds = {
  of: (value) => (value === null ? "–" : `${ms(value * 1000)} ms`),
  harm: relative,
  margin: relative,
};
const loss = { of: (value) => percent(value, 2), harm: relative, margin: relative };
const number = { of: figure, harm: (value) => signed(figure(value)), margin: figure };
const ratio = { of: figure, harm: relative, margin: relative };

function relative(value) {
  return signed(percent(value));
}
function points(value) {
  return value === null || value === undefined
    ? "–"
    : `${signed(percent(value, 2)).slice(0, -2)} pt`;
}

const KNOWN = {
  errors: ["Errors", share],
  total_p50: ["Latency p50", seconds],
  total_p99: ["Latency p99", seconds],
  inference: ["Inference ÷ stable", ratio],
  scores: ["Score shift (PSI)", number],
  agreement: [
    "Agreement with stable",
    { ...share, harm: (value) => percent(value), margin: (value) => percent(value) },
  ],
  coverage: ["Coverage", loss],
  calibration: ["Calibration", ratio],
  clicks: ["Clicks", loss],
  value: ["Value", { of: figure, harm: relative, margin: relative }],
  error_limit: ["Error answers", share],
  nan_limit: ["Scores not a number", share],
  constant_limit: ["All scores the same", share],
  late_limit: ["Over the budget", share],
};

export function guardrail(name) {
  if (name.startsWith("degraded_")) return { title: `Degraded: ${name.slice(9)}`, unit: share };
  const [title, unit] = KNOWN[name] ?? [name.replaceAll("_", " "), number];
  return { title, unit };
}

// breached, proven or open; for a limit, past or within.
export function standing(figures) {
  if (figures.alpha === 0)
    return figures.harm !== null && figures.harm >= figures.margin ? "near" : "within";
  if (figures.low !== null && figures.low > figures.margin) return "breached";
  return figures.high !== null && figures.high <= figures.margin ? "proven" : "open";
}

const MARKS = { breached: "✕", proven: "✓", open: "…", near: "!", within: "✓" };
const WORDS = {
  breached: "harmful",
  proven: "within margin",
  open: "not known yet",
  near: "at its limit",
  within: "within",
};

export const mark = (state) => MARKS[state];
export const word = (state) => WORDS[state];
