/* Copying in the Debug tab, and wherever else a page marks what is copied. One listener for
   the whole document, so that what htmx brings later has it, too. Without this file there
   are no buttons for it. */

const SHOWN = 2_000; // milliseconds that a button says what came of it

let announcer = null;

document.documentElement.classList.add("chatdebug-copies");

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".chatdebug .copy, [data-copies] .copy");
  if (button?.dataset.copiesFrom) {
    copy(read(button.dataset.copiesFrom), button);
    return;
  }
  const source = button?.closest("[data-copies]")?.querySelector("[data-source]");
  if (source) copy(textOf(source), button);
});

/* A link to a place of this page opens what it is folded into, before it leads there. */
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('.chatdebug a[href^="#"]');
  if (link) unfold(decodeURIComponent(link.hash.slice(1)));
});
if (location.hash) unfold(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();

function unfold(id) {
  const place = document.getElementById(id);
  const own = place?.querySelector(":scope > details");
  if (own) own.open = true;
  for (let one = place?.closest("details"); one; one = one.parentElement.closest("details"))
    one.open = true;
  return place;
}

async function read(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status}`);
  return response.text();
}

/* Only where something is copied: other pages have a status of their own. */
function addAnnouncer() {
  announcer = document.createElement("p");
  announcer.className = "chatdebug-announcer";
  announcer.setAttribute("role", "status");
  document.body.append(announcer);
}

async function copy(text, button) {
  if (!announcer) addAnnouncer();
  const isDone = await Promise.resolve(text).then(isCopied, () => false);
  const words = isDone ? button.dataset.copied : button.dataset.failed;
  announcer.textContent = words;
  button.dataset.label ??= button.textContent;
  button.textContent = words;
  clearTimeout(button.dataset.timer);
  button.dataset.timer = setTimeout(() => {
    button.textContent = button.dataset.label;
    announcer.textContent = "";
  }, SHOWN);
}

/* As it is read: of folded parts, too, but not what opens them. A recorded text is exactly
   itself. */
function textOf(source) {
  if (source.matches("pre, blockquote, q, code")) return source.textContent;
  const rows = [...source.querySelectorAll("li, dd, p.frames")];
  return rows.map(lineOf).join("\n");
}

function lineOf(row) {
  const name = row.matches("dd") ? `${row.previousElementSibling.textContent}: ` : "";
  const said = row.cloneNode(true);
  for (const control of said.querySelectorAll("summary, .copy")) control.remove();
  for (const time of said.querySelectorAll("time[data-clock]"))
    if (time.title) time.textContent = time.title; // who reads it may be anywhere
  return name + said.textContent.trim();
}

/* The clipboard is for secure pages only; elsewhere the old way works. */
async function isCopied(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused by the browser or its user: maybe the other way is not.
    }
  }
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = text;
  field.className = "chatdebug-announcer";
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return isDone;
}
