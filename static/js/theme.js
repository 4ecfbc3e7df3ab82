// Theme and density, remembered on this device, and what it must forget. Loaded before the first paint so that nothing flashes.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const read = (name) => { try { return localStorage.getItem("zentra." + name); } catch { return null; } };
  const apply = (name, value) => {
    const plain = name === "theme" ? "system" : "normal";
    if (!value || value === plain) delete root.dataset[name];
    else root.dataset[name] = value;
  };
  const press = (name) => {
    const value = root.dataset[name] || (name === "theme" ? "system" : "normal");
    document.querySelectorAll(`[data-${name}-set]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(button.getAttribute(`data-${name}-set`) === value));
    });
  };
  for (const name of ["theme", "density"]) apply(name, read(name));
  // What somebody typed and did not send stays in this tab; it goes with the session, whether that was ended or ran out.
  const forget = () => { try { sessionStorage.clear(); } catch { /* private mode: nothing was kept */ } };
  if (location.pathname === "/sign-in/") forget();
  document.addEventListener("submit", (event) => {
    if (new URL(event.target.action, location.href).pathname === "/sign-out/") forget();
  });
  document.addEventListener("DOMContentLoaded", () => { press("theme"); press("density"); });
  document.addEventListener("click", (event) => {
    for (const name of ["theme", "density"]) {
      const button = event.target.closest(`[data-${name}-set]`);
      if (!button) continue;
      const value = button.getAttribute(`data-${name}-set`);
      try { localStorage.setItem("zentra." + name, value); } catch { /* private mode: not remembered */ }
      apply(name, value);
      press(name);
    }
  });
})();
