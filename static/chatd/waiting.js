/* Says in a button how long its provider still asks to be left; it waits for nobody. */

const SECOND = 1000; // milliseconds
const MINUTE = 60; // seconds

function said(seconds) {
  return seconds < MINUTE ? `${seconds} s` : `${Math.ceil(seconds / MINUTE)} min`;
}

function wait(note) {
  const end = performance.now() + note.dataset.wait * SECOND;
  delete note.dataset.wait;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / SECOND);
    note.textContent = left > 0 ? `\u00a0(best in ${said(left)})` : "";
    if (left > 0 && note.isConnected) setTimeout(tick, SECOND);
  };
  tick();
}

function waitAll(root) {
  root.querySelectorAll("[data-wait]").forEach(wait);
}

document.addEventListener("htmx:load", (event) => waitAll(event.target));
waitAll(document);
