// Fleet, models, bundles and history.

import { h } from "./dom.js";
import { bytes, clock, percent, shortly, span } from "./format.js";
import { guardrail, standing, word } from "./names.js";

// A table whose rows stand on their own where the page is narrow, each cell beside its column's name.
function table(caption, columns, rows) {
  return h(
    "table",
    { class: "stacked", role: "table" },
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        columns.map((name) => h("th", { scope: "col", role: "columnheader" }, name)),
      ),
    ),
    h(
      "tbody",
      { role: "rowgroup" },
      rows.map(({ key, cells, tone }) =>
        h(
          "tr",
          { role: "row", "data-key": key, class: tone },
          cells.map((cell, place) =>
            h("td", { role: "cell", "data-label": columns[place] }, h("span", null, cell)),
          ),
        ),
      ),
    ),
  );
}

export function fleet(status) {
  const alive = status.fleet.filter((each) => each.is_alive).length;
  const rows = status.fleet.map((each) => ({
    key: each.gateway,
    tone: each.is_alive ? null : "gone",
    cells: [
      [each.host, h("span", { class: "note" }, ` process ${each.pid}`)],
      each.is_alive
        ? each.revision === status.revision
          ? "follows"
          : `at revision ${each.revision} of ${status.revision}`
        : `silent for ${span(each.told_s_ago)}`,
      h("code", null, each.stable_version || "–"),
      [
        h("span", { class: `state ${each.candidate_state}` }, each.candidate_state),
        " ",
        each.candidate_version && h("code", null, each.candidate_version),
      ],
      each.detail || "–",
    ],
  }));
  return [
    h("h2", { id: "fleet-title" }, "Fleet"),
    h(
      "p",
      { class: "note" },
      rows.length
        ? `${alive} of ${rows.length} processes alive, of all gateways of ${status.model}.`
        : "No gateway has told of itself: without Redis there is no fleet.",
    ),
    rows.length > 0 &&
      table(
        "Processes of all gateways",
        ["process", "state", "stable", "candidate", "detail"],
        rows,
      ),
  ];
}

export function models(known, bundles, note) {
  const lanes = known.models.flatMap((model) =>
    model.lanes.map((lane) => ({
      key: `${model.model}-${lane.lane}-${lane.version}`,
      cells: [
        [
          model.model,
          model.is_default && known.models.length > 1
            ? h("span", { class: "note" }, " default")
            : null,
        ],
        lane.lane,
        h("code", null, lane.version),
        lane.space ? h("code", null, lane.space) : "none",
        lane.provider,
        bytes(lane.bundle_bytes),
      ],
    })),
  );
  return [
    h("h2", { id: "models-title" }, "Models and bundles"),
    h(
      "p",
      { class: "note" },
      `Loaded in the process that answered; it holds ${bytes(known.resident_bytes)} of memory.`,
    ),
    table("Loaded lanes", ["model", "lane", "version", "reads space", "runs on", "files"], lanes),
    h("h3", null, "Registry"),
    note
      ? h("p", { class: "note" }, note)
      : table(
          "Bundles of the registry",
          ["bundle", "role", "space", "size", "pushed", "message", ""],
          bundles.map(bundle),
        ),
  ];
}

function bundle(each) {
  const name = `${each.name}-${each.version}`;
  return {
    key: name,
    cells: [
      [h("code", null, name), each.is_signed && h("span", { class: "note" }, " signed")],
      each.role || "–",
      each.space ? h("code", null, each.space) : "none",
      bytes(each.size_bytes),
      [clock(each.pushed_at_ms), h("span", { class: "note" }, ` ${each.pushed_by}`)],
      each.message || "–",
      each.role === "student"
        ? h(
            "button",
            {
              type: "button",
              class: "quiet",
              "data-use": name,
              "aria-label": `Use ${name} as the candidate`,
            },
            "Use",
          )
        : "",
    ],
  };
}

export function history(transitions) {
  return [
    h("h2", { id: "history-title" }, "History"),
    transitions.length
      ? h("ol", { class: "history" }, transitions.map(transition))
      : h("p", { class: "note" }, "Nothing was rolled out yet."),
  ];
}

function transition(each) {
  const isSame = each.from_stage === each.to_stage && each.from_step === each.to_step;
  const to =
    each.to_stage === "canary"
      ? `canary ${percent(each.share)}`
      : stepOf(each.to_stage, each.to_step);
  const what = isSame
    ? `${each.is_paused ? "paused" : "resumed"} in ${to}`
    : `${stepOf(each.from_stage, each.from_step)} → ${to}`;
  return h(
    "li",
    {
      "data-key": each.id,
      class: each.to_stage === "rolled_back" ? "bad" : each.to_stage === "done" ? "good" : null,
    },
    h(
      "div",
      { class: "history-head" },
      h("time", { datetime: new Date(each.at_ms).toISOString() }, clock(each.at_ms)),
      h("strong", null, what),
      h("span", { class: "note" }, `${shortly(each.candidate)} by ${each.by || "controller"}`),
    ),
    each.reason && h("p", null, each.reason),
    each.verdict && figures(each.verdict),
  );
}

function stepOf(stage, step) {
  if (stage === "canary") return `canary step ${step + 1}`;
  return stage === "shadowing" && step === 0 ? "filling" : stage.replace("_", " ");
}

function figures(verdict) {
  const rows = Object.entries(verdict.figures)
    .filter(([, each]) => each.harm !== null)
    .map(([name, each]) => {
      const { title, unit } = guardrail(name);
      const between =
        each.alpha === 0
          ? "limit"
          : `${each.low === null ? "?" : unit.harm(each.low)} … ${each.high === null ? "?" : unit.harm(each.high)}`;
      return {
        key: name,
        tone: standing(each),
        cells: [
          title,
          unit.harm(each.harm),
          between,
          unit.margin(each.margin),
          word(standing(each)),
        ],
      };
    });
  return h(
    "details",
    null,
    h(
      "summary",
      null,
      `Figures of ${verdict.requests} requests${verdict.by ? `, by ${guardrail(verdict.by).title}` : ""}`,
    ),
    table("Guardrails then", ["guardrail", "harm", "between", "margin", ""], rows),
  );
}
