/* The sheet that rises from the bottom of the phone: a list's rows, or a place to send. One at a time. */

import { $, setText } from "./sandbox-page.js";

const sheet = $("sheet");
let opener = null, submitted = null;

function show(open) {
  for (const id of ["sheet", "veil"]) $(id).hidden = !open;
  for (const id of ["room", "head"]) $(id).inert = open;
}

/** `submit` is called with the sheet's form once the customer sends; the sheet is closed by then. */
export function openSheet({ title, body, from, submit, ready = false }) {
  [opener, submitted] = [from, submit];
  setText($("sheet-title"), title);
  $("sheet-body").replaceChildren(...body);
  $("sheet-send").disabled = !ready;
  show(true);
  $("sheet-body").scrollTop = 0;
  sheet.querySelector("input")?.focus({ preventScroll: true });
}

export function sheetIsReady(ready) { $("sheet-send").disabled = !ready; }

export function closeSheet() {
  if (sheet.hidden) return;
  show(false);
  (opener?.isConnected ? opener : $("text")).focus({ preventScroll: true });
}

export function start() {
  $("sheet-close").onclick = $("veil").onclick = closeSheet;
  document.addEventListener("keydown", event => { if (event.key === "Escape") closeSheet(); });
  sheet.addEventListener("submit", event => {
    event.preventDefault();
    closeSheet();
    submitted(sheet);
  });
}
