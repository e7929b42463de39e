// What is live in the console. Without this file, pages load themselves anew instead.
"use strict";

const live = document.body.dataset.live;
const status = document.getElementById("live");
let source = null;
let isPaused = false;

function say(text) {
  if (status) status.textContent = text;
}

// The server escapes whatever it sends.
function show(id, html) {
  const element = document.getElementById(id);
  if (!element) return;
  if (!html.startsWith(" ")) {
    if (!element.contains(document.activeElement)) element.innerHTML = html;
    return;
  }
  const template = document.createElement("template");
  template.innerHTML = html;
  const known = Number(element.firstElementChild?.dataset.number ?? 0);
  for (const row of template.content.querySelectorAll("tr")) if (Number(row.dataset.number) <= known) row.remove();
  if (template.content.childElementCount === 0) return;
  element.prepend(template.content);
  const limit = Number(element.dataset.rows);
  while (limit && element.rows && element.rows.length > limit) element.deleteRow(-1);
  document.querySelector(`[data-empty="${id}"]`)?.remove();
}

function connect() {
  source = new EventSource(live);
  source.onopen = () => say("Live");
  // A browser tries again by itself, but for an answer that is an error: too many live pages, or a worker that starts.
  const own = source;
  source.onerror = () => {
    say("Not live: the worker does not answer");
    if (own.readyState === EventSource.CLOSED && own === source) setTimeout(() => own === source && !isPaused && connect(), 5000);
  };
  source.addEventListener("part", (event) => {
    const end = event.data.indexOf("\n");
    show(event.data.slice(0, end), event.data.slice(end + 1));
  });
  source.addEventListener("end", (event) => {
    source.close();
    if (event.data === "logged-out") location.reload();
    else if (event.data === "done") location.reload();
    else {
      say("The worker stops");
      setTimeout(connect, 3000);
    }
  });
}

if (live) connect();

const pause = document.querySelector("[data-pause]");
if (pause && live) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Go on" : "Pause";
    if (isPaused) {
      source.close();
      say("Paused");
    } else connect();
  });
}

for (const all of document.querySelectorAll("input[data-all]")) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll(`input[name="${all.dataset.all}"]`)) box.checked = all.checked;
  });
}
