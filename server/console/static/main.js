// Sign in, follow, sign out.

import { credentials } from "./api.js";
import { askToAct, askToStart } from "./ask.js";
import { STALE_MS, draw, tick } from "./board.js";
import { byId, say, show } from "./dom.js";
import { forget, page } from "./state.js";
import { follow } from "./stream.js";
import { readModels } from "./told.js";

const MODELS_MS = 60_000;
const TICK_MS = 500;

const on = {
  trails: (trails) => page.trails.replace(trails),
  snapshot: take,
  link: (text) => {
    page.link = text;
    tick();
  },
  refused: (error) => {
    signOut();
    say(byId("login-error"), error.message);
  },
};

function take(snapshot) {
  if (page.gotAtMs && performance.now() - page.gotAtMs > STALE_MS) page.recent.gap();
  Object.assign(page, { snapshot, gotAtMs: performance.now(), link: "" });
  if (snapshot.live.seconds) page.recent.add(snapshot.live.latest);
  for (const status of snapshot.rollouts) page.trails.add(status);
  draw();
  tick();
}

function signIn() {
  show(byId("login"), false);
  for (const name of ["board", "leave"]) show(byId(name), true);
  page.stop = new AbortController();
  tick();
  readModels();
  follow("console/live", on, page.stop.signal);
}

function signOut() {
  page.stop?.abort();
  forget();
  credentials.forget();
  for (const name of ["board", "leave"]) show(byId(name), false);
  show(byId("login"), true);
  byId("link").dataset.state = "off";
  byId("link-text").textContent = "signed out";
  byId("token").focus();
}

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  say(byId("login-error"), "");
  credentials.keep(byId("token").value, byId("by").value.trim());
  byId("token").value = "";
  signIn();
});
byId("leave").addEventListener("click", signOut);
byId("acts").addEventListener("click", (event) => {
  const name = event.target.closest("[data-act]")?.dataset.act;
  if (name) askToAct(name);
});
byId("models").addEventListener("click", (event) => {
  const name = event.target.closest("[data-use]")?.dataset.use;
  if (!name || byId("start").hidden) return;
  byId("to").value = name;
  byId("to").focus();
});
byId("start").addEventListener("submit", (event) => {
  event.preventDefault();
  askToStart();
});
byId("plan").addEventListener("change", () => {
  show(byId("toml-field"), byId("plan").value === "toml");
});
byId("model").addEventListener("change", () => {
  page.model = byId("model").value;
  page.historyOf = "";
  draw();
});
setInterval(() => credentials.token && tick(), TICK_MS);
setInterval(() => credentials.token && !document.hidden && readModels(), MODELS_MS);

if (credentials.token) {
  signIn();
} else {
  show(byId("login"), true);
  byId("by").value = credentials.by ?? "";
  byId("token").focus();
}
