// Passkeys: shows the forms that need them where the browser has them, asks the authenticator, and sends the form with
// what it answered (Web Authentication Level 3). Binary values travel as base64url.
"use strict";

(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const toBytes = (text) => {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const named = (credentials) => (credentials ?? []).map((one) => ({ ...one, id: toBytes(one.id) }));

  const ask = {
    get: (options) =>
      navigator.credentials.get({
        publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: named(options.allowCredentials) },
      }),
    create: (options) =>
      navigator.credentials.create({
        publicKey: {
          ...options,
          challenge: toBytes(options.challenge),
          user: { ...options.user, id: toBytes(options.user.id) },
          excludeCredentials: named(options.excludeCredentials),
        },
      }),
  };

  const asJson = (credential) => {
    const response = { clientDataJSON: toText(credential.response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[part]) response[part] = toText(credential.response[part]);
    }
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    });
  };

  const reason = (error) => {
    if (error.name === "InvalidStateError") return "This device has a passkey of this account already. Use that one, or another device.";
    if (error.name === "NotAllowedError") return "It was cancelled, or took too long. Press the button to try again.";
    return "This browser could not use a passkey here. Try another way, or another browser.";
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    const problem = form.querySelector("[data-problem]");
    const button = form.querySelector("button");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.hasAttribute("aria-busy")) return;
      problem.hidden = true;
      button.setAttribute("aria-busy", "true");
      try {
        form.elements.passkey.value = asJson(await ask[form.dataset.passkey](JSON.parse(form.dataset.options)));
        form.submit();
      } catch (error) {
        problem.textContent = reason(error);
        problem.hidden = false;
        button.removeAttribute("aria-busy");
      }
    });
  }
  for (const section of document.querySelectorAll("[data-needs-passkeys]")) section.hidden = false;
  for (const section of document.querySelectorAll("[data-lacks-passkeys]")) section.hidden = true;
})();
