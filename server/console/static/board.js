// The board: everything that a snapshot changes.

import { byId, fill, h, say, show } from "./dom.js";
import { span } from "./format.js";
import { guards } from "./guards.js";
import { live } from "./live.js";
import { acts, headline, isRunning, rollout } from "./rollout.js";
import { brokeAt, chosen, page } from "./state.js";
import { fleet } from "./tables.js";
import { readHistory } from "./told.js";

export const STALE_MS = 3_500;
const REDIS_AWAY =
  "Redis is away: this is the last state of the rollout that was read. Every gateway keeps to it.";

export function draw() {
  const { snapshot } = page;
  const status = chosen();
  fill(byId("live"), live(snapshot.live, snapshot.status, page.recent));
  pickModel(snapshot.rollouts);
  for (const name of ["fleet-card", "history-card"]) show(byId(name), Boolean(status));
  if (status) drawRollout(status);
  else drawNone(snapshot.status);
}

function drawRollout(status) {
  announce(status);
  fill(byId("rollout"), rollout(status, brokeAt(status)));
  const possible = acts(status);
  fill(byId("acts"), possible.map(button));
  show(byId("acts"), possible.length > 0);
  show(byId("start"), !isRunning(status));
  const isJudged = Boolean(status.verdict) && isRunning(status);
  show(byId("guards-card"), isJudged);
  if (isJudged) fill(byId("guards"), guards(status, page.trails.of(status)));
  fill(byId("fleet"), fleet(status));
  readHistory(status);
}

function drawNone(waitsFor) {
  const isReady = waitsFor === "ready";
  const why = "Gateways agree on a rollout by Redis: set UNDERSTUDY_REDIS_URL.";
  fill(
    byId("rollout"),
    h("h2", { id: "rollout-title" }, isReady ? "Rollouts are off" : "Not ready"),
    h("p", null, isReady ? why : waitsFor),
  );
  for (const name of ["start", "acts", "guards-card"]) show(byId(name), false);
}

function button([name, label, isDangerous]) {
  const look = isDangerous ? "danger" : name === "promote" ? "quiet" : null;
  return h("button", { type: "button", "data-act": name, "data-key": name, class: look }, label);
}

function pickModel(rollouts) {
  const names = rollouts.map((each) => each.model);
  const select = byId("model");
  fill(
    select,
    names.map((name) => h("option", { "data-key": name }, name)),
  );
  select.value = chosen()?.model ?? "";
  show(select.parentElement, names.length > 1);
}

// Each transition once; what may want a hand at once, the rest when there is a pause in speech.
function announce(status) {
  const said = headline(status);
  const before = page.told[status.model];
  page.told[status.model] = said;
  document.title = `${said} – Understudy`;
  if (before === undefined || before === said) return;
  const isBad = status.stage === "rolled_back" || status.is_paused;
  byId(isBad ? "alarm" : "said").textContent = status.reason ? `${said}. ${status.reason}` : said;
}

// How old all this is.
export function tick() {
  const ageMs = page.gotAtMs ? performance.now() - page.gotAtMs : Infinity;
  const isOld = Boolean(page.snapshot) && ageMs > STALE_MS;
  byId("link").dataset.state = !page.snapshot ? "wait" : isOld ? "lost" : "live";
  const text = !page.snapshot
    ? page.link || "connecting"
    : isOld
      ? `${span(ageMs / 1000)} old`
      : "live";
  if (byId("link-text").textContent !== text) byId("link-text").textContent = text;
  byId("board").classList.toggle("old", isOld);
  say(byId("stale"), isOld ? old(ageMs) : chosen()?.is_following === false ? REDIS_AWAY : "");
}

function old(ageMs) {
  const why = page.link ? `: ${page.link}` : "";
  return `No news for ${span(ageMs / 1000)}${why}. What you see is from then; it is tried again by itself.`;
}
