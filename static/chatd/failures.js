/* Says why a request of the page failed: beside the composer if it was a message, which is
   kept there, else at the top of the page. */

const refusal = () => document.getElementById("refusal");
const alertLine = document.getElementById("alert");

function reason(xhr) {
  const wait = Number(xhr.getResponseHeader("Retry-After"));
  switch (xhr.status) {
    case 0:
      return navigator.onLine ? "the server does not answer" : "you are offline";
    case 403:
      return "your session has changed";
    case 404:
      return "it is not there any more";
    case 413:
      return "it is too long";
    case 429:
      return wait ? `too much at once; wait ${wait} s` : "too much at once; wait a moment";
    default:
      return xhr.status >= 500
        ? `the server failed (${xhr.status})`
        : `the server refused it (${xhr.status})`;
  }
}

function show(line, text, needsReload) {
  line.replaceChildren(text);
  if (!needsReload) return;
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "Reload the page";
  line.append(" ", link, ".");
}

function explain(event) {
  const { requestConfig, xhr } = event.detail;
  const isMessage = Boolean(requestConfig.elt.closest("form[data-composer]"));
  const gone = isMessage && xhr.status === 404;
  const needsReload = xhr.status === 403;
  const why = gone ? "this chat is not there any more" : reason(xhr);
  const next = needsReload || gone ? "" : isMessage ? " Send it again." : " Try again.";
  const kept = isMessage && needsReload ? " Your text is kept." : "";
  const what = isMessage ? "Not sent" : "That did not work";
  const line = (isMessage && refusal()) || alertLine;
  show(line, `${what}: ${why}.${next}${kept}`, needsReload);
}

document.addEventListener("htmx:responseError", explain);
document.addEventListener("htmx:sendError", explain);

/* The server's own sentence goes where it says, whatever the status. */
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.getResponseHeader("HX-Retarget") !== "#refusal") return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

document.addEventListener("htmx:beforeRequest", () => alertLine.replaceChildren());
alertLine.addEventListener("click", () => alertLine.replaceChildren());
