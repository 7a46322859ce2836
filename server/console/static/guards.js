// Each guardrail as it gathers evidence.

import { harm } from "./charts.js";
import { h } from "./dom.js";
import { count, percent } from "./format.js";
import { guardrail, mark, standing, word } from "./names.js";

export function guards(status, trail) {
  const verdict = status.verdict;
  const figures = Object.entries(verdict.figures);
  const tested = figures.filter(([, each]) => each.alpha > 0);
  const limits = figures.filter(([, each]) => each.alpha === 0);
  const states = tested.map(([, each]) => standing(each));
  const proven = states.filter((state) => state === "proven").length;
  return [
    h("h2", { id: "guards-title" }, "Guardrails"),
    h(
      "p",
      { class: "note" },
      `${count(verdict.requests)} requests of the candidate in this step. ${proven} of ${tested.length} have shown it to be within their margin.`,
    ),
    h(
      "ul",
      { class: "guards" },
      tested.map(([name, each]) => card(name, each, trail)),
    ),
    limits.length > 0 && h("h3", null, "Limits that act at once"),
    limits.length > 0 &&
      h(
        "ul",
        { class: "limits" },
        limits.map(([name, each]) => limit(name, each)),
      ),
    h(
      "p",
      { class: "key note" },
      h("span", null, h("span", { class: "swatch band" }), " where the true harm lies"),
      h("span", null, h("span", { class: "swatch mid" }), " harm as measured"),
      h("span", null, h("span", { class: "swatch edge" }), " margin"),
      h("span", null, "A band wholly above it rolls back; wholly below it is proof."),
    ),
  ];
}

function card(name, figures, trail) {
  const { title, unit } = guardrail(name);
  const state = standing(figures);
  const points = trail?.guardrails[name] ?? [];
  const between = `${figures.low === null ? "?" : unit.harm(figures.low)} … ${figures.high === null ? "?" : unit.harm(figures.high)}`;
  const told = `${title}: ${word(state)}. Harm ${unit.harm(figures.harm)}, between ${between}; margin ${unit.margin(figures.margin)}`;
  return h(
    "li",
    { class: `guard ${state}`, "data-key": name },
    h(
      "div",
      { class: "guard-head" },
      h("h3", null, title),
      h(
        "span",
        { class: `state ${state}` },
        h("span", { "aria-hidden": "true" }, `${mark(state)} `),
        word(state),
      ),
    ),
    harm(points, trail?.at_ms ?? [], figures.margin, told, state),
    h(
      "dl",
      { class: "pairs" },
      pair("candidate", unit.of(figures.canary)),
      pair("stable", unit.of(figures.stable)),
      pair("harm", unit.harm(figures.harm)),
      pair("margin", unit.margin(figures.margin)),
      h("div", { class: "wide" }, h("dt", null, "between"), h("dd", null, between)),
    ),
  );
}

function pair(name, value) {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}

function limit(name, figures) {
  const { title } = guardrail(name);
  const state = standing(figures);
  return h(
    "li",
    { class: `limit ${state}`, "data-key": name },
    h("span", { class: "limit-name" }, title),
    h(
      "span",
      { class: "figure" },
      `${percent(figures.harm, 2)} of at most ${percent(figures.margin, 2)}`,
    ),
    h(
      "span",
      { class: `state ${state}` },
      h("span", { "aria-hidden": "true" }, `${mark(state)} `),
      word(state),
    ),
  );
}
