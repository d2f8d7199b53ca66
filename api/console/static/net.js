// Requests to the server. They carry the CSRF token; a refusal becomes an error with the server's reason.

const csrf = document.querySelector("meta[name=csrf]").content;
export const base = document.querySelector(".bar").dataset.base;

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export async function post(path, fields = {}) {
  const body = new URLSearchParams(fields);
  const headers = { "X-CSRF-Token": csrf, Accept: "application/json" };
  let answer;
  try {
    answer = await fetch(base + path, { method: "POST", body, headers });
  } catch {
    throw new Refused("The service does not answer. Nothing was saved.", 0);
  }
  if (answer.ok) return answer.status === 204 ? {} : answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(problem.detail || `The service answered ${answer.status}.`, answer.status);
}

export async function text(path) {
  const answer = await fetch(base + path, { headers: { Accept: "application/json" } });
  if (answer.ok) return answer.text();
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(problem.detail || `The service answered ${answer.status}.`, answer.status);
}

export function leave(path) {
  navigator.sendBeacon(base + path, new URLSearchParams({ csrf }));
}
