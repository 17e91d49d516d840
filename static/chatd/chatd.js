/* What the pages cannot say in HTML: keys in the composer, following the stream,
   closing the panel, telling a screen reader how a turn ended. */

const NEAR = 80; // pixels from the end within which the transcript is followed

const transcript = document.getElementById("transcript");
const panel = document.getElementById("panel");
const announcer = document.getElementById("announcer");

function fit(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function announce(text) {
  announcer.textContent = text;
}

for (const form of document.querySelectorAll("form[data-composer]")) {
  const field = form.querySelector("textarea");
  if (!field) continue;
  field.addEventListener("input", () => fit(field));
  field.addEventListener("keydown", (event) => {
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!sends) return;
    event.preventDefault();
    if (field.value.trim()) form.requestSubmit();
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== form || !event.detail.successful) return;
    form.reset();
    document.getElementById("refusal").textContent = "";
    fit(field);
    field.focus();
    announce("Generating the answer.");
    follow(true);
  });
}

/* The transcript sticks to its end until the reader scrolls up. */
let following = true;

function follow(force = false) {
  if (!transcript) return;
  if (force) following = true;
  if (following) transcript.scrollTop = transcript.scrollHeight;
}

if (transcript) {
  transcript.addEventListener("scroll", () => {
    const left = transcript.scrollHeight - transcript.scrollTop - transcript.clientHeight;
    following = left < NEAR;
  });
  new MutationObserver(() => follow()).observe(transcript, {
    childList: true,
    subtree: true,
    characterData: true,
  });
  follow();
}

document.addEventListener("htmx:load", (event) => {
  const text = event.target.dataset?.announce;
  if (text) announce(text);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target === panel) panel.focus();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-panel]")) {
    event.preventDefault();
    panel.replaceChildren();
    document.querySelector("#tabs a")?.focus();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  if (panel?.firstElementChild) panel.querySelector("[data-close-panel]")?.click();
  else document.querySelector("[data-stop]")?.click();
});
