/* The composer: sends by keyboard, grows with its text, and keeps what was not sent yet
   for this tab: over a refusal, a reload, and a sign-in. */

const PREFIX = "draft:";
const announcer = document.getElementById("announcer");

function fit(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function saveDraft(key, text) {
  if (text) sessionStorage.setItem(key, text);
  else sessionStorage.removeItem(key);
}

function isSuccess(xhr) {
  // A session that is over is answered by the sign-in page, in place of this one.
  return xhr.status >= 200 && xhr.status < 300 && !xhr.getResponseHeader("HX-Refresh");
}

function setUp(form, field) {
  const key = PREFIX + form.dataset.draft;
  let sent = "";
  const save = () => saveDraft(key, field.value);
  // Either typed before this script came; or the server put there what was sent and
  // refused, or only where to begin.
  const isTyped = field.value !== field.defaultValue;
  if (isTyped || (field.value && !("prefilled" in form.dataset))) save();
  else field.value = sessionStorage.getItem(key) ?? field.value;
  fit(field);

  field.addEventListener("input", () => {
    save();
    fit(field);
  });
  field.addEventListener("keydown", (event) => {
    // 229: a key that an input method takes; Safari says so after isComposing has ended.
    const composes = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || composes) return;
    event.preventDefault();
    if (field.value.trim()) form.requestSubmit();
  });
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target === form) sent = field.value;
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== form) return;
    field.focus();
    if (!isSuccess(event.detail.xhr)) return;
    document.getElementById("refusal").textContent = "";
    announcer.textContent = "Generating the answer.";
    if (field.value === sent) field.value = "";
    save();
    fit(field);
    form.dispatchEvent(new CustomEvent("chatd:sent", { bubbles: true }));
  });
}

/* A form that is sent as a page leaves its draft behind; the page that shows the text as
   sent takes it away. */
function dropShownDrafts() {
  const shown = document.querySelector(".turn:last-of-type .message--user .plain");
  if (!shown) return;
  for (const key of Object.keys(sessionStorage)) {
    const isNewChats = key.startsWith(PREFIX) && key.includes(":new");
    const isSent = sessionStorage.getItem(key).trim() === shown.textContent.trim();
    if (isNewChats && isSent) sessionStorage.removeItem(key);
  }
}

for (const form of document.querySelectorAll("form[data-composer]")) {
  const field = form.querySelector("textarea");
  if (field) setUp(form, field);
}
dropShownDrafts();

/* What failed for what it said goes back into the composer, before what is there. */
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-edit]");
  const field = document.getElementById("text");
  if (!button || !field) return;
  const asked = button.closest(".turn").querySelector(".message--user .plain");
  const written = field.value.trim() ? `\n\n${field.value}` : "";
  field.value = asked.textContent + written;
  field.dispatchEvent(new Event("input"));
  field.focus();
});

/* What is sent again is followed like what was written. */
document.addEventListener("htmx:afterRequest", (event) => {
  const { target, detail } = event;
  if (!target.matches("form[data-again]") || !isSuccess(detail.xhr)) return;
  announcer.textContent = "Generating the answer.";
  target.dispatchEvent(new CustomEvent("chatd:sent", { bubbles: true }));
});

document.querySelector("form[data-sign-out]")?.addEventListener("submit", () => {
  const keys = Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
  for (const key of keys) sessionStorage.removeItem(key);
});
