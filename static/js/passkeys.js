// Passkeys: a button asks us what to ask for, then the browser for its passkey, and sends the form with the answer.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  if (!window.PublicKeyCredential || !navigator.credentials) {
    document.documentElement.classList.add("no-passkeys");
    return;
  }

  // --- The JSON methods of PublicKeyCredential, for browsers that have none ------------------------------------
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const words = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));
  const toCreate = (options) => PublicKeyCredential.parseCreationOptionsFromJSON
    ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
    : { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: known(options.excludeCredentials) };
  const toGet = (options) => PublicKeyCredential.parseRequestOptionsFromJSON
    ? PublicKeyCredential.parseRequestOptionsFromJSON(options)
    : { ...options, challenge: bytes(options.challenge), allowCredentials: known(options.allowCredentials) };
  function asJson(credential) {
    if (credential.toJSON) {
      try { return credential.toJSON(); } catch { /* some password managers' own objects cannot */ }
    }
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = words(credential.response[name]);
    }
    return { id: credential.id, rawId: words(credential.rawId), type: credential.type, response, clientExtensionResults: credential.getClientExtensionResults(), authenticatorAttachment: credential.authenticatorAttachment };
  }

  // --- One ceremony at a time ----------------------------------------------------------------------------------
  let isBusy = false;
  const say = (button, text) => {
    const place = $("[data-passkey-said]", button.form) || $("[data-passkey-said]");
    if (place) { place.textContent = text; place.hidden = !text; }
  };
  async function options(form, purpose) {
    const body = new URLSearchParams({ purpose });
    const headers = { "X-CSRFToken": $("[name=csrfmiddlewaretoken]", form).value };
    const answer = await fetch("/passkey/options/", { method: "POST", body, headers, redirect: "error" });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    return said;
  }
  function why(error) {
    if (error.name === "NotAllowedError") return "Nothing came of it. Try again, or take another way.";
    if (error.name === "InvalidStateError") return "This device holds a passkey of yours already.";
    if (error.name === "SecurityError") return "The browser gives no passkeys to this address.";
    return error.message || "That did not work. Try again.";
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-passkey]");
    if (!button || isBusy) return;
    event.preventDefault();
    isBusy = true;
    say(button, "");
    try {
      const purpose = button.dataset.passkey;
      const asked = await options(button.form, purpose);
      const credential = purpose === "add"
        ? await navigator.credentials.create({ publicKey: toCreate(asked) })
        : await navigator.credentials.get({ publicKey: toGet(asked) });
      const name = button.dataset.field || "passkey";
      const field = $(`input[name="${name}"]`, button.form) || button.form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name }));
      field.value = JSON.stringify(asJson(credential));
      const code = $("[name=step_up_code], [name=code]", button.form);
      if (code) { code.required = false; code.value = ""; }
      if (button.form.dataset.passkeyUrl) button.form.action = button.form.dataset.passkeyUrl;
      if (purpose === "sign_in") button.form.submit(); else button.form.requestSubmit(button.dataset.by ? document.getElementById(button.dataset.by) : undefined);
    } catch (error) {
      say(button, why(error));
    } finally {
      isBusy = false;
    }
  });
})();
