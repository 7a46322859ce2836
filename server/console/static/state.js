// What the page knows.

import { Recent } from "./live.js";
import { Trails } from "./trails.js";

export const page = {
  model: null,
  snapshot: null,
  gotAtMs: 0,
  link: "", // what the connection last said
  trails: new Trails(),
  recent: new Recent(),
  told: {}, // headline by model
  history: [],
  historyOf: "",
  stop: null,
};

export function chosen() {
  const rollouts = page.snapshot?.rollouts ?? [];
  return rollouts.find((each) => each.model === page.model) ?? rollouts[0];
}

export function forget() {
  Object.assign(page, {
    snapshot: null,
    gotAtMs: 0,
    link: "",
    history: [],
    historyOf: "",
    told: {},
  });
  page.trails = new Trails();
  page.recent = new Recent();
}

// Where a rollout ended that was rolled back, as its last transition has it.
export function brokeAt(status) {
  if (status.stage !== "rolled_back") return null;
  const last = page.history.find(
    (each) => each.to_stage === "rolled_back" && each.rollout === status.rollout,
  );
  return last ? [last.from_stage, last.from_stage === "canary" ? last.from_step : 0] : null;
}
