// The list of entries: which one comes next, which are claimed, which are decided.
// An entry is known by its first pair ("12"), a second opinion by its own number ("s3").

import { base, text } from "./net.js";

const MORE_BELOW = 12;

export class Queue {
  constructor(list, query) {
    this.list = list;
    this.query = query;
    this.claims = {};
    this.done = new Set();
    this.decided = new Set();
    this.isAtEnd = this.#takeCursor() === null;
    this.loading = null;
  }

  links() {
    return [...this.list.querySelectorAll("a[data-pair]")];
  }

  link(pair) {
    return this.list.querySelector(`a[data-pair="${pair}"]`);
  }

  title(key) {
    return this.link(key)?.querySelector(".title").textContent ?? `pair ${key}`;
  }

  address(key) {
    return this.link(key)?.href ?? `${base}/review/${key}${this.query ? `?${this.query}` : ""}`;
  }

  stagePath(key) {
    return this.link(key)?.dataset.stage ?? `/pairs/${key}/stage`;
  }

  // Returns the key of the entry that contains a pair: the server reports changes by pair.
  keyOf(pair) {
    const holds = (link) => link.dataset.pairs.split(" ").includes(pair);
    return this.links().find(holds)?.dataset.pair ?? pair;
  }

  claimant(key) {
    const pairs = this.link(key)?.dataset.pairs.split(" ") ?? [key];
    return pairs.map((pair) => this.claims[pair]).find(Boolean);
  }

  // Notes that a pair was decided; returns whether all pairs of its entry are decided now.
  isOver(pair, key) {
    this.decided.add(pair);
    const pairs = this.link(key)?.dataset.pairs.split(" ") ?? [pair];
    return pairs.every((one) => this.decided.has(one));
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

  // Returns the next (step 1) or previous (step -1) entry that is neither decided nor claimed by a colleague.
  neighbour(pair, step, { past = false } = {}) {
    const links = this.links();
    const here = links.findIndex((link) => link.dataset.pair === pair);
    for (let place = here + step; place >= 0 && place < links.length; place += step) {
      const other = links[place].dataset.pair;
      if (past || (!this.done.has(other) && !this.claimant(other))) return other;
    }
    return null;
  }

  async next(pair) {
    const found = this.neighbour(pair, 1);
    if (found) return found;
    await this.more();
    return this.neighbour(pair, 1) ?? this.links().map((l) => l.dataset.pair)
      .find((other) => other !== pair && !this.done.has(other) && !this.claimant(other)) ?? null;
  }

  async more() {
    if (this.isAtEnd) return;
    this.loading ??= this.#load().finally(() => { this.loading = null; });
    await this.loading;
  }

  async #load() {
    const told = Math.max(0, ...this.links().map((link) => Number(link.dataset.opinion ?? 0)));
    const query = new URLSearchParams(this.query);
    query.set("told", told);
    if (this.after) query.set("after", this.after);
    const html = await text(`/queue?${query}`);
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelectorAll("li");
    for (const item of fresh) {
      const key = item.querySelector("a")?.dataset.pair;
      if (!key || !this.link(key)) this.list.append(item);
    }
    this.isAtEnd = this.#takeCursor() === null;
  }

  // Reads from the last page where the next page begins: after the entry with this pair.
  #takeCursor() {
    const mark = this.list.querySelector("[data-after]");
    this.after = mark?.dataset.after ?? this.after ?? null;
    mark?.remove();
    return mark;
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
    for (const one of this.link(pair)?.dataset.pairs.split(" ") ?? []) this.decided.delete(one);
    const link = this.link(pair);
    if (!link) return;
    link.classList.remove("done");
    link.querySelector(".who").textContent = "";
  }

  show(claims) {
    this.claims = claims;
    for (const link of this.links()) {
      if (this.done.has(link.dataset.pair)) continue;
      const name = this.claimant(link.dataset.pair);
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
