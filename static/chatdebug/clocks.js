/* Shows moments in the time zone of the reader and in the language of what is around them.
   What the server wrote is for pages without this file; its UTC stays in the title. A time
   has data-clock, which says how much of it is shown; an option has data-moment. One
   observer sees all that comes later, whoever brought it. */

const MINUTES = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }; // as in logs
const SECONDS = { ...MINUTES, second: "2-digit" };
const FIELDS = {
  minutes: MINUTES,
  seconds: SECONDS,
  exact: { ...SECONDS, fractionalSecondDigits: 3 },
  title: SECONDS,
};
const DATE = { year: "numeric", month: "short", day: "numeric" };
const DAY = 86_400_000; // milliseconds
const RENEWED = 60_000; // milliseconds until a day may be over
const HAS_ZONE = /(Z|[+-]\d\d:\d\d)$/; // of a project without zones nothing is known

const formats = new Map(); // they are dear to make

function format(language, fields) {
  const key = JSON.stringify([language, fields]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language, fields));
  return formats.get(key);
}

/* Days of the calendar, not lengths of 24 hours. */
function daysAgo(moment) {
  const midnight = (date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(new Date()) - midnight(moment)) / DAY);
}

function dayOf(moment, language) {
  const ago = daysAgo(moment);
  if (ago !== 0 && ago !== 1) return format(language, DATE).format(moment);
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-ago, "day");
}

function said(moment, language, kind) {
  const time = format(language, FIELDS[kind]).format(moment);
  const isBare = kind === "exact" || (kind === "minutes" && daysAgo(moment) === 0);
  return isBare ? time : `${dayOf(moment, language)}, ${time}`;
}

/* What a page names its language by may be no tag of one: de_DE. */
function languageOf(element) {
  const said = element.closest("[lang]")?.lang ?? "";
  try {
    return Intl.getCanonicalLocales(said.replaceAll("_", "-"))[0];
  } catch {
    return undefined; // the browser's own
  }
}

function momentOf(text) {
  const moment = new Date(text);
  return HAS_ZONE.test(text) && !Number.isNaN(+moment) ? moment : null;
}

function show(element) {
  const { clock } = element.dataset;
  const moment = momentOf(element.dateTime);
  if (!FIELDS[clock] || !moment) return;
  const words = said(moment, languageOf(element), clock);
  const utc = `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  if (clock === "title") element.title = `${words} (${utc})`;
  else if (element.textContent !== words) {
    element.textContent = words;
    element.title = utc;
  }
}

/* Nothing but text can stand in an option; this one's begins with its moment. */
function showOption(option) {
  const moment = momentOf(option.dataset.moment);
  const rest = option.textContent.indexOf(" · ");
  if (!moment || rest < 0) return;
  const words = said(moment, languageOf(option), "seconds");
  option.textContent = words + option.textContent.slice(rest);
}

function showAll(root) {
  if (root.matches?.("time[data-clock]")) return show(root);
  root.querySelectorAll?.("time[data-clock]").forEach(show);
  root.querySelectorAll?.("option[data-moment]").forEach(showOption);
}

new MutationObserver((changes) => {
  for (const { addedNodes } of changes) addedNodes.forEach(showAll);
}).observe(document.body, { childList: true, subtree: true });
setInterval(() => showAll(document), RENEWED);
showAll(document);
