/* What the customer attaches: a file picked, pasted or dropped, with the composer's text as its caption, or a place. */

import { $, bytes, icon, latin, make, own, page, say, setText, titled } from "./sandbox-page.js";
import { preview, round } from "./sandbox-media.js";
import { openSheet, sheetIsReady } from "./sandbox-sheet.js";

const CHOICES = { visual: ["image", "video"], audio: ["audio"], sticker: ["sticker"], document: [] };
const CAPTIONED = ["image", "video", "document"];
const PLACES = [[24.71136, 46.67438], [24.63121, 46.71341], [24.95764, 46.69878]];

let chosen = null, wanted = "visual", send = () => {};

/** The file that is attached, with the type that it is sent as; null where there is none. */
export const attachment = () => chosen;

export const takesCaption = type => CAPTIONED.includes(type);

export function detach() {
  chosen = null;
  $("attached").hidden = true;
  $("file").value = "";
  $("text").placeholder = say("placeholder");
  $("attached-about").replaceChildren();
}

function attach(file, choice) {
  if (!file) return;
  tray(false);
  const type = typeOf(file, choice), name = own("b", "", file.name || titled(type));
  const size = make("small", "", bytes(file.size));
  const fits = file.size > 0 && file.size <= page.mostBytes;
  chosen = fits ? { file, type } : null;
  if (!fits) setText(size, say(file.size ? "too_large" : "empty_file", { n: bytes(page.mostBytes) }));
  const words = make("span", "about-file");
  words.append(name, size);
  const shown = ["image", "sticker"].includes(type) && fits ? preview(file, () => round(type), "thumb") : round(type);
  $("attached-about").replaceChildren(shown, words);
  $("attached").classList.toggle("wrong", !fits);
  $("attached").hidden = false;
  $("text").placeholder = say(fits && takesCaption(type) ? "caption" : "placeholder");
  $("text").focus({ preventScroll: true });
}

/** What WhatsApp would send the file as: what it can show as such, else a document. */
function typeOf(file, choice) {
  const told = file.type.split(";")[0], known = page.aliases[told] ?? told;
  return CHOICES[choice].find(type => page.files[type].includes(known)) ?? "document";
}

/* --- the tray --- */

function tray(open) {
  if ($("tray").hidden === !open) return;
  $("tray").hidden = !open;
  $("attach").setAttribute("aria-expanded", String(open));
  if (open) $("tray").querySelector("button").focus({ preventScroll: true });
}

function pick(choice) {
  const input = $("file");
  wanted = choice;
  input.accept = CHOICES[choice].flatMap(type => page.files[type]).join(",");
  tray(false);
  input.value = "";
  input.click();
}

/* --- a place --- */

function askForPlace() {
  tray(false);
  const rows = PLACES.map(placeRow), fields = make("div", "pair degrees"), complaint = make("p", "complaint", say("bad_place"));
  const inputs = ["latitude", "longitude"].map(name => degrees(name, fields));
  complaint.hidden = true;
  complaint.setAttribute("role", "alert");
  const read = () => {
    const good = valuesOf(inputs) !== null;
    complaint.hidden = good || inputs.some(input => !input.value.trim());
    sheetIsReady(good);
  };
  for (const [at, row] of rows.entries()) row.querySelector("input").onchange = () => {
    inputs.forEach((input, which) => { input.value = PLACES[at][which]; });
    read();
  };
  for (const input of inputs) input.oninput = () => {
    rows.forEach(row => { row.querySelector("input").checked = false; });
    read();
  };
  const title = make("h3", "", say("other_place"));
  openSheet({ title: say("attach_location"), body: [...rows, title, fields, complaint], from: $("attach"), submit: form => {
    const values = valuesOf(inputs), preset = form.querySelector("input:checked");
    const name = preset ? say(`place_${preset.value}`) : "", address = preset ? say(`place_${preset.value}_address`) : "";
    if (values) send({ location: { latitude: values[0], longitude: values[1], name, address } });
  } });
}

function placeRow(_, at) {
  const label = make("label", "row"), words = make("span"), radio = make("input"), sign = make("span", "disc location");
  sign.append(icon("pin"));
  words.append(make("bdi", "", say(`place_${at + 1}`)), own("small", "", say(`place_${at + 1}_address`)));
  Object.assign(radio, { type: "radio", name: "place", value: String(at + 1) });
  label.append(sign, words, radio);
  return label;
}

function degrees(name, into) {
  const label = make("label", "field", say(name)), input = make("input");
  Object.assign(input, { inputMode: "decimal", autocomplete: "off", dir: "ltr", maxLength: 20, name });
  label.append(input);
  into.append(label);
  return input;
}

function valuesOf(inputs) {
  const values = inputs.map(input => latin(input.value).trim().replace(/^[\u200e\u200f]+/, "").replace(/[٫,]/, "."));
  const good = values.every((value, at) => /^[+-]?\d+(\.\d+)?$/.test(value) && Math.abs(Number(value)) <= [90, 180][at]);
  return good ? values.map(Number) : null;
}

/* --- the start --- */

/** `sends` is what the page calls with what the customer sends. */
export function start(sends) {
  send = sends;
  $("attach").onclick = () => tray($("tray").hidden);
  for (const button of $("tray").querySelectorAll("button"))
    button.onclick = button.dataset.attach === "location" ? askForPlace : () => pick(button.dataset.attach);
  $("file").onchange = event => attach(event.target.files[0], wanted);
  $("detach").onclick = () => { detach(); $("text").focus({ preventScroll: true }); };
  document.addEventListener("keydown", event => {
    if (event.key !== "Escape" || $("tray").hidden) return;
    tray(false);
    $("attach").focus({ preventScroll: true });
  });
  document.addEventListener("pointerdown", event => {
    if (!event.target.closest("#tray, #attach")) tray(false);
  });
  $("text").addEventListener("paste", event => {
    const [file] = event.clipboardData?.files ?? [];
    if (!file) return;
    event.preventDefault();
    attach(file, choiceFor(file));
  });
  const room = $("room"), over = on => room.classList.toggle("dropping", on);
  const carries = event => [...event.dataTransfer?.types ?? []].includes("Files");
  room.addEventListener("dragover", event => { if (carries(event)) { event.preventDefault(); over(true); } });
  room.addEventListener("dragleave", event => { if (!room.contains(event.relatedTarget)) over(false); });
  room.addEventListener("drop", event => {
    if (!carries(event)) return;
    event.preventDefault();
    over(false);
    const [file] = event.dataTransfer.files;
    if (file) attach(file, choiceFor(file));
  });
}

const choiceFor = file => (file.type.startsWith("audio/") ? "audio" : "visual");
