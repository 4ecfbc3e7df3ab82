// The live feed. htmx's ws extension keeps the connection (and retries it with backoff); this file applies what comes.
// Frames: {t: hello|frame|more|beat|rtt|resync|ended}. Each frame and counter is acknowledged by its number; the server
// never has more than four of them unanswered. Nothing is ever sent through the socket but acks and pongs.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const ROWS_KEPT = 200;
  const TAPE_KEPT = 14;
  const SILENCE = 12000; // two heartbeats and a bit
  let app, socket, cursor = 0, shown = 0, paused = false, behind = 0, lastHeard = Date.now(), refreshing = 0, stopped = false;

  const send = (message) => { try { socket?.send(JSON.stringify(message)); } catch { /* the link is gone; resync follows */ } };
  const parse = (html, holder = "template") => {
    const template = document.createElement(holder);
    template.innerHTML = html;
    return template.content;
  };

  // --- what the dot says -----------------------------------------------------------------------------------------
  function say(word, tone, note = "") {
    const dot = $("#livedot");
    if (!dot) return;
    dot.className = dot.className.replace(/t-\w+/, "t-" + tone);
    $("[data-live-word]", dot).textContent = word;
    $("[data-live-ms]", dot).textContent = note;
    dot.setAttribute("aria-label", `Live feed: ${word} ${note}`.trim());
  }
  function online(yes) {
    document.body.dataset.link = yes ? "on" : "off";
    const banner = $("#offline");
    if (!banner || stopped) return;
    if (!yes && banner.hidden) $("[data-offline-since]", banner).textContent = new Date(lastHeard).toISOString().slice(11, 19) + " UTC";
    banner.hidden = yes;
    if (!yes) say("offline", "failed");
  }
  function showBehind() {
    const chip = $("#catch-up");
    if (!chip) return;
    chip.hidden = behind === 0;
    $("[data-new]", chip).textContent = behind > 999 ? "999+" : String(behind);
  }

  // --- applying a frame ------------------------------------------------------------------------------------------
  const filter = () => $("a.chip[data-filter][aria-current]")?.dataset.filter || "all";
  const underPointer = (node) => node.matches(":hover") || node.contains(document.activeElement);

  function applyRow(body, row) {
    const fresh = parse(`<table><tbody>${row.html}</tbody></table>`).querySelector("tr");
    const old = document.getElementById(fresh.id);
    const shows = row.groups.includes(filter());
    if (old) {
      if (!shows) { if (old.getAttribute("aria-selected") !== "true") old.remove(); return; }
      for (const cell of $$("[data-cell]", fresh)) {
        const was = $(`[data-cell="${cell.dataset.cell}"]`, old);
        if (!was || was.innerHTML === cell.innerHTML) continue;
        was.replaceChildren(...cell.childNodes);
        was.classList.remove("tint");
        void was.offsetWidth; // restart the tint
        was.classList.add("tint");
      }
      old.dataset.groups = row.groups.join(" ");
      return;
    }
    if (!shows) return;
    $(".empty", body)?.remove();
    fresh.classList.add("new");
    const at = fresh.dataset.at;
    const before = $$("tr[data-id]", body).find((other) => other.dataset.at <= at);
    // A row that belongs below the last one shown is on an older page.
    if (before) before.before(fresh);
    else if (!$("tr[data-id]", body)) body.append(fresh);
    const all = $$("tr[data-id]", body);
    all.slice(ROWS_KEPT).forEach((extra) => extra.remove());
  }

  function swapIfChanged(id, html) {
    const node = document.getElementById(id);
    if (!node || node.innerHTML === html || underPointer(node)) return;
    const openDetails = $$("details[open]", node).map((item) => item.id);
    node.innerHTML = html;
    openDetails.forEach((name) => document.getElementById(name)?.setAttribute("open", ""));
  }

  function applyFrame(frame) {
    const body = $("[data-live-rows]");
    const holding = body && body.matches(":hover") && frame.rows.some((row) => !document.getElementById("row-" + row.id) && row.groups.includes(filter()));
    for (const row of frame.rows) {
      // Nothing moves under the pointer: new rows wait as a number, changed cells change in place.
      if (body && holding && !document.getElementById("row-" + row.id)) { if (row.groups.includes(filter())) behind += 1; continue; }
      if (body) applyRow(body, row);
    }
    if (frame.stages) swapIfChanged("stages", frame.stages);
    if (frame.kpis) swapIfChanged("kpis", frame.kpis);
    for (const [key, value] of Object.entries(frame.counts || {})) {
      $$(`[data-count="${key}"]`).forEach((node) => {
        node.textContent = String(value);
        if (node.closest(".nav")) node.hidden = value === 0;
      });
    }
    applyTape(frame.tape || []);
    if (frame.cases?.length) document.dispatchEvent(new CustomEvent("zentra:cases", { detail: frame.cases }));
    behind += unseen(frame, body);
    showBehind();
    if (behind && (body || $("[data-follows]"))) catchUpSoon();
    refreshSelected(frame);
  }

  // How much of a frame a page without a live table has not shown. The queue follows its cases by itself (desk.js).
  function unseen(frame, body) {
    if (body || $("#intent-page")) return 0;
    const room = document.body.dataset.room;
    // Logs: whatever has a new place in the log, also what concerns no intent.
    return room === "webhooks" || room === "events" ? Math.max(frame.rows.length, frame.cursor - shown) : 0;
  }

  function applyTape(items) {
    const tape = $("#tape");
    if (!tape || !items.length || tape.matches(":hover")) return;
    const fresh = items.map((html) => parse(html).querySelector("li"));
    fresh.forEach((item) => item.classList.add("new"));
    tape.prepend(...fresh);
    Array.from(tape.children).slice(TAPE_KEPT).forEach((extra) => extra.remove());
  }

  // The selected intent follows its own news, at most once a second, and never while someone types in it.
  function refreshSelected(frame) {
    const changed = new Set(frame.intents || frame.rows.map((row) => row.id));
    const page = $("#intent-page");
    if (page && changed.has(page.dataset.id)) return later(() => refreshPage(page));
    const side = $("#inspector[data-id]");
    if (!side || !changed.has(side.dataset.id) || side.contains(document.activeElement) || $("details[open]", side)) return;
    const row = document.getElementById("row-" + side.dataset.id);
    const link = row && $("a.id", row);
    const keep = () => side.contains(document.activeElement) || Boolean($("dialog[open], #inspector details[open]"));
    if (link) later(() => { if (!keep()) window.zentra.showSide(link.href, { push: false, open: side.classList.contains("open"), keep }); });
  }
  function later(work) {
    clearTimeout(refreshing);
    refreshing = setTimeout(() => { if (!paused) work(); }, 400);
  }
  async function refreshPage(page) {
    if (page.contains(document.activeElement) || $("details[open]", page)) return;
    const answer = await fetch(location.href, { headers: { "HX-Request": "true", "Zentra-Background": "1" } }).catch(() => null);
    if (!answer || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("intent-page");
    if (fresh) $("#intent-page")?.replaceWith(fresh);
  }

  // Catch up: the page as it is now, then the feed from there.
  async function catchUp() {
    const answer = await fetch(location.href, { headers: { "HX-Request": "true", "Zentra-Background": "1" } }).catch(() => null);
    if (!answer || !answer.ok) { location.reload(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const working = document.activeElement, typed = working?.id && "value" in working ? working.value : null;
    const ticked = $$("input[type=checkbox]:checked[value]").map((box) => box.value);
    for (const id of ["main", "tape", "inspector"]) {
      const fresh = page.getElementById(id), old = document.getElementById(id);
      if (!fresh || !old || id === "inspector" && (old.contains(document.activeElement) || $("dialog[open]"))) continue;
      if (id === "main" && $("#case-page", old) && ($("dialog[open]") || old.contains(document.activeElement))) continue;
      if (id === "inspector") fresh.classList.toggle("open", old.classList.contains("open"));
      const top = old.scrollTop;
      old.replaceWith(fresh);
      fresh.scrollTop = top;
      window.htmx?.process(fresh);
    }
    // What was being typed or chosen stays typed and chosen, and the focus where it was.
    const same = typed === null || working.isConnected ? null : document.getElementById(working.id);
    if (same) { same.value = typed; same.focus(); }
    $$("input[type=checkbox][value]").forEach((box) => { if (ticked.includes(box.value)) box.checked = true; });
    document.dispatchEvent(new CustomEvent("zentra:side"));
    cursor = Number(page.getElementById("live")?.dataset.cursor || cursor);
    behind = 0;
    showBehind();
    send({ t: "from", cursor });
  }

  // Behind without having asked for it (a slow moment, a pointer that rested on a row): level again by itself, once the
  // pointer is elsewhere. Paused stays paused.
  let soon = 0;
  function catchUpSoon() {
    if (soon) return;
    soon = setTimeout(() => {
      soon = 0;
      if (paused || !behind || document.hidden) return;
      if ($("[data-live-rows]:hover, [data-follows]:hover") || $("#main")?.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) { catchUpSoon(); return; }
      if ($("[data-live-rows], [data-follows]")) catchUp();
    }, 3000);
  }

  function setPaused(value) {
    paused = value;
    document.body.dataset.view = value ? "paused" : "live";
    send({ t: value ? "pause" : "resume", cursor });
    say(value ? "paused" : "live", value ? "review" : "live");
    if (!value && behind) catchUp();
  }

  // --- the wire ----------------------------------------------------------------------------------------------------
  const handlers = {
    hello: () => { clearTimeout(worry); online(true); say(paused ? "paused" : "live", paused ? "review" : "live"); },
    frame: (frame) => {
      shown = cursor;
      cursor = frame.cursor;
      if (paused) { behind += frame.rows.length; showBehind(); } else applyFrame(frame);
      send({ t: "ack", n: frame.n });
    },
    more: (more) => { behind = more.count; showBehind(); send({ t: "ack", n: more.n }); catchUpSoon(); },
    resync: () => catchUp(),
    beat: (beat) => send({ t: "pong", id: beat.id }),
    rtt: (rtt) => { if (!paused) say("live", "live", `${rtt.ms} ms`); },
    ended: () => { stopped = true; location.reload(); }, // access ended: the server shows what that means
  };

  document.addEventListener("htmx:wsOpen", (event) => {
    socket = event.detail.socketWrapper || socket;
    lastHeard = Date.now();
    send({ t: paused ? "pause" : "from", cursor });
  });
  document.addEventListener("htmx:wsBeforeMessage", (event) => {
    event.preventDefault(); // frames are ours to apply
    lastHeard = Date.now();
    let message;
    try { message = JSON.parse(event.detail.message); } catch { return; }
    handlers[message.t]?.(message);
  });
  // A restart of the server is over in a second or two: the banner waits that long before it worries anyone.
  let worry = 0, leaving = false;
  addEventListener("pagehide", () => { leaving = true; });
  function lost() {
    clearTimeout(worry);
    worry = setTimeout(() => { if (!leaving) online(false); }, 2500);
  }
  document.addEventListener("htmx:wsClose", lost);
  document.addEventListener("htmx:wsError", lost);
  document.addEventListener("zentra:pause", () => { if (app) setPaused(!paused); });
  document.addEventListener("zentra:catch-up", () => catchUp());
  addEventListener("offline", () => online(false));
  addEventListener("online", () => socket?.reconnect());
  document.addEventListener("visibilitychange", () => { if (!document.hidden && behind && !paused) catchUp(); });
  document.addEventListener("DOMContentLoaded", () => {
    app = $("#live");
    if (!app) return;
    cursor = Number(app.dataset.cursor || 0);
    say("connecting", "quiet");
    // A dead link does not always close the socket: silence is the sign.
    setInterval(() => {
      if (stopped || document.body.dataset.link === "off" || Date.now() - lastHeard < SILENCE) return;
      online(false);
      socket?.reconnect();
    }, 2000);
  });
})();
