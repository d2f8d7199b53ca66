// The review page: one entry on stage, decided by keys, saved in the background.

import { isForThePage } from "./keys.js";
import { listen } from "./live.js";
import { base, leave, post, text } from "./net.js";
import { asFields, choose, isJoining, isTooFew, showChoice, takeOut } from "./entry.js";
import { Queue } from "./queue.js";
import { Toasts } from "./toasts.js";

const SKELETON_MS = 150;
const CLAIM_AGAIN_MS = 60_000;
const WORDS = { duplicate: "Duplicate", not_duplicate: "Not the same", related: "Related", skip: "Skipped" };
const wordsOf = (status) => (WORDS[status] ?? status).toLowerCase();

const desk = document.querySelector(".desk");
const place = document.querySelector("#place");
const said = document.querySelector("#said");
const queue = new Queue(document.querySelector("#queue"), desk.dataset.query);
const toasts = new Toasts(document.querySelector("#toasts"), undo);
const fetched = new Map();
let current = stage()?.dataset.pair ?? null;
let isActive = true;

function stage() {
  return place.querySelector(".stage");
}

function fetchStage(pair) {
  if (!fetched.has(pair)) {
    const html = text(queue.stagePath(pair));
    fetched.set(pair, html);
    html.catch(() => fetched.delete(pair));
  }
  return fetched.get(pair);
}

async function show(pair, { push = true, reason = "" } = {}) {
  current = pair;
  queue.mark(pair);
  if (push) history.pushState({ pair }, "", queue.address(pair));
  const slow = setTimeout(() => place.classList.add("loading"), SKELETON_MS);
  let html;
  try {
    html = await fetchStage(pair);
  } catch (error) {
    html = null;
    reason = error.message;
  }
  clearTimeout(slow);
  place.classList.remove("loading");
  if (current !== pair) return;
  fetched.delete(pair);
  if (html !== null) put(html);
  if (reason) tell(reason);
  if (html !== null) await onStage(pair);
}

function put(html) {
  const hadFocus = place.contains(document.activeElement);
  const act = document.activeElement?.dataset.act;
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(".stage");
  place.replaceChildren(document.adoptNode(fresh));
  showChoice(fresh);
  if (hadFocus) {
    fresh.tabIndex = -1;
    const same = act ? fresh.querySelector(`[data-act="${act}"]`) : null;
    (same ?? fresh).focus({ preventScroll: true });
  }
  window.scrollTo({ top: 0 });
  const titles = [...fresh.querySelectorAll(".card h2, .node h2")].map((title) => title.textContent);
  said.textContent = `${fresh.querySelector("h1").textContent}. ${titles.join(". ")}`;
}

async function onStage(pair) {
  queue.refill(pair);
  const following = queue.neighbour(pair, 1);
  if (following) fetchStage(following).catch(() => {});
  await claim().catch(() => {});
}

async function claim() {
  const pairs = stage()?.dataset.pairs;
  if (pairs) await post("/claim", { pairs });
}

function tell(message) {
  const news = stage()?.querySelector(".news") ?? place;
  const notice = document.createElement("p");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  notice.textContent = message;
  news.replaceChildren(notice);
}

async function advance(pair) {
  const next = await queue.next(pair).catch(() => null);
  if (current !== pair) return;
  if (next) return show(next);
  await toasts.keep();
  location.assign(`${base}/review${queue.query ? `?${queue.query}` : ""}`);
}

// Saves in the background: the next pair is on stage already, and a refusal brings this one back.
function save(words, request) {
  const pair = current;
  const entry = { pair, words, title: queue.title(pair) };
  queue.finish(pair, "✓");
  entry.saved = request();
  entry.saved.catch((error) => {
    toasts.drop(entry);
    queue.reopen(pair);
    fetched.delete(pair);
    show(pair, { reason: `Not saved. ${error.message}` });
  });
  toasts.add(entry);
  const isLast = queue.neighbour(pair, 1) === null;
  if (isLast) entry.saved.then(() => advance(pair), () => {});
  else advance(pair);
}

async function decide(status, keep = "first") {
  const shown = stage();
  if (!shown) return;
  const isDuplicate = status === "duplicate";
  if (isDuplicate && isTooFew(shown)) return tell("Keep at least two questions, or press N if none are the same.");
  const isMerge = isDuplicate && isJoining(shown);
  if (isMerge && !(await asked(shown.querySelector("dialog.merge")))) return;
  const form = shown.querySelector("form.actions");
  const fields = asFields(form, { status, keep, merge: isMerge });
  save(WORDS[status], () => post(form.getAttribute("action").slice(base.length), fields));
}

function asked(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    // The event comes some time after the dialog was closed. If the dialog has been opened again by
    // then, its next closing gives the answer.
    dialog.onclose = () => dialog.open || resolve(dialog.returnValue === "merge");
  });
}

function skip() {
  const pairs = stage()?.dataset.pairs;
  if (pairs) save(WORDS.skip, () => post("/skip", { pairs }));
}

async function undo() {
  const entry = toasts.take();
  if (!entry) return undoShown();
  try {
    const answer = await entry.saved;
    await post(answer.undo);
    queue.reopen(entry.pair);
    fetched.delete(entry.pair);
    await show(entry.pair);
    said.textContent = `Undone: ${entry.title}`;
  } catch (error) {
    tell(`Not undone. ${error.message}`);
  }
}

