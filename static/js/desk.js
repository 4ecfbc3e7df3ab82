// The desk: dialogs by key, drafts that are never lost, cases that come and go while one works, countdowns.
// Every act is an ordinary form or link of the page; without this file the same addresses work one page at a time.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const TABS_EVERY = 1500;
  const kept = {
    get: (key) => { try { return sessionStorage.getItem(key) || ""; } catch { return ""; } },
    set: (key, value) => { try { if (value) sessionStorage.setItem(key, value); else sessionStorage.removeItem(key); } catch { /* private mode: the page itself still has it */ } },
  };
  const board = () => $("[data-queue]");
  const me = () => $("[data-me]")?.dataset.me || "";
  const holder = () => $("#case-page") || $("#inspector[data-id]");
  const you = (root) => $$("[data-user]", root).forEach((node) => { if (me() && node.dataset.user === me()) node.textContent = "you"; });

  // --- drafts: what was typed about a case survives whatever replaces its panel ----------------------------------
  const draftKey = (field) => {
    const id = field.closest("[data-id]")?.dataset.id;
    return id ? `draft:${id}:${field.matches("[data-reason], [data-takes-reason]") ? "reason" : field.id}` : "";
  };
  const reasons = () => $$("[data-reason], [data-takes-reason]");
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.matches("[data-draft], [data-reason]")) return;
    kept.set(draftKey(field), field.value);
    // One reason a case: it stands in the panel and in whichever dialog is opened.
    if (field.matches("[data-reason], [data-takes-reason]")) reasons().forEach((other) => { if (other !== field) other.value = field.value; });
  });
  function restore() {
    $$("[data-draft], [data-reason]").forEach((field) => { if (!field.value) field.value = kept.get(draftKey(field)); });
    const typed = reasons().map((field) => field.value).find(Boolean);
    if (typed) reasons().forEach((field) => { if (!field.value) field.value = typed; });
  }
  document.addEventListener("submit", (event) => {
    // A refusal brings the text back from the server; what was taken needs no draft.
    $$("[data-draft]", event.target).forEach((field) => kept.set(draftKey(field), ""));
  });

  // --- dialogs ---------------------------------------------------------------------------------------------------
  let opener = null;
  function show(dialog, from) {
    opener = from || null;
    if (dialog.open) dialog.close();
    dialog.showModal();
    const problem = $("[role=alert]", dialog);
    const code = $("[name=step_up_code]", dialog);
    const empty = $$("input[type=radio], select, textarea, [name=step_up_code]", dialog).find((field) =>
      field.type === "radio" ? !$(`input[name="${field.name}"]:checked`, dialog) : !field.value);
    (problem && code || empty || $("footer .btn", dialog))?.focus();
  }
  function hide(dialog) {
    dialog.close();
    if (opener?.isConnected) opener.focus();
  }
  document.addEventListener("click", (event) => {
    const asks = event.target.closest("[data-dialog]");
    const dialog = asks && document.getElementById(asks.dataset.dialog);
    if (dialog) { event.preventDefault(); show(dialog, asks); return; }
    const close = event.target.closest("[data-close]");
    if (close) { event.preventDefault(); hide(close.closest("dialog")); return; }
    if (event.target.closest("[data-act=case-fresh]")) { event.preventDefault(); refresh(true); return; }
    const option = event.target.closest("#mention-list [role=option]");
    if (option) { event.preventDefault(); mention(option); }
  });
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && field.form?.method === "post") { event.preventDefault(); field.form.requestSubmit(); return; }
    if (event.key === " " && field.matches("[data-dialog]")) { event.preventDefault(); field.click(); return; }
    if (listing(event)) return;
    const dialog = $("dialog.act-dialog[open]");
    if (dialog && /^[1-9]$/.test(event.key) && !field.matches("textarea, input:not([type=radio]), select")) {
      const sets = $$(".reason-codes", dialog);
      const set = sets.find((item) => item.contains(field)) || sets[0];
      const line = set && $$(".code-line", set).find((item) => $("kbd", item)?.textContent === event.key);
      if (!line) return;
      event.preventDefault();
      $("input", line).checked = true;
      const next = sets[sets.indexOf(set) + 1];
      (next ? $("input", next) : $$("select, textarea, [name=step_up_code]", dialog).find((item) => !item.value) || $("footer .btn", dialog)).focus();
      return;
    }
    if (event.metaKey || event.ctrlKey || event.altKey || dialog || field.matches("textarea, select, input:not([type=checkbox])")) return;
    if (event.key === "x" || event.key === "X") {
      const tick = $("input[type=checkbox]", window.zentra?.selectedRow() || document.createElement("tr"));
      if (tick) { event.preventDefault(); tick.click(); }
    }
    if (event.key === "r" || event.key === "R") {
      const settle = $("[data-settle]");
      if (settle && !settle.parentElement.open) { event.preventDefault(); settle.click(); $("input[name=note]", settle.parentElement).focus(); }
    }
  });

  // --- mentions: @ lists colleagues, arrows and Enter choose -------------------------------------------------------
  const word = (field) => /(^|\s)@([\w.-]*)$/.exec(field.value.slice(0, field.selectionStart));
  const options = () => $$("#mention-list [role=option]:not([hidden])");
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-mentions]")) return;
    const list = $("#mention-list"), found = word(event.target);
    if (!list) return;
    $$("[role=option]", list).forEach((item) => {
      item.hidden = !found || !item.dataset.handle.startsWith(found[2].toLowerCase());
      item.setAttribute("aria-selected", "false");
    });
    list.hidden = !found || !options().length;
    options()[0]?.setAttribute("aria-selected", "true");
  });
  function listing(event) {
    const list = $("#mention-list");
    if (!list || list.hidden || !event.target.matches("[data-mentions]")) return false;
    const all = options(), at = all.findIndex((item) => item.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      all[at]?.setAttribute("aria-selected", "false");
      all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length].setAttribute("aria-selected", "true");
      return true;
    }
    if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); mention(all[Math.max(at, 0)]); return true; }
    if (event.key === "Escape") { event.stopPropagation(); list.hidden = true; return true; }
    return false;
  }
  function mention(option) {
    const field = $("[data-mentions]"), end = field.selectionStart, found = word(field);
    $("#mention-list").hidden = true;
    if (!found) return;
    field.setRangeText(`@${option.dataset.handle} `, end - found[2].length - 1, end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }

  // --- choosing several --------------------------------------------------------------------------------------------
  function ticks() {
    const bulk = $("#bulk");
    if (!bulk) return;
    const count = $$(".tick-cell input:checked").length;
    bulk.toggleAttribute("data-none", count === 0);
    $("[data-bulk-words]", bulk).textContent = count ? `${count} chosen` : "";
  }
  document.addEventListener("change", (event) => { if (event.target.closest(".tick-cell")) ticks(); });

  // --- countdowns: hours and minutes that are left, and in words once they ran out ----------------------------------
  const span = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const days = Math.floor(whole / 86400), hours = Math.floor(whole / 3600) % 24, minutes = Math.floor(whole / 60) % 60;
    return days ? `${days} d ${hours}:${String(minutes).padStart(2, "0")}` : `${hours}:${String(minutes).padStart(2, "0")}`;
  };
  function tick() {
    if (document.hidden || document.body.dataset.view === "paused") return;
    const now = Date.now();
    $$("time[data-due]").forEach((node) => {
      const left = (Date.parse(node.dateTime) - now) / 1000;
      const level = left < 0 ? "breached" : left < 900 ? "soon" : "";
      const text = left < 0 ? `breached ${span(-left)}` : span(left);
      if (!node.classList.contains(level || "due")) node.classList.remove("soon", "breached");
      if (level) node.classList.add(level);
      const label = Array.from(node.childNodes).find((child) => child.nodeType === Node.TEXT_NODE);
      if (!label) node.append(text);
      else if (label.data !== text) label.data = text;
    });
    $$("time[data-lease]").forEach((node) => {
      const left = Math.floor((Date.parse(node.dateTime) - now) / 1000);
      node.textContent = left > 0 ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : "over";
      node.classList.toggle("over", left <= 0);
    });
  }

  // --- the queue while one works: a case taken by another is gone at once -------------------------------------------
  let waiting = [], tabsDue = 0;
  const isOthers = (row) => Boolean(row.dataset.claimed) && row.dataset.claimed !== me() && Date.parse(row.dataset.until) > Date.now();
  function shows(row, groups) {
    const body = board();
    if (!(body.dataset.wants || "").split(" ").filter(Boolean).every((wanted) => groups.includes(wanted))) return false;
    switch (body.dataset.tab) {
      case "open": return groups.includes("open") && !isOthers(row);
      case "mine": return groups.includes("open") && (row.dataset.owner === me() || row.dataset.claimed === me());
      case "claimed": return groups.includes("open") && isOthers(row);
      default: return groups.includes(body.dataset.tab);
    }
  }
  function put(news) {
    const body = board();
    const holder = document.createElement("template");
    holder.innerHTML = `<table><tbody>${news.html}</tbody></table>`;
    const fresh = holder.content.querySelector("tr");
    if (!fresh) return;
    const old = document.getElementById(fresh.id);
    if (!shows(fresh, news.groups)) { if (old) take(old); return; }
    if (!body.hasAttribute("data-ticks")) $(".tick-cell", fresh)?.remove();
    const link = $("a.id", fresh);
    link.href = body.dataset.link + news.id;
    you(fresh);
    if (old) { change(old, fresh); return; }
    if (body.hasAttribute("data-searched")) return;
    if (body.matches(":hover")) { waiting.push(news); return; } // nothing moves under the pointer
    $(".empty", body)?.remove();
    fresh.classList.add("new");
    const after = $$("tr[data-id]", body).find((row) => row.dataset.place > fresh.dataset.place);
    if (after) after.before(fresh); else body.append(fresh);
  }
  function change(old, fresh) {
    for (const name of ["groups", "claimed", "until", "owner", "place"]) old.dataset[name] = fresh.dataset[name];
    for (const cell of $$("[data-cell]", fresh)) {
      const was = $(`[data-cell="${cell.dataset.cell}"]`, old);
      if (!was || was.textContent === cell.textContent) continue;
      if (was.contains(document.activeElement)) continue;
      was.replaceChildren(...cell.childNodes);
      was.classList.remove("tint");
      void was.offsetWidth; // restart the tint
      was.classList.add("tint");
    }
  }
  function take(row) {
    const body = row.parentElement;
    if (body.matches(":hover") && !row.matches("[aria-selected=true]")) { row.classList.add("gone"); return; }
    if (row.getAttribute("aria-selected") === "true" && window.zentra) window.zentra.cursor = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    if (!$("tr", body)) {
      const line = document.createElement("tr"), cell = document.createElement("td");
      line.className = "empty";
      cell.colSpan = 8;
      cell.append($("#queue-empty").content.cloneNode(true));
      line.append(cell);
      body.append(line);
    }
    ticks();
  }
  document.addEventListener("mouseout", (event) => {
    const body = board();
    if (!body || !body.contains(event.target) || body.contains(event.relatedTarget)) return;
    $$("tr.gone", body).forEach((row) => row.remove());
    const late = waiting;
    waiting = [];
    late.forEach(put);
  });
  document.addEventListener("zentra:cases", (event) => {
    if (board()) {
      event.detail.forEach(put);
      if (!tabsDue) tabsDue = setTimeout(() => retell(), TABS_EVERY);
    }
    const shown = holder();
    const news = shown && event.detail.find((item) => item.id === shown.dataset.id);
    if (news && !(news.by === me() && String(news.version) === shown.dataset.version)) told(news);
  });
  async function retell(looks = false) {
    tabsDue = 0;
    const answer = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Target": "queue-tabs", "Zentra-Background": "1" } }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const tabs = page.getElementById("queue-tabs"), words = page.getElementById("queue-words");
    $$("[data-queue-count]").forEach((node) => {
      const fresh = tabs && $(`[data-queue-count="${node.dataset.queueCount}"]`, tabs);
      if (fresh && fresh.textContent !== node.textContent) node.textContent = fresh.textContent;
    });
    if (words && $("#queue-words")) $("#queue-words").textContent = words.textContent;
    const body = board(), count = tabs && $(`[data-queue-count="${body?.dataset.tab}"]`, tabs);
    const isWhole = body && !body.dataset.wants && !body.hasAttribute("data-searched") && !$(".pager a");
    if (looks && count && isWhole && Number(count.textContent) !== $$("tr[data-id]", body).length && !body.matches(":hover")) document.dispatchEvent(new CustomEvent("zentra:catch-up"));
  }

  // --- the case while one reads it: fresh by itself, but never under somebody's hands --------------------------------
  function busy() {
    const shown = holder();
    const at = document.activeElement;
    return Boolean($("dialog[open]")) || Boolean(shown && $("details.settle[open]", shown)) || Boolean(shown && at && shown.contains(at) && at !== shown);
  }
  function told(news) {
    if (!busy()) { refresh(false); return; }
    const strip = $("#case-news");
    if (!strip || news.by === me()) return; // one's own act in another tab surprises nobody
    $("[data-news]", strip).textContent = news.words;
    strip.hidden = false;
    const dialog = $("dialog.act-dialog[open]");
    if (!dialog) return;
    let line = $(".dialog-news", dialog);
    if (!line) {
      line = document.createElement("p");
      line.className = "dialog-news small t-review tone";
      line.setAttribute("role", "status");
      $("footer", dialog).append(line);
    }
    line.textContent = news.words;
  }
  async function refresh(asked) {
    const page = $("#case-page");
    if (!page) {
      const row = window.zentra?.selectedRow();
      const side = $("#inspector");
      const url = row ? $("a.id", row).href : `${board()?.dataset.link || ""}${side?.dataset.id || ""}`;
      if (url) await window.zentra.showSide(url, { push: false, open: side.classList.contains("open"), keep: () => !asked && busy() });
      return;
    }
    const answer = await fetch(location.pathname, { headers: { "HX-Request": "true", "Zentra-Background": "1" } }).catch(() => null);
    if (!answer?.ok || (!asked && busy())) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("case-page");
    if (!fresh) return;
    page.replaceWith(fresh);
    settled();
  }

  // --- whatever was just put on the page -----------------------------------------------------------------------------
  function settled() {
    restore();
    tick();
    ticks();
    const open = $("dialog.act-dialog[open]:not(:modal)");
    if (open) show(open, null);
  }
  document.addEventListener("zentra:side", settled);
  document.addEventListener("DOMContentLoaded", () => {
    settled();
    setInterval(tick, 1000);
    // What time alone does (a snooze that ends, a lease that ran out) is no news of anybody: the counts tell it.
    setInterval(() => { if (board() && !document.hidden && document.body.dataset.view !== "paused" && !busy()) retell(true); }, 20000);
  });
})();
