/* What a chat's page cannot say in HTML: following the answer, keeping the reader's place
   and focus, closing the panel and the menu, telling a screen reader how a turn ended. */

const NEAR = 80; // pixels from the end within which the transcript is followed

const transcript = document.getElementById("transcript");
const panel = document.getElementById("panel");
const menu = document.querySelector("details.menu");
const field = document.querySelector("form[data-composer] textarea");
const announcer = document.getElementById("announcer");

function announce(text) {
  announcer.textContent = text;
}

/* Where the focus goes when what had it is gone. On a phone the field would open the
   keyboard. */
function focusHome() {
  const isTouch = matchMedia("(pointer: coarse)").matches;
  (isTouch ? transcript : (field ?? transcript))?.focus({ preventScroll: true });
}

/* The transcript sticks to its end until the reader scrolls up. */
let following = true;

function follow() {
  if (transcript && following) transcript.scrollTop = transcript.scrollHeight;
}

if (transcript) {
  transcript.addEventListener("scroll", () => {
    const left = transcript.scrollHeight - transcript.scrollTop - transcript.clientHeight;
    following = left < NEAR;
  });
  new MutationObserver(follow).observe(transcript, {
    childList: true,
    subtree: true,
    characterData: true,
  });
  follow();
}

document.addEventListener("chatd:sent", () => {
  following = true;
  follow();
});

/* What is replaced under the reader's eyes, or above them. Each new element tells of the
   swap; the first one is enough. */
let swap = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, shouldSwap } = event.detail;
  if (!shouldSwap) return;
  swap = {
    isOlder: requestConfig.elt.matches("[data-older]"),
    // The panel's first page, or another one in the place of the one before.
    isPanel: target === panel || (panel?.contains(target) && target.matches(".chatdebug")),
    hadFocus: target.contains(document.activeElement),
    height: transcript?.scrollHeight,
  };
  if (swap.isOlder) following = false;
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (!swap) return;
  const { target } = event.detail;
  const { isOlder, isPanel, hadFocus, height } = swap;
  swap = null;
  if (isPanel) showPanel();
  else if (isOlder) showOlder(target.id, height);
  else if (hadFocus && target.matches(".turn")) focusHome();
  markTabs();
});

document.addEventListener("htmx:oobAfterSwap", markTabs);

function showPanel() {
  panel.scrollTop = 0;
  panel.focus();
}

function showOlder(id, heightBefore) {
  const isTranscript = id === "older-turns";
  if (isTranscript) transcript.scrollTop += transcript.scrollHeight - heightBefore;
  announce(isTranscript ? "Older messages are shown." : "Older chats are shown.");
  const next = document.querySelector(`#${id} a`);
  if (next) next.focus({ preventScroll: true });
  else if (isTranscript) transcript.focus({ preventScroll: true });
  else document.querySelector(".chats li:last-child a")?.focus();
}

/* The panel: who opened it gets the focus back. */
let opener = null;

document.addEventListener("htmx:beforeRequest", (event) => {
  const { target, requestConfig } = event.detail;
  const { elt } = requestConfig;
  if (target === panel && !panel.contains(elt)) opener = elt;
});

function markTabs() {
  const isOpen = Boolean(panel?.firstElementChild);
  const tab = document.querySelector("[data-tab=panel]");
  markUnread(tab, isOpen);
  tab?.setAttribute("aria-expanded", String(isOpen));
  for (const [name, isCurrent] of [["chat", !isOpen || !tab], ["panel", isOpen]]) {
    const link = document.querySelector(`[data-tab=${name}]`);
    if (isCurrent) link?.setAttribute("aria-current", "page");
    else link?.removeAttribute("aria-current");
  }
}

/* A dot stays on the tab until somebody has looked at the newest failure. */
let newest = ""; // a turn that goes well afterwards brings a tab that knows of none

function markUnread(tab, isOpen) {
  if (!tab) return;
  const key = `chatd:read:${location.pathname}`;
  newest = tab.dataset.newest || newest;
  if (isOpen && newest) localStorage.setItem(key, newest);
  const isRead = !newest || localStorage.getItem(key) === newest;
  tab.querySelector("[data-unread]").hidden = isRead;
}

/* What the panel shows is in the address: reload, Back and a link that is sent lead to it. */
function shownInPanel() {
  const shown = panel.querySelector(".chatdebug");
  return shown ? shown.dataset.run || "runs" : null;
}

function rememberInAddress() {
  const address = new URL(location);
  const shown = shownInPanel();
  if (address.searchParams.get("debug") === shown) return;
  if (shown) address.searchParams.set("debug", shown);
  else address.searchParams.delete("debug");
  history.pushState(null, "", address);
}

if (panel) {
  const observer = new MutationObserver(rememberInAddress);
  observer.observe(panel, { childList: true });
  addEventListener("popstate", () => {
    const wanted = new URL(location).searchParams.get("debug");
    if (wanted === shownInPanel()) return;
    const { url } = panel.dataset;
    const page = wanted === "runs" ? url : `${url}runs/${wanted}/`;
    if (wanted) htmx.ajax("GET", page, { target: panel, swap: "innerHTML" });
    else closePanel();
  });
}

/* What was recorded of a turn is in the database a moment after its end. */
const RECORDED_AFTER = 500; // milliseconds

document.addEventListener("htmx:afterSwap", (event) => {
  if (!event.target.closest?.("#transcript")) return;
  setTimeout(() => document.dispatchEvent(new Event("chatdebug:changed")), RECORDED_AFTER);
});

function closePanel() {
  panel.replaceChildren();
  markTabs();
  const back = opener?.isConnected ? opener : document.querySelector("[data-tab=panel]");
  if (back) back.focus();
  else focusHome();
}

function closeMenu() {
  menu.open = false;
}

document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) closeMenu();
  if (!event.target.closest("[data-close-panel], [data-tab=chat]") || !panel) return;
  const isOpen = Boolean(panel.firstElementChild);
  if (!isOpen) return;
  event.preventDefault();
  closePanel();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.keyCode === 229) return;
  if (menu?.open) {
    closeMenu();
    menu.querySelector("summary").focus();
  } else if (panel?.firstElementChild) closePanel();
  else document.querySelector("[data-stop]")?.click();
});

/* A page that opens with a turn just begun or failed says so, as one that waited does. */
document.addEventListener("htmx:load", (event) => {
  const text = event.target.dataset?.announce;
  if (text) announce(text);
});

markTabs();

const last = transcript?.querySelector(".turn:last-of-type");
const isFresh = document.referrer.endsWith("/chats/");
if (last?.querySelector(".live")) announce("Generating the answer.");
else if (isFresh && last?.querySelector(".error-card"))
  announce(`The turn failed. ${last.querySelector(".error-card__what").textContent}`);
