// How guardrails went: what the gateway told at first, and each snapshot since.

const APART_MS = 2_000;
const MOST = 400;

export class Trails {
  #held = new Map();

  replace(trails) {
    this.#held = new Map(trails.map((trail) => [trail.model, trail]));
  }

  add(status) {
    const verdict = status.verdict;
    if (!verdict) return;
    const tally = `${status.rollout}-${status.stage}-${status.step}`;
    const held = this.#held.get(status.model);
    const trail =
      held?.tally === tally
        ? held
        : { model: status.model, tally, at_ms: [], requests: [], guardrails: {} };
    this.#held.set(status.model, trail);
    if (status.now_ms - (trail.at_ms.at(-1) ?? -Infinity) < APART_MS) return;
    for (const [name, each] of Object.entries(verdict.figures)) {
      if (each.alpha === 0) continue;
      trail.guardrails[name] ??= trail.at_ms.map(() => null);
    }
    trail.at_ms.push(status.now_ms);
    trail.requests.push(verdict.requests);
    for (const [name, points] of Object.entries(trail.guardrails)) {
      const each = verdict.figures[name];
      points.push(each ? [each.harm, each.low, each.high] : null);
    }
    if (trail.at_ms.length > MOST) thin(trail);
  }

  of(status) {
    return this.#held.get(status.model);
  }
}

// Every other one: a line twice as long is drawn half as fine.
function thin(trail) {
  const every = (_, place) => place % 2 === 0;
  trail.at_ms = trail.at_ms.filter(every);
  trail.requests = trail.requests.filter(every);
  for (const [name, points] of Object.entries(trail.guardrails))
    trail.guardrails[name] = points.filter(every);
}
