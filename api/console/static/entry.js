// Several questions on stage: which of them are the same, and which one is canonical.

const rows = (stage) => [...(stage?.querySelectorAll(".node") ?? [])];
const keep = (row) => row.querySelector("input[name=keep]");
const stays = (row) => row.querySelector("input[name=canonical]");
const isKept = (row) => keep(row).checked;

// Takes the row with this number out or back in; with *stays* its question becomes canonical.
export function takeOut(stage, number, options) {
  const row = rows(stage)[Number(number) - 1];
  if (!row) return false;
  const input = options.stays ? stays(row) : keep(row);
  input.checked = options.stays || !input.checked;
  choose(stage, input);
  return true;
}

// Keeps both choices consistent: the canonical question is always one of those that are kept.
export function choose(stage, input) {
  const row = input.closest(".node");
  if (input.name === "canonical") keep(row).checked = true;
  const kept = rows(stage).filter(isKept);
  if (kept.length && !kept.some((one) => stays(one).checked)) stays(kept[0]).checked = true;
  showChoice(stage);
}

export function showChoice(stage) {
  const all = rows(stage);
  if (!all.length) return;
  for (const row of all) row.classList.toggle("out", !isKept(row));
  for (const row of all) row.classList.toggle("chosen", isKept(row) && stays(row).checked);
  const kept = all.filter(isKept).length;
  const words = kept === all.length ? "All the same" : `The same: ${kept} of ${all.length}`;
  stage.querySelector("[data-act=duplicate] .what").textContent = words;
}

export function isTooFew(stage) {
  const all = rows(stage);
  return all.length > 0 && all.filter(isKept).length < 2;
}

export function isJoining(stage) {
  if (stage.hasAttribute("data-bridge")) return true;
  const groups = rows(stage).filter(isKept).map((row) => row.dataset.group).filter(Boolean);
  return new Set(groups).size > 1;
}

// Returns the fields of one decision; *which* says whether the first card of a pair is canonical, or the other.
export function asFields(form, { status, keep: which, merge }) {
  const fields = new URLSearchParams(new FormData(form));
  fields.set("status", status);
  fields.set("merge", merge);
  const chosen = form.querySelector("input[type=hidden][name=canonical]")?.dataset[which];
  if (chosen) fields.set("canonical", chosen);
  if (status !== "duplicate") fields.delete("canonical");
  return fields;
}