async function undoShown() {
  const decision = stage()?.querySelector("[data-act=undo]").dataset.decision;
  if (!decision) return tell("Nothing to undo here. Older decisions are on the History page.");
  try {
    await post(`/decisions/${decision}/undo`);
    fetched.delete(current);
    await show(current, { push: false });
  } catch (error) {
    tell(`Not undone. ${error.message}`);
  }
}

function go(step) {
  const other = current && queue.neighbour(current, step, { past: step < 0 });
  if (other) show(other);
  else if (step > 0 && current) advance(current);
}

function openBoth() {
  for (const link of stage()?.querySelectorAll("a.open") ?? []) {
    window.open(link.href, "_blank", "noopener,noreferrer");
  }
}

function openGroup() {
  const link = stage()?.querySelector("a.group");
  if (link) location.assign(link.href);
  else said.textContent = "This pair has no group yet.";
}

function openFilters(field) {
  document.querySelector(".drawer").open = true;
  const filters = document.querySelector(".filters details");
  filters.open = field ? true : !filters.open;
  (field ? filters.querySelector(field) : filters.querySelector("summary")).focus();
}

const ACTS = {
  duplicate: () => decide("duplicate"),
  other: () => decide("duplicate", "other"),
  not_duplicate: () => decide("not_duplicate"),
  related: () => decide("related"),
  skip,
  undo,
  open: openBoth,
  next: () => go(1),
  previous: () => go(-1),
  help: () => document.querySelector("#help").showModal(),
  group: openGroup,
  filters: () => openFilters(),
  search: () => openFilters("input[name=q]"),
};
const NUMBER = /^Digit([1-9])$/;
const KEYS = {
  d: "duplicate", D: "other", n: "not_duplicate", r: "related", s: "skip", u: "undo", o: "open",
  j: "next", ArrowDown: "next", k: "previous", ArrowUp: "previous", g: "group", f: "filters",
  "/": "search", "?": "help",
};

document.addEventListener("keydown", (event) => {
  isActive = true;
  if (!isForThePage(event) || isOfTheRadio(event)) return;
  const number = event.code.match(NUMBER)?.[1];
  if (number && takeOut(stage(), number, { stays: event.shiftKey })) return event.preventDefault();
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  ACTS[act]();
});
// If a radio button has the focus, the arrow keys move between the radio buttons.
function isOfTheRadio(event) {
  return event.key.startsWith("Arrow") && event.target.matches?.("input[type=radio]");
}

document.addEventListener("change", (event) => {
  if (!event.target.matches(".node input")) return;
  choose(stage(), event.target);
});
document.addEventListener("pointerdown", () => { isActive = true; });
document.addEventListener("click", (event) => {
  const act = event.target.closest("[data-act]")?.dataset.act;
  const link = event.target.closest("#queue a[data-pair]");
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (act) {
    event.preventDefault();
    ACTS[act]();
  } else if (link && isPlain) {
    event.preventDefault();
    show(link.dataset.pair);
  }
});
document.addEventListener("submit", (event) => {
  // Enter in the note must not decide anything: only the buttons and keys do.
  if (event.target.matches("form.actions") && !event.submitter?.dataset.act) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("form.actions input")) return;
  if (event.key === "Escape" || (event.key === "Enter" && !event.isComposing)) {
    event.preventDefault();
    event.target.blur();
  }
});
document.querySelector(".filters select[name=sort]").addEventListener("change", (event) => {
  event.target.form.requestSubmit();
});
window.addEventListener("popstate", (event) => {
  if (event.state?.pair) show(event.state.pair, { push: false });
});
window.addEventListener("pagehide", () => leave("/release"));
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
setInterval(() => {
  if (isActive && !document.hidden && current) claim().catch(() => {});
  isActive = false;
}, CLAIM_AGAIN_MS);

function hear(news) {
  if (news.missing) return location.reload();
  const waiting = document.querySelector("#waiting");
  const limit = Number(waiting.dataset.limit);
  waiting.textContent = news.waiting > limit ? `${limit.toLocaleString("en")}+` : news.waiting.toLocaleString("en");
  document.querySelector("#done").textContent = news.done.toLocaleString("en");
  queue.show(news.claims);
  for (const change of news.changes) hearChange(change);
  if (!current && news.changes.some((change) => change.status === "flagged")) location.reload();
}

function hearChange({ pair, status, by, mine }) {
  const id = String(pair);
  const key = queue.keyOf(id);
  fetched.delete(key);
  if (mine || key.startsWith("s")) return;
  const isOpen = status === "flagged";
  if (isOpen) queue.reopen(key);
  else if (queue.isOver(id, key)) queue.finish(key, "✓");
  if (!isOpen && stage()?.dataset.pairs.split(" ").includes(id)) {
    tell(`${by} decided on this pair meanwhile: ${wordsOf(status)}. Press J for the next pair, or look at this one again.`);
  }
}

listen(desk.dataset.seen, hear);

if (queue.isDrawer()) document.querySelector(".drawer").open = false;
if (current) {
  const isNamed = location.pathname !== `${base}/review`;
  history.replaceState({ pair: current }, "", isNamed ? location.href : queue.address(current));
  queue.mark(current);
  showChoice(stage());
  onStage(current);
}
