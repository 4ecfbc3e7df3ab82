// The workbench: what is ticked adds up on top, and the keyboard does what the mouse can. Without this file the same form
// adds up on the server ("Add up") and the boxes are ticked by hand.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const bench = () => $("#bench");
  const grouped = (value) => (value < 0n ? "−" : "") + (value < 0n ? -value : value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const sum = (name) => $$(`#bench input[name=${name}]:checked`).reduce((total, box) => total + BigInt($("[data-minor]", box.closest("tr"))?.dataset.minor || 0), 0n);

  function add() {
    if (!bench()) return;
    const lines = sum("line"), entries = sum("entry"), left = lines - entries;
    const chosen = { line: $$("#bench input[name=line]:checked").length, entry: $$("#bench input[name=entry]:checked").length };
    $("#line-sum").textContent = grouped(lines);
    $("#entry-sum").textContent = grouped(entries);
    $("#difference").textContent = grouped(left);
    const level = left === 0n && chosen.line > 0 && chosen.entry > 0;
    $("#between").toggleAttribute("data-level", level);
    $("#between").toggleAttribute("data-none", !chosen.line && !chosen.entry);
    $("#line-count").textContent = String(chosen.line);
    $("#entry-count").textContent = String(chosen.entry);
    const force = $("#force-words");
    if (force) force.hidden = level || !chosen.line || !chosen.entry;
  }

  // One side has the keys: J and K move in it, Tab-less switching by H and L.
  const side = () => $(`#bench > section:nth-child(${bench().dataset.side === "right" ? 2 : 1})`);
  const all = () => $$("tbody tr[data-id]", side());
  const current = () => $("tr[aria-selected=true]", side());
  function go(by) {
    const rows = all();
    if (!rows.length) return;
    const at = rows.indexOf(current());
    const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    $$("#bench tr[aria-selected]").forEach((row) => row.removeAttribute("aria-selected"));
    next.setAttribute("aria-selected", "true");
    next.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    if (!bench() || event.metaKey || event.ctrlKey || event.altKey || $("dialog[open]")) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, summary")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const does = {
      j: () => go(1), k: () => go(-1),
      h: () => { bench().dataset.side = "left"; go(0); }, l: () => { bench().dataset.side = "right"; go(0); },
      " ": () => { const box = $("input[type=checkbox]", current() || document.createElement("tr")); if (box) { box.checked = !box.checked; add(); } },
      s: () => { const row = current(); const link = row && $("a[data-hints], a.id", row); if (link) location.assign(link.href); },
      m: () => { const words = $("#force-words"); if (words && !words.hidden && !$("#match-reason").value.trim()) $("#match-reason").focus(); else $("#match").click(); },
      u: () => $("#act-undo summary")?.click(),
      x: () => { $$("#bench input:checked").forEach((box) => { box.checked = false; }); add(); },
    }[key];
    if (!does) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    does();
  }, true);
  document.addEventListener("change", (event) => { if (event.target.closest("#bench")) add(); });

  // Choosing several exceptions at once.
  function count() {
    const bulk = $("#bulk");
    if (!bulk) return;
    const chosen = $$("input[form=bulk]:checked").length;
    $("[data-bulk-words]", bulk).textContent = chosen ? `${chosen} chosen` : "None chosen";
  }
  document.addEventListener("change", (event) => { if (event.target.matches("input[form=bulk]")) count(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "x" || bench() || event.metaKey || event.ctrlKey || event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    const box = $("input[form=bulk]", window.zentra?.selectedRow() || document.createElement("tr"));
    if (box) { event.preventDefault(); box.click(); }
  });

  // Breaks appear while one looks: the desk reads itself again, but never under somebody's hands.
  let fresh = 0;
  async function again() {
    fresh = 0;
    const desk = $("[data-desk]");
    if (!desk || document.hidden || document.body.dataset.view === "paused") return;
    if ($("details[open].menu, dialog[open]") || $("input[form=bulk]:checked") || desk.matches(":hover") || desk.contains(document.activeElement)) { later(3000); return; }
    const answer = await fetch(location.href, { headers: { "HX-Request": "true", "Zentra-Background": "1" } }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-desk]");
    if (!page || page.innerHTML === desk.innerHTML) return;
    const known = new Set($$("tbody tr[data-id]", desk).map((row) => row.dataset.id));
    const came = $$("tbody tr[data-id^=exc_]", page).filter((row) => !known.has(row.dataset.id)).length;
    desk.replaceWith(page);
    const news = $("#desk-news");
    if (news && came) news.textContent = `${came} new exception${came === 1 ? "" : "s"}`;
  }
  function later(after) { if (!fresh) fresh = setTimeout(again, after); }
  document.addEventListener("DOMContentLoaded", () => {
    // A form that was refused comes back from its own address; going on, reloading and copying are of the page's.
    const at = $("[data-at]");
    if (at) history.replaceState(history.state, "", at.dataset.at);
    const refused = $("details.menu[open] [aria-invalid=true], details.menu[open] .error, [aria-invalid=true]");
    if (refused) (refused.matches(".error") ? $("input:not([type=hidden]), select, textarea, button", refused.closest("form")) : refused)?.focus();
    add();
    count();
    if ($("[data-desk]")) setInterval(() => later(0), 5000);
  });
})();
