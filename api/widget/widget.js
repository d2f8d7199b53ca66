/* The ask box of askedbefore: while a title is typed, up to three questions that were asked before.
 *
 * <script src="https://duplicates.example/widget.js" async data-forum="my-forum" data-key="abq_..."
 *         data-title="#title"></script>
 *
 * It never stops anybody from posting: whatever goes wrong here, the form stays as it is.
 */
(() => {
  "use strict";

  const script = document.currentScript;
  const set = { title: "input[name=title]", into: "", wait: "350", least: "10", ...script.dataset };
  const base = new URL(`v1/forums/${encodeURIComponent(set.forum)}`, script.src).href;
  const WORDS = {
    one: "One question was asked before that may be the same:",
    many: "{n} questions were asked before that may be the same:",
    none: "",
    answered: "answered",
    mine: "This answers me",
    different: "Mine is different",
    glad: "Good. Then there is no need to post.",
    noted: "Noted: yours is different.",
    label: "Asked before",
  };
  const say = (name) => set[`text${name[0].toUpperCase()}${name.slice(1)}`] ?? WORDS[name];
  const MOST = 3;
  const LONGEST = 2000;
  const STYLE = `
    :host { display: block; font: var(--askedbefore-font, inherit); color: var(--askedbefore-text, inherit); }
    :host([hidden]) { display: none; }
    p { margin: var(--askedbefore-gap, .5rem) 0; }
    ul { list-style: none; margin: 0; padding: 0; border: 1px solid var(--askedbefore-line, #8884);
         border-radius: var(--askedbefore-radius, 6px); background: var(--askedbefore-ground, transparent); }
    li { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; padding: .5rem .75rem; }
    li + li { border-top: 1px solid var(--askedbefore-line, #8884); }
    a { flex: 1 1 16rem; color: var(--askedbefore-link, #1a5fb4); overflow-wrap: anywhere; }
    small { color: var(--askedbefore-quiet, inherit); }
    button { font: inherit; font-size: .85em; padding: .2rem .6rem; cursor: pointer; color: inherit;
             background: none; border: 1px solid var(--askedbefore-line, #8888);
             border-radius: var(--askedbefore-radius, 6px); }
    a:focus-visible, button:focus-visible { outline: 2px solid var(--askedbefore-link, #1a5fb4); outline-offset: 2px; }
    li.done { opacity: .6; }
  `;

  const call = (path, body, more = {}) =>
    fetch(base + path, {
      method: "POST",
      mode: "cors",
      credentials: "omit",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${set.key}` },
      body: JSON.stringify(body),
      ...more,
    });

  const tell = (checkId, outcome, candidateId) => {
    const body = { check_id: checkId, outcome };
    if (candidateId !== undefined) body.candidate_id = candidateId;
    call("/outcomes", body, { keepalive: true }).catch(() => {});
  };

  /** Answered ones first, then as the service has sorted them. */
  const best = (found) => {
    const rank = (one) => (one.accepted ? 2 : one.answers > 0 ? 1 : 0);
    return found
      .map((one, place) => [one, place])
      .sort(([a, i], [b, j]) => rank(b) - rank(a) || i - j)
      .slice(0, MOST)
      .map(([one]) => one);
  };

  const element = (name, values = {}, ...children) => {
    const made = Object.assign(document.createElement(name), values);
    made.append(...children);
    return made;
  };

  class AskBox {
    constructor(input) {
      this.input = input;
      this.asked = "";
      this.checkId = null;
      this.shown = new Set();
      this.quietUntil = 0;
      this.host = element("div", { hidden: true });
      this.host.className = "askedbefore";
      const root = this.host.attachShadow({ mode: "open" });
      try {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(STYLE);
        root.adoptedStyleSheets = [sheet];
      } catch {
        root.append(element("style", { textContent: STYLE }));
      }
      this.status = element("p", { id: "status" });
      this.status.setAttribute("role", "status");
      this.list = element("ul");
      this.list.setAttribute("aria-label", say("label"));
      root.append(this.status, this.list);
      const into = set.into && document.querySelector(set.into);
      if (into) into.append(this.host);
      else input.after(this.host);
      this.listen();
    }

    listen() {
      this.input.addEventListener("input", () => this.later());
      this.input.addEventListener("keydown", (event) => {
        if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
        if (event.key === "ArrowDown" && !this.host.hidden) {
          event.preventDefault();
          this.list.querySelector("a, button")?.focus();
        }
        if (event.key === "Escape" && !this.host.hidden) this.hide();
      });
      this.host.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        this.hide();
        this.input.focus();
      });
      this.input.form?.addEventListener("submit", () => this.posted());
    }

    later() {
      clearTimeout(this.timer);
      this.running?.abort();
      this.timer = setTimeout(() => this.ask(), Number(set.wait));
    }

    async ask() {
      // Characters, not halves of them: an emoji has two.
      const letters = [...this.input.value.replace(/\s+/g, " ").trim()].slice(0, LONGEST);
      const title = letters.join("");
      if (letters.length < Number(set.least)) return this.hide();
      if (title === this.asked || Date.now() < this.quietUntil) return undefined;
      const running = new AbortController();
      this.running = running;
      try {
        const answer = await call("/check", { title }, { signal: running.signal });
        if (!answer.ok) {
          const rest = Number(answer.headers.get("Retry-After")) || 5;
          this.quietUntil = Date.now() + rest * 1000;
          return this.hide();
        }
        const found = await answer.json();
        if (running.signal.aborted) return undefined;
        this.asked = title;
        this.show(found.check_id, best(found.duplicates));
      } catch {
        if (!running.signal.aborted) this.hide();
      }
      return undefined;
    }

    hide() {
      this.asked = "";
      this.host.hidden = true;
      this.list.replaceChildren();
      this.status.textContent = say("none");
    }

    show(checkId, found) {
      if (!found.length) {
        this.hide();
        return;
      }
      this.checkId = checkId;
      this.shown.clear();
      this.list.replaceChildren(...found.map((one) => this.item(checkId, one)));
      this.host.hidden = false;
      this.status.textContent = found.length === 1 ? say("one") : say("many").replace("{n}", found.length);
      for (const one of found) tell(checkId, "shown", one.id);
      this.remember(checkId);
    }

    item(checkId, one) {
      const item = element("li");
      const title = one.url ? element("a", { href: one.url, target: "_blank", rel: "noopener" }) : element("span");
      title.textContent = one.title;
      title.dir = "auto"; // each title reads in its own direction
      title.addEventListener("click", () => tell(checkId, "opened", one.id));
      item.append(title);
      if (one.accepted || one.answers > 0) item.append(element("small", { textContent: say("answered") }));
      for (const [outcome, word, after] of [
        ["answered", "mine", "glad"],
        ["different", "different", "noted"],
      ]) {
        const button = element("button", { type: "button", textContent: say(word) });
        button.setAttribute("aria-label", `${say(word)}: ${one.title}`);
        button.addEventListener("click", () => {
          tell(checkId, outcome, one.id);
          this.status.textContent = say(after);
          item.className = "done";
          for (const other of item.querySelectorAll("button")) other.disabled = true;
          this.input.focus();
        });
        item.append(button);
      }
      return item;
    }

    /** Leave the check's name in the form, for a backend that tells which question was posted. */
    remember(checkId) {
      if (!this.input.form) return;
      let field = this.input.form.querySelector("input[name=askedbefore_check]");
      if (!field) {
        field = element("input", { type: "hidden", name: "askedbefore_check" });
        this.input.form.append(field);
      }
      field.value = checkId;
    }

    posted() {
      if (this.checkId !== null) tell(this.checkId, "posted");
    }
  }

  const look = () => {
    const input = document.querySelector(set.title);
    if (input && !input.dataset.askedbefore) {
      input.dataset.askedbefore = "on";
      new AskBox(input);
    }
  };
  const begin = () => {
    look();
    // A forum may open its form later, and again and again.
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
