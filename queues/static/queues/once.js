/* A second click while the first is on its way sends nothing: a double click adds one job, not two. */
"use strict";
(() => {
  const WAIT_MS = 5000; /* by then whoever clicks again means it */
  let sentAt = new WeakMap();
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (event.timeStamp - sentAt.get(event.target) < WAIT_MS) event.preventDefault();
    else sentAt.set(event.target, event.timeStamp);
  });
  window.addEventListener("pageshow", () => { sentAt = new WeakMap(); }); /* back by the browser's history */
})();
