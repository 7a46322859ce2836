// What is asked for beside the stream: history when it grows, models and bundles now and then.

import { json } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { rollout } from "./rollout.js";
import { brokeAt, chosen, page } from "./state.js";
import { history, models } from "./tables.js";

const AGAIN_MS = 5_000;

export async function readHistory(status) {
  const wanted = `${status.model} ${status.revision}`;
  if (page.historyOf === wanted) return;
  page.historyOf = wanted;
  try {
    const path = `v1/rollouts/${encodeURIComponent(status.model)}/history`;
    const told = (await json(path)).transitions;
    if (page.historyOf !== wanted) return;
    page.history = told;
    fill(byId("history"), history(told));
    fill(byId("rollout"), rollout(chosen(), brokeAt(chosen())));
    readModels(); // a lane may have come or gone with the change
  } catch (error) {
    if (page.historyOf !== wanted) return;
    fill(byId("history"), unread("history-title", "History", error));
    setTimeout(() => {
      if (page.historyOf === wanted) page.historyOf = "";
    }, AGAIN_MS);
  }
}

export async function readModels() {
  try {
    const known = await json("v1/models");
    const { bundles, note } = await readBundles();
    fill(byId("models"), models(known, bundles, note));
    const students = bundles.filter((each) => each.role === "student");
    fill(
      byId("bundles-known"),
      students.map((each) => h("option", { value: `${each.name}-${each.version}` }, each.message)),
    );
  } catch (error) {
    fill(byId("models"), unread("models-title", "Models and bundles", error));
  }
}

async function readBundles() {
  try {
    const told = await json("v1/bundles");
    const none =
      told.registry === null
        ? "None is configured: set UNDERSTUDY_REGISTRY."
        : "It holds no bundle.";
    return { bundles: told.bundles, note: told.bundles.length ? "" : none };
  } catch (error) {
    return { bundles: [], note: error.message };
  }
}

function unread(id, title, error) {
  return [h("h2", { id }, title), h("p", { class: "note" }, error.message)];
}
