/* Brings what is shown of runs up to date, without a reload: while something goes on, and
   when the page says that something has changed (the event chatdebug:changed). What has
   data-live is replaced by what stands at that address; nothing comes (204) where it is the
   same. Nothing is asked while nobody looks. */

const EVERY = 3000; // milliseconds
let timer = 0;
let asking = false;
let missed = false; // whether something has changed while an answer was awaited

const shown = () => [...document.querySelectorAll("[data-live]")];

async function renew(element) {
  const response = await fetch(element.dataset.live, {
    headers: { "HX-Request": "true" },
    redirect: "error",
  });
  if (response.status !== 200 || !element.isConnected) return;
  const parsed = document.createElement("template");
  parsed.innerHTML = await response.text();
  const fresh = parsed.content.querySelector("[data-live]");
  if (!fresh) return;
  const [old, now] = [named(element), named(fresh)];
  keepOpen(old, now);
  const focused = [...old].find(([, one]) => one === document.activeElement)?.[0];
  const had = element.dataset.state;
  element.replaceWith(fresh);
  window.htmx?.process(fresh);
  now.get(focused)?.focus();
  if (had !== fresh.dataset.state) tell(fresh);
}

/* Links and summaries by names that are the same in what comes in their place: of which
   step they are, where they lead or what they say, and which of several alike. */
function named(root) {
  const found = new Map();
  for (const one of root.querySelectorAll("a[href], details > summary")) {
    const section = one.closest("[aria-labelledby]");
    const step = root.contains(section) ? section.getAttribute("aria-labelledby") : "";
    const name = [step, one.getAttribute("href") ?? one.textContent].join(" ");
    let number = 1;
    while (found.has(`${name} ${number}`)) number += 1;
    found.set(`${name} ${number}`, one);
  }
  return found;
}

/* Details that were open are opened again; what is asked for when they open comes anew. */
function keepOpen(had, has) {
  for (const [name, one] of had)
    if (one.parentElement.open && has.has(name)) has.get(name).parentElement.open = true;
}

/* A screen reader is told how what it was reading came out. */
function tell(fresh) {
  const status = fresh.closest(".chatdebug")?.querySelector("[data-live-status]");
  if (status) status.textContent = fresh.dataset.state ?? "";
}

async function renewAll(elements) {
  if (document.hidden) return;
  if (asking) {
    missed = true;
    return;
  }
  asking = true;
  try {
    await Promise.all(elements.map(renew));
  } catch {
    // The server is away, or the session is over: what is shown stays as it is.
  } finally {
    asking = false;
    schedule();
  }
  if (!missed) return;
  missed = false;
  renewAll(shown());
}

function schedule() {
  clearTimeout(timer);
  const goesOn = () => shown().filter((element) => "goesOn" in element.dataset);
  if (!document.hidden && goesOn().length)
    timer = setTimeout(() => renewAll(goesOn()), EVERY);
}

document.addEventListener("chatdebug:changed", () => renewAll(shown()));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else renewAll(shown()); // also for what began meanwhile
});
document.addEventListener("htmx:afterSwap", schedule);
schedule();
