// Where the rollout of a model stands: one sentence, the rail, and what may be done.

import { h } from "./dom.js";
import { called, percent, shortly, span } from "./format.js";

const RUNNING = ["verifying", "shadowing", "canary"];
const FILLING = 0;

export const isRunning = (status) => RUNNING.includes(status.stage);

// One that names the stage, the step and whether it rests: what is said when it changes.
export function headline(status) {
  const share = percent(status.share, 0);
  const rests = status.is_paused ? "Paused: " : "";
  switch (status.stage) {
    case "verifying":
      return `${rests}Verifying ${shortly(status.candidate)}`;
    case "shadowing":
      return `${rests}${isFilling(status) ? "Filling the space of" : "Shadowing with"} ${shortly(status.candidate)}`;
    case "canary":
      return `${rests}${shortly(status.candidate)} answers ${share} of the traffic`;
    case "done":
      return `Done: ${called(status.stable)} answers all of the traffic`;
    case "rolled_back":
      return `Rolled back: ${called(status.stable)} answers all of the traffic`;
    default:
      return "Nothing is being rolled out";
  }
}

function isFilling(status) {
  return status.stage === "shadowing" && status.step === FILLING;
}

export function rollout(status, brokeAt) {
  return [
    h(
      "div",
      { class: "rollout-head" },
      h("h2", { id: "rollout-title" }, headline(status)),
      h(
        "span",
        { class: `stage ${tone(status)}` },
        status.is_paused ? "paused" : status.stage.replace("_", " "),
      ),
    ),
    status.stage !== "idle" && rail(status, brokeAt),
    status.stage !== "idle" && h("p", { class: "when" }, timing(status)),
    status.reason &&
      h(
        "p",
        { class: `reason ${status.stage === "rolled_back" ? "bad" : ""}` },
        h("span", { class: "note" }, `${status.by || "controller"}: `),
        status.reason,
      ),
    h(
      "dl",
      { class: "pairs names" },
      named("stable", status.stable),
      status.candidate &&
        named(status.stage === "done" ? "was the candidate" : "candidate", status.candidate),
      status.stage === "done" && named("before", status.previous),
    ),
    status.standing && isFilling(status) && h("p", { class: "note" }, filling(status.standing)),
  ];
}

function tone(status) {
  if (status.is_paused) return "warn";
  return { rolled_back: "bad", done: "good", idle: "" }[status.stage] ?? "busy";
}

function named(name, place) {
  return h(
    "div",
    null,
    h("dt", null, name),
    h(
      "dd",
      null,
      h("code", { title: place || "what each gateway was started with" }, shortly(place)),
    ),
  );
}

function rail(status, brokeAt) {
  const stops = [
    ["verifying", 0, "verify"],
    ["shadowing", 0, "shadow"],
    ...status.steps.map((share, step) => ["canary", step, percent(share, 1)]),
    ["done", 0, "done"],
  ];
  const at = brokeAt ?? [status.stage, status.stage === "canary" ? status.step : 0];
  const here =
    status.stage === "idle"
      ? -1
      : stops.findIndex(([stage, step]) => stage === at[0] && step === at[1]);
  return h(
    "ol",
    { class: "rail", "aria-label": "Stages" },
    stops.map(([stage, step, text], place) => {
      const isOver = place < here || status.stage === "done";
      const state = isOver
        ? "over"
        : place > here
          ? "ahead"
          : status.stage === "rolled_back"
            ? "broken"
            : status.is_paused
              ? "paused"
              : "here";
      const spoken = {
        over: "passed",
        ahead: "to come",
        broken: "rolled back here",
        paused: "paused here",
        here: "now",
      }[state];
      return h(
        "li",
        {
          class: state,
          "data-key": `${stage}${step}`,
          "aria-current": state === "here" || state === "paused" ? "step" : null,
        },
        h(
          "span",
          { class: "knob", "aria-hidden": "true" },
          { over: "✓", broken: "✕", paused: "‖" }[state] ?? "",
        ),
        h("span", { class: "stop" }, text),
        h("span", { class: "unseen" }, `, ${spoken}`),
      );
    }),
  );
}

function timing(status) {
  const spent = (status.now_ms - status.since_ms) / 1000;
  const kept = (status.keep_until_ms - status.now_ms) / 1000;
  if (status.stage === "done")
    return kept > 0
      ? `for ${span(spent)}; the bundle before stays loaded for ${span(kept)}`
      : `for ${span(spent)}`;
  if (status.stage === "rolled_back") return `${span(spent)} ago`;
  const left = status.least_s - spent;
  const parts = [`for ${span(spent)}`];
  if (!status.is_paused && status.least_s > 0)
    parts.push(left > 0 ? `${span(left)} more at least` : "its least time is over");
  if (!status.is_paused && status.most_s > 0)
    parts.push(
      `${status.stage === "canary" ? "pauses itself" : "gives up"} after ${span(status.most_s)}`,
    );
  return parts.join("; ");
}

function filling(standing) {
  const share = (count) => percent(count / Math.max(standing.seen, 1));
  return `Of candidates looked up in the space to come, ${share(standing.ready)} have a pair there; ${share(standing.held)} have one in the space that answers.`;
}

// Acts that are possible now, as [act, label, isDangerous].
export function acts(status) {
  const found = [];
  if (isRunning(status)) {
    found.push(status.is_paused ? ["resume", "Resume"] : ["pause", "Pause"]);
    found.push(["promote", "Promote"], ["abort", "Abort", true]);
  } else if (status.stage === "done" && status.keep_until_ms > status.now_ms) {
    found.push(["abort", `Back to ${called(status.previous)}`, true]);
  }
  return found;
}

export function meant(act, status) {
  const candidate = shortly(status.candidate),
    next = status.steps[status.step + 1];
  switch (act) {
    case "pause":
      return [
        "Pause the rollout?",
        `${candidate} keeps ${percent(status.share)} of the traffic. Nothing is decided while it rests but limits and failures, which roll back.`,
        "Pause",
      ];
    case "resume":
      return [
        "Resume the rollout?",
        `${candidate} is judged again, and this step begins its time anew.`,
        "Resume",
      ];
    case "promote":
      return [
        "Promote by hand?",
        status.stage === "canary"
          ? next === undefined
            ? `${candidate} becomes the stable bundle now, whatever is not proven yet.`
            : `${candidate} gets ${percent(next)} of the traffic now instead of ${percent(status.share)}, whatever is not proven yet.`
          : `${candidate} takes the next stage now, whatever is not proven yet.`,
        "Promote",
      ];
    default:
      return status.stage === "done"
        ? [
            "Go back?",
            `All of the traffic is answered by ${called(status.previous)} again within a second.`,
            "Go back",
          ]
        : [
            "Abort the rollout?",
            `All of the traffic is answered by ${called(status.stable)} again within a second. A rollout that was aborted is not resumed: start another.`,
            "Abort",
          ];
  }
}
