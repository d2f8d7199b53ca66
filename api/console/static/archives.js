// Sends a file and shows its progress; loads the archives' figures again while one is being worked on.

import { base } from "./net.js";

const EVERY_MS = 3000;
const form = document.querySelector("#upload");
const csrf = document.querySelector("meta[name=csrf]").content;

function send(file) {
  const bar = form.querySelector("progress");
  const said = form.querySelector("output");
  const request = new XMLHttpRequest();
  request.open("POST", `${base}/archives?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("X-CSRF-Token", csrf);
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", (event) => {
    bar.value = event.lengthComputable ? event.loaded / event.total : 0;
    said.textContent = bar.value < 1 ? `${Math.round(bar.value * 100)} % sent` : "Sent. The questions are being read and stored.";
  });
  request.addEventListener("load", () => {
    const answer = JSON.parse(request.responseText || "{}");
    const isDone = request.status === 202;
    said.textContent = isDone ? "Stored. The progress of the search for duplicates is shown below." : answer.detail || `The service answered ${request.status}.`;
    ready();
    refresh();
  });
  request.addEventListener("error", () => {
    said.textContent = "The connection broke. Send the file again: questions that are stored already are skipped.";
    ready();
  });
  form.querySelector("button").disabled = true;
  bar.hidden = false;
  request.send(file);
}

function ready() {
  form.querySelector("button").disabled = false;
  form.querySelector("progress").hidden = true;
}

async function refresh() {
  const list = document.querySelector("#archives");
  // Not while an element of the list has the focus: replacing it would move the focus away.
  if (document.hidden || list.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#archives");
  if (fresh) list.replaceWith(fresh);
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const [file] = form.elements.file.files;
  if (file) send(file);
});
setInterval(() => {
  const isReading = form?.querySelector("button").disabled;
  if (isReading || document.querySelector("#archives [data-running]")) refresh();
}, EVERY_MS);
