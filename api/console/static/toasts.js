// The last three decisions, each with its undo.

const KEPT = 3;
const PLACE = "askedbefore-undo";

export class Toasts {
  constructor(place, onUndo) {
    this.place = place;
    this.entries = keptEntries();
    place.addEventListener("click", (event) => {
      if (event.target.closest("button")) onUndo();
    });
    this.#draw();
  }

  // Keeps the saved ones for the next page of this tab.
  async keep() {
    const kept = [];
    for (const { pair, words, title, saved } of this.entries) {
      const answer = await saved.catch(() => null);
      if (answer) kept.push({ pair, words, title, undo: answer.undo });
    }
    sessionStorage.setItem(PLACE, JSON.stringify(kept));
  }

  add(entry) {
    this.entries.push(entry);
    this.entries.splice(0, this.entries.length - KEPT);
    this.#draw();
  }

  take() {
    const entry = this.entries.pop();
    this.#draw();
    return entry;
  }

  drop(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.#draw();
  }

  #draw() {
    const entry = this.entries.at(-1);
    this.place.replaceChildren();
    if (!entry) return;
    const toast = document.createElement("p");
    const words = document.createElement("span");
    words.dir = "auto";
    words.textContent = `${entry.words}: ${entry.title}`;
    const undo = document.createElement("button");
    undo.type = "button";
    undo.innerHTML = "Undo <kbd>U</kbd>";
    toast.append(words, undo);
    this.place.append(toast);
  }
}

function keptEntries() {
  const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
  sessionStorage.removeItem(PLACE);
  return kept.map(({ undo, ...entry }) => ({ ...entry, saved: Promise.resolve({ undo }) }));
}
