// Keyboard, selection, copying, clocks and ages. Every action here is a link or an ordinary form of the page.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

  // --- CSRF for htmx posts -------------------------------------------------------------------------------------
  document.addEventListener("htmx:configRequest", (event) => {
    const token = $("input[name=csrfmiddlewaretoken]");
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token.value;
  });

  // --- rows: selection and the inspector -----------------------------------------------------------------------
  const rows = () => $$(".rows.pick > tr[data-id]").filter((row) => !row.hidden);
  const selectedRow = () => $(".rows.pick > tr[aria-selected=true]");
  const rowLink = (row) => $("a.id", row);
  let loading = null;

  const mark = (row) => {
    $$(".rows.pick > tr[aria-selected]").forEach((other) => other.removeAttribute("aria-selected"));
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
  };

  async function showSide(url, { push = true, open = true, keep = () => false } = {}) {
    const side = $("#inspector");
    if (!side) { location.assign(url); return; }
    loading?.abort();
    const mine = (loading = new AbortController());
    side.classList.add("loading");
    try {
      const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": "inspector", ...(push ? {} : { "Zentra-Background": "1" }) }, signal: mine.signal, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("inspector");
      if (!fresh) throw new Error("no inspector in the answer");
      if (keep()) return; // somebody began to work in it while the answer was on its way
      fresh.classList.toggle("open", open);
      $("#inspector").replaceWith(fresh);
      window.htmx?.process(fresh);
      document.dispatchEvent(new CustomEvent("zentra:side"));
      if (push) history.replaceState(history.state, "", url);
    } catch (error) {
      if (error.name !== "AbortError") location.assign(url); // the server decides what a person sees
    } finally {
      $("#inspector")?.classList.remove("loading");
    }
  }
  window.zentra = { showSide, selectedRow, mark, rows, cursor: null };

  const select = (row, options) => {
    mark(row);
    const link = rowLink(row);
    if (link && $("#inspector")) showSide(link.href, options);
  };
  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(selectedRow());
    const left = window.zentra.cursor; // the row beside one that went away while it was selected
    if (at < 0 && all.includes(left)) { window.zentra.cursor = null; select(left); return; }
    select(all[Math.min(all.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))]);
  };
  const open = () => {
    const link = $("#inspector a[data-open]");
    if (link) { location.assign(link.href); return; }
    const row = selectedRow();
    if (row) location.assign(rowLink(row).href);
  };

  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
        copy.dataset.done = "";
        setTimeout(() => delete copy.dataset.done, 1200);
      });
      return;
    }
    const act = event.target.closest("[data-act]");
    if (act && acts[act.dataset.act]) { event.preventDefault(); acts[act.dataset.act](act); return; }
    const lens = event.target.closest("[data-lens-set]");
    if (lens && $("#lens")) {
      event.preventDefault();
      $("#lens").dataset.lens = lens.dataset.lensSet;
      $$("[data-lens-set]").forEach((item) => item.toggleAttribute("aria-current", item === lens));
      history.replaceState(history.state, "", lens.href);
      return;
    }
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    const row = event.target.closest(".rows.pick > tr[data-id]");
    if (!row) return;
    const link = event.target.closest("a, button, input, label");
    if (link && link !== rowLink(row)) return;
    if (!$("#inspector")) { if (!link) { mark(row); } return; } // pages without a side follow their links
    event.preventDefault();
    select(row);
  });
  document.addEventListener("dblclick", (event) => {
    const row = event.target.closest(".rows.pick > tr[data-id]");
    if (row && !event.target.closest("button, input")) { mark(row); open(); }
  });

  // --- acts ----------------------------------------------------------------------------------------------------
  const acts = {
    help: () => $("#help")?.showModal(),
    reload: () => location.reload(),
    "close-side": () => {
      $("#inspector")?.classList.remove("open");
      selectedRow()?.focus?.();
    },
    "pause-view": () => document.dispatchEvent(new CustomEvent("zentra:pause")),
    "catch-up": () => document.dispatchEvent(new CustomEvent("zentra:catch-up")),
  };
  const find = () => {
    const finder = $("#finder");
    if (!finder) return;
    finder.showModal();
    $("#finder-q").select();
  };
  // The bar's own field works without scripts; with them it opens the finder, which answers while one types.
  $("#find")?.addEventListener("keydown", (event) => { if (event.key === "Escape") event.target.blur(); });

  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") { event.preventDefault(); find(); return; }
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (event.key === "Escape") {
      const dialog = $("dialog[open]");
      if (dialog) { event.preventDefault(); dialog.close(); return; } // a search field would only be emptied
      $$("details[open].menu").forEach((menu) => menu.removeAttribute("open"));
      if (typing) typing.blur();
      else if ($("#inspector.open")) acts["close-side"]();
      return;
    }
    if (typing || $("dialog[open]")) {
      if ($("#finder[open]") && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        const hits = $$("#finder-hits a");
        const at = hits.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
        (at < 0 ? $("#finder-q") : hits[Math.min(at, hits.length - 1)])?.focus();
      }
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "j" || key === "k") { event.preventDefault(); step(key === "j" ? 1 : -1); return; }
    if (key === "Enter") { if (event.target === document.body || event.target.id === "main") open(); return; }
    if (key === "p") { acts["pause-view"](); return; }
    if (key === "?") { acts.help(); return; }
    if (key === "/") { event.preventDefault(); if ($("[data-search]")) $("[data-search]").select(); else find(); return; }
    const button = $(`[data-key="${key}"]`);
    if (button) {
      event.preventDefault();
      if (button.matches("textarea, input")) { button.focus(); return; }
      const needed = button.form && $("[required]", button.form);
      if (needed && !needed.value.trim()) { needed.focus(); return; } // the reason first: nothing is decided by one key
      button.click();
      if (button.tagName === "SUMMARY") ($(".sheet input:not([type=hidden])", button.parentElement) || $(".sheet button", button.parentElement))?.focus();
    }
  });

  // --- forms: a double submit is one submit; the server's idempotency key is the real guard ----------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });
  document.addEventListener("toggle", (event) => {
    if (!event.target.matches("details.menu[open]")) return;
    $$("details.menu[open]").forEach((menu) => { if (menu !== event.target) menu.removeAttribute("open"); });
  }, true);
  document.addEventListener("click", (event) => {
    $$("details.menu[open], .kpis details[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.removeAttribute("open"); });
  });

  // --- clocks and ages -----------------------------------------------------------------------------------------
  const age = (seconds) => {
    if (seconds < 1) return "now";
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  };
  const tick = () => {
    if (document.hidden || document.body.dataset.view === "paused") return;
    const now = Date.now();
    const clock = $("[data-clock]");
    if (clock) clock.textContent = new Date(now).toISOString().slice(11, 19) + " UTC";
    $$("time[data-age]").forEach((node) => {
      const text = age((now - Date.parse(node.dateTime)) / 1000);
      if (node.textContent !== text) node.textContent = text;
    });
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (!isMac) $$("[data-mod]").forEach((kbd) => { kbd.textContent = "Ctrl " + kbd.dataset.mod; });
    tick();
    setInterval(tick, 1000);
  });
})();
