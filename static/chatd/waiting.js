/* A button that waits for as long as a provider asks to be left, and says how long that is. */

const SECOND = 1000; // milliseconds
const MINUTE = 60; // seconds

function said(seconds) {
  return seconds < MINUTE ? `${seconds} s` : `${Math.ceil(seconds / MINUTE)} min`;
}

function wait(button) {
  const label = button.textContent;
  const end = performance.now() + button.dataset.wait * SECOND;
  delete button.dataset.wait;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / SECOND);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} in ${said(left)}` : label;
    if (left > 0 && button.isConnected) setTimeout(tick, SECOND);
  };
  tick();
}

function waitAll(root) {
  root.querySelectorAll("[data-wait]").forEach(wait);
}

document.addEventListener("htmx:load", (event) => waitAll(event.target));
waitAll(document);
