/* Keeps the regions of a page fresh: refetches the page's own address and swaps each `[data-live]` by its id. A region with
   `data-live="load"` is one of a page in place of another (Redis is away): as soon as there is an answer, the page is loaded anew. */
"use strict";
(() => {
  const KEY = "queues.live.seconds", LONGEST = 30, PATIENCE_MS = 10000;
  const control = document.getElementById("live");
  if (!control || !document.querySelector("[data-live]")) return;
  const rate = document.getElementById("live-rate");
  const clock = document.getElementById("live-time");
  const status = document.getElementById("live-status");
  let timer = 0, failures = 0, isStopped = false, isAsking = false, since = new Date();

  const timeOf = (moment) => moment.toTimeString().slice(0, 8);

  /* The status is read aloud, so it is touched only when it says something else; the clock is not. */
  function say(text) {
    const words = text.replace("{time}", timeOf(since));
    if (status.textContent !== words) status.textContent = words;
    clock.textContent = words ? "" : timeOf(since);
  }

  function stored() {
    try { return localStorage.getItem(KEY); } catch { return null; }
  }

  function store(seconds) {
    try { localStorage.setItem(KEY, seconds); } catch { /* a browser that keeps nothing */ }
  }

  /* Whether somebody ticked, unticked or wrote something here. */
  function isChanged(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.type !== "hidden" && field.value !== field.defaultValue;
  }

  function isHeld(region) {
    const selection = document.getSelection();
    return region.contains(document.activeElement)
      || region.querySelector("details[open]") !== null
      || [...region.querySelectorAll("input, textarea")].some(isChanged)
      || (!selection.isCollapsed && selection.containsNode(region, true));
  }

  function swap(region, fresh) {
    const scrolled = () => [...region.querySelectorAll("[tabindex]")];
    const places = scrolled().map((each) => [each.scrollLeft, each.scrollTop]);
    region.replaceChildren(...fresh.childNodes);
    scrolled().forEach((each, index) => { [each.scrollLeft, each.scrollTop] = places[index] || [0, 0]; });
  }

  /* False where a region had to stay as it is. */
  function show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const [left, top] = [window.scrollX, window.scrollY];
    let isWhole = true;
    for (const region of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(region.id);
      if (!other || region.innerHTML === other.innerHTML) continue;
      if (isHeld(region)) isWhole = false;
      else swap(region, other);
    }
    window.scrollTo(left, top);
    return isWhole;
  }

  function stop(text, withLogin) {
    isStopped = true;
    say(text);
    if (!withLogin) return;
    const link = document.createElement("a");
    link.href = control.dataset.loginUrl + "?next=" + encodeURIComponent(location.pathname + location.search);
    link.textContent = control.dataset.login;
    status.append(" ", link);
  }

  function fail() {
    failures += 1;
    say(control.dataset.stale);
  }

  function take(response, html) {
    if (response.redirected || response.status === 401 || response.status === 403) return stop(control.dataset.refused, true);
    if (response.status === 404) return stop(control.dataset.gone, false);
    if (!response.ok) return fail();
    if (document.querySelector('[data-live="load"]')) return location.reload();
    const isWhole = show(html);
    failures = 0;
    if (isWhole) since = new Date();
    say(isWhole ? "" : control.dataset.held);
  }

  async function refresh() {
    if (isAsking) return;
    isAsking = true;
    try {
      const response = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      take(response, await response.text());
    } catch {
      fail();
    }
    isAsking = false;
    plan();
  }

  /* The next answer is asked for when the last one has come, later and later while there is none. */
  function plan() {
    clearTimeout(timer);
    const seconds = Number(rate.value);
    if (!seconds || isStopped || document.hidden) return;
    timer = setTimeout(refresh, 1000 * Math.max(seconds, Math.min(LONGEST, seconds * 2 ** failures)));
  }

  rate.addEventListener("change", () => { store(rate.value); plan(); });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && Number(rate.value) && !isStopped) refresh();
  });
  const chosen = stored();
  if ([...rate.options].some((option) => option.value === chosen)) rate.value = chosen;
  control.hidden = false;
  say("");
  plan();
})();
