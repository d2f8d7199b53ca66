// The list of pairs: which comes next, who looks at what, what is done.

import { base, text } from "./net.js";

const MORE_BELOW = 12;

export class Queue {
  constructor(list, query) {
    this.list = list;
    this.query = query;
    this.claims = {};
    this.done = new Set();
    this.isAtEnd = false;
    this.loading = null;
  }

  links() {
    return [...this.list.querySelectorAll("a[data-pair]")];
  }

  link(pair) {
    return this.list.querySelector(`a[data-pair="${pair}"]`);
  }

  title(pair) {
    return this.link(pair)?.querySelector(".title").textContent ?? `pair ${pair}`;
  }

  address(pair) {
    return `${base}/review/${pair}${this.query ? `?${this.query}` : ""}`;
  }

  mark(pair) {
    for (const link of this.links()) {
      if (link.dataset.pair === pair) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    this.link(pair)?.scrollIntoView({ block: "nearest" });
    if (this.isDrawer()) this.list.closest("details").open = false;
  }

  isDrawer() {
    return matchMedia("(max-width: 760px)").matches;
  }

  // The nearest pair behind (step 1) or before (step -1), stepping over what is done or a colleague's.
  neighbour(pair, step, { past = false } = {}) {
    const links = this.links();
    const here = links.findIndex((link) => link.dataset.pair === pair);
    for (let place = here + step; place >= 0 && place < links.length; place += step) {
      const other = links[place].dataset.pair;
      if (past || (!this.done.has(other) && !this.claims[other])) return other;
    }
    return null;
  }

  async next(pair) {
    const found = this.neighbour(pair, 1);
    if (found) return found;
    await this.more();
    return this.neighbour(pair, 1) ?? this.links().map((l) => l.dataset.pair)
      .find((other) => other !== pair && !this.done.has(other) && !this.claims[other]) ?? null;
  }

  async more() {
    if (this.isAtEnd) return;
    this.loading ??= this.#load().finally(() => { this.loading = null; });
    await this.loading;
  }

  async #load() {
    const last = this.links().at(-1)?.dataset.pair ?? 0;
    const query = this.query ? `&${this.query}` : "";
    const html = await text(`/queue?after=${last}${query}`);
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelectorAll("li");
    this.isAtEnd = fresh.length === 0;
    for (const item of fresh) {
      if (!this.link(item.querySelector("a").dataset.pair)) this.list.append(item);
    }
  }

  refill(pair) {
    const left = this.links().length - this.links().findIndex((l) => l.dataset.pair === pair);
    if (left < MORE_BELOW) this.more().catch(() => {});
  }

  finish(pair, words = "") {
    this.done.add(pair);
    const link = this.link(pair);
    if (!link) return;
    link.classList.add("done");
    link.querySelector(".who").textContent = words;
  }

  reopen(pair) {
    this.done.delete(pair);
    const link = this.link(pair);
    if (!link) return;
    link.classList.remove("done");
    link.querySelector(".who").textContent = "";
  }

  show(claims) {
    this.claims = claims;
    for (const link of this.links()) {
      if (this.done.has(link.dataset.pair)) continue;
      const name = claims[link.dataset.pair];
      const place = link.querySelector(".who");
      if (!name) place.replaceChildren();
      else if (place.title !== name) place.replaceChildren(badge(name));
    }
  }
}

export function badge(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? words[0][0] + words.at(-1)[0] : name[0];
  const bytes = new TextEncoder().encode(name);
  const shown = document.createElement("span");
  shown.className = `initial hue-${bytes.reduce((sum, byte) => sum + byte, 0) % 8}`;
  shown.title = `${name} is looking at it`;
  shown.textContent = letters.toUpperCase();
  return shown;
}
