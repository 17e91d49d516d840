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
  keepOpen(element, fresh);
  const place = placeOf(document.activeElement, element);
  const had = element.dataset.state;
  element.replaceWith(fresh);
  window.htmx?.process(fresh);
  if (place) [...fresh.querySelectorAll(place.kind)][place.index]?.focus();
  if (had !== fresh.dataset.state) tell(fresh);
}

/* Details that were open are opened again; what is asked for when they open comes anew. */
function keepOpen(element, fresh) {
  const names = (root) => [...root.querySelectorAll("details > summary")];
  const open = new Set(
    names(element)
      .filter((summary) => summary.parentElement.open)
      .map((summary) => summary.textContent),
  );
  for (const summary of names(fresh))
    if (open.has(summary.textContent)) summary.parentElement.open = true;
}

function placeOf(focused, element) {
  if (!focused || !element.contains(focused)) return null;
  const kind = focused.matches("summary") ? "summary" : "a";
  const index = [...element.querySelectorAll(kind)].indexOf(focused);
  return index < 0 ? null : { kind, index };
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
