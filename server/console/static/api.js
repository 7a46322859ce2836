// The gateway's routes, with the token of this tab.

const TOKEN = "understudy.token";
const BY = "understudy.by";
const PATIENCE_MS = 10_000;

export class Refused extends Error {
  constructor(status, problem) {
    const parts = [
      problem.field ? `${problem.field}: ` : "",
      problem.detail ?? "",
      problem.remedy ? `. To do: ${problem.remedy}` : "",
    ];
    super(parts.join("") || `refused with ${status}`);
    this.status = status;
  }
}

export const credentials = {
  get token() {
    return sessionStorage.getItem(TOKEN);
  },
  get by() {
    return sessionStorage.getItem(BY) || null;
  },
  keep(token, by) {
    sessionStorage.setItem(TOKEN, token);
    sessionStorage.setItem(BY, by);
  },
  forget() {
    sessionStorage.removeItem(TOKEN);
  },
};

export async function ask(path, { body, signal } = {}) {
  const answer = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: {
      Authorization: `Bearer ${credentials.token}`,
      ...(body ? { "Content-Type": "application/json" } : {}),
    },
    body: body && JSON.stringify(body),
    signal: signal ?? AbortSignal.timeout(PATIENCE_MS),
    cache: "no-store",
  });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, problem);
}

export const json = async (path, options) => (await ask(path, options)).json();

// What is empty is left out; revision 0 is not.
export function act(model, asked) {
  const body = Object.fromEntries(
    Object.entries({ ...asked, by: credentials.by }).filter(([, value]) => value || value === 0),
  );
  return json(`v1/rollouts/${encodeURIComponent(model)}`, { body });
}
