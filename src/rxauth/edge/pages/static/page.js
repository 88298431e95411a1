// Small comforts; every page works without them: moments in the reader's zone, and buttons that copy.
"use strict";

const day = { day: "numeric", month: "long", year: "numeric" };
const parts = { day, moment: { ...day, hour: "2-digit", minute: "2-digit" } };
for (const time of document.querySelectorAll("time[data-show]")) {
  const format = new Intl.DateTimeFormat("en-GB", parts[time.dataset.show]);
  time.textContent = format.format(new Date(time.dateTime)).replace(" at ", ", ");
}

// On a phone the tabs are one line: the current one is brought into it.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// The text of a list is its entries, a line each; a key is copied without the spaces it is shown with.
const textOf = (element) => {
  if ("exact" in element.dataset) return element.textContent;
  return element.children.length
    ? [...element.children].map((entry) => entry.textContent.trim()).join("\n")
    : element.textContent.replaceAll(" ", "");
};

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const said = [...button.childNodes];
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(textOf(document.getElementById(button.dataset.copy)));
      button.replaceChildren("Copied");
      setTimeout(() => button.replaceChildren(...said), 2000);
    });
  }
}

// A form is sent once, however often its button is pressed; going back makes it usable again. passkeys.js has its own.
for (const form of document.querySelectorAll("form:not([data-passkey])")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});
