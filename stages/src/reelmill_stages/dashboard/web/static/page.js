// Keys: "/" goes to the search, arrows left and right to the neighbours of an item. All else works without this file.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|SELECT|TEXTAREA|VIDEO|AUDIO)$/.test(at.tagName))) return;
  const target = { "/": "q", ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  const found = target && document.getElementById(target);
  if (!found) return;
  event.preventDefault();
  if (found instanceof HTMLInputElement) found.focus();
  else found.click();
});
// While the dashboard does not respond, the page says so; polls continue.
const unanswered = document.getElementById("unanswered");
document.addEventListener("htmx:sendError", () => { unanswered.hidden = false; });
document.addEventListener("htmx:beforeOnLoad", () => { unanswered.hidden = true; });
// A picture that cannot be made leaves its place empty; nothing else breaks.
document.addEventListener("error", (event) => {
  if (event.target instanceof HTMLImageElement) event.target.hidden = true;
}, true);
