"use strict";
// The admin's own script knows the boxes that were there when the page was loaded: it is told of those that a refresh brought.
(() => {
  const known = new WeakSet();
  const boxes = () => document.querySelectorAll("tr input.action-select");
  const note = () => boxes().forEach((box) => known.add(box));
  note();
  new MutationObserver(() => {
    const found = boxes();
    if (found.length === 0 || known.has(found[0])) return;
    note();
    window.Actions(found);
  }).observe(document.getElementById("content-main"), { childList: true, subtree: true });
})();
