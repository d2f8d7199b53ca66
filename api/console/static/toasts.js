// The last decisions, each with its undo, until the next three are done.

const KEPT = 3;

export class Toasts {
  constructor(place, onUndo) {
    this.place = place;
    this.entries = [];
    place.addEventListener("click", (event) => {
      if (event.target.closest("button")) onUndo();
    });
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
