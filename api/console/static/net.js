// Requests to the server. They carry the CSRF token; a refusal becomes an error with the server's reason.

const csrf = document.querySelector("meta[name=csrf]").content;
export const base = document.querySelector(".bar").dataset.base;

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function send(path, request, ifAway) {
  let answer;
  try {
    answer = await fetch(base + path, request);
  } catch {
    throw new Refused(ifAway, 0);
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(problem.detail || `The service answered ${answer.status}.`, answer.status);
}

export async function post(path, fields = {}) {
  const body = new URLSearchParams(fields);
  const headers = { "X-CSRF-Token": csrf, Accept: "application/json" };
  const request = { method: "POST", body, headers };
  const answer = await send(path, request, "The service does not answer. Nothing was saved.");
  if (answer.status === 204) return {};
  try {
    return await answer.json();
  } catch { // a page with status 200, such as the sign-in of a proxy
    throw new Refused("Another server answered in place of the service. Reload the page.", answer.status);
  }
}

export async function text(path) {
  const answer = await send(path, { headers: { Accept: "application/json" } }, "The service does not answer.");
  return answer.text();
}

export function leave(path) {
  navigator.sendBeacon(base + path, new URLSearchParams({ csrf }));
}
