// What an operator wants done, asked again before it is. It is done to the revision that was shown
// when it was asked, or refused.

import { act } from "./api.js";
import { confirm } from "./dialog.js";
import { byId, show } from "./dom.js";
import { called, shortly } from "./format.js";
import { meant } from "./rollout.js";
import { chosen } from "./state.js";

export function askToAct(name) {
  const status = chosen();
  const [title, text, yes] = meant(name, status);
  confirm({
    title,
    text,
    yes,
    isDangerous: name === "abort",
    hasAll: name === "promote",
    run: ({ reason, all }) =>
      act(status.model, { act: name, reason, all, revision: status.revision }),
  });
}

export function askToStart() {
  const status = chosen();
  const to = byId("to").value.trim();
  const choice = byId("plan").value;
  const isDirect = choice === "direct";
  confirm({
    title: "Start the rollout?",
    text:
      `Every gateway of ${status.model} loads ${shortly(to)} beside ${called(status.stable)}. ` +
      (isDirect
        ? "It then answers all of the traffic without being judged."
        : "Nobody is answered by it before it was verified and shadowed."),
    yes: "Start",
    reason: byId("why").value,
    run: async ({ reason }) => {
      const plan = choice === "toml" ? byId("toml").value : choice;
      await act(status.model, {
        act: "start",
        to,
        plan,
        reason,
        revision: status.revision,
      });
      byId("start").reset();
      show(byId("toml-field"), false);
    },
  });
}
