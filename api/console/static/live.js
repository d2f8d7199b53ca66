// News of colleagues: all that happened since the page was read, each once.

import { base } from "./net.js";

const AGAIN_MS = 5_000;

export function listen(seen, hear) {
  const stream = new EventSource(`${base}/live?${new URLSearchParams({ seen })}`);
  stream.addEventListener("message", (event) => {
    seen = event.lastEventId;
    hear(JSON.parse(event.data));
  });
  // A browser opens a broken stream again, but not one that was answered with an error.
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => listen(seen, hear), AGAIN_MS);
  });
}
