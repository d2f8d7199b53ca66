// Decides which key presses are for the page, and not for a field, the browser or an input method.

const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=''], [contenteditable=true]";

export function isForThePage(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) return false;
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return false;
  return !event.target.closest?.(FIELDS);
}
