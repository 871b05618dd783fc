/* Files and places in bubbles, as WhatsApp shows them. What lies at an address elsewhere is not loaded, only named:
   the page asks nobody but its own server for anything. */

import { $, bytes, drawing, icon, make, own, say, setText, text, titled, write } from "./sandbox-page.js";

const BIGGEST_PREVIEW = 540;
const VIEWS = { image: picture, sticker, video, audio };

export const mediaUrl = key => `/sandbox/media/${encodeURIComponent(key)}`;

/** What a bubble's file or place looks like; equal for equal looks, so that nothing is built twice. */
export function looksLike({ media, location }) {
  if (location) return JSON.stringify(location);
  return media ? JSON.stringify([media.type, media.key, media.url, Boolean(media.file)]) : "";
}

/** Whether the time stands on the picture itself, because nothing is written below it. */
export const isBare = content => Boolean(content.media?.key || content.media?.file) && !text(content.text)
  && ["image", "sticker"].includes(content.media.type);

export const isSticker = content => content.media?.type === "sticker" && Boolean(content.media.key || content.media.file);

/** The file or the place of a message; nothing where it has neither. */
export function attached(content) {
  if (content.location) return place(content.location);
  const media = content.media;
  if (!media) return null;
  if (!media.key && !media.file) return away(media);
  return (VIEWS[media.type] ?? file)(media, text(content.text));
}

/* --- pictures --- */

function picture(media, caption) {
  if (media.file) return preview(media.file, () => file(media), "picture");
  const button = make("button", "picture"), image = imageOf(media, caption);
  button.type = "button";
  button.setAttribute("aria-label", `${say("open_picture")}: ${image.alt}`);
  button.append(image);
  button.onclick = () => view(media, caption);
  image.onerror = () => button.replaceWith(note("image", say("media_gone")));
  return button;
}

function sticker(media) {
  if (media.file) return preview(media.file, () => file(media), "sticker");
  const image = imageOf(media, "");
  image.className = "sticker";
  image.onerror = () => image.replaceWith(note("sticker", say("media_gone")));
  return image;
}

function imageOf(media, caption) {
  const image = make("img");
  image.src = mediaUrl(media.key);
  image.alt = caption || text(media.filename) || titled(media.type);
  image.decoding = "async";
  image.draggable = false;
  return image;
}

/** A file that is still on its way, drawn from the customer's own copy; `instead` where it cannot be drawn. */
export function preview(blob, instead, className) {
  const frame = make("span", className), canvas = make("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", blob.name || titled("image"));
  frame.append(canvas, make("span", "spinner"));
  createImageBitmap(blob).then(bitmap => {
    const scale = Math.min(1, BIGGEST_PREVIEW / Math.max(bitmap.width, bitmap.height));
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height].map(side => Math.max(1, Math.round(side * scale)));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    frame.dispatchEvent(new Event("load"));
  }).catch(() => frame.replaceWith(instead()));
  return frame;
}

/** Wait until the server's copy of a picture can be shown without a blink. */
export async function ready(media) {
  if (!["image", "sticker"].includes(media.type)) return;
  const image = new Image();
  image.src = mediaUrl(media.key);
  try { await image.decode(); } catch { /* the bubble will say so */ }
}

function view(media, caption) {
  const viewer = $("viewer"), image = imageOf(media, caption), save = $("viewer-save");
  setText($("viewer-title"), text(media.filename) || titled("image"));
  $("viewer-caption").replaceChildren();
  write($("viewer-caption"), caption);
  save.href = mediaUrl(media.key);
  save.download = text(media.filename) || media.key;
  $("viewer-image").replaceChildren(image);
  viewer.showModal();
}

export function start() {
  const viewer = $("viewer");
  $("viewer-close").onclick = () => viewer.close();
  viewer.addEventListener("click", event => {
    if (event.target === viewer || event.target === $("viewer-image")) viewer.close();
  });
}

/* --- video and audio: the browser's own controls --- */

function video(media) { return player("video", media); }

function audio(media) {
  const frame = make("span", "voice");
  const player_ = player("audio", media);
  if (media.file) return player_;
  frame.append(icon("audio"), player_);
  return frame;
}

function player(tag, media) {
  if (media.file) return file(media);
  const node = make(tag);
  Object.assign(node, { controls: true, preload: "metadata", src: mediaUrl(media.key) });
  if (tag === "video") node.playsInline = true;
  node.setAttribute("aria-label", text(media.filename) || titled(media.type));
  node.onerror = () => node.parentNode?.classList.contains("voice")
    ? node.parentNode.replaceWith(file(media)) : node.replaceWith(file(media));
  return node;
}

/* --- documents, and what cannot be shown --- */

function file(media) {
  const node = make(media.key ? "a" : "div", "file"), name = text(media.filename) || titled(media.type);
  const ending = extension(media);
  if (media.key) Object.assign(node, { href: mediaUrl(media.key), download: text(media.filename) || media.key });
  const details = [ending, media.size ? bytes(media.size) : ""].filter(Boolean).join(" · ");
  node.append(sheetOf(ending), about(name, details), media.file ? make("span", "spinner") : icon("save"));
  if (media.key) node.setAttribute("aria-label", `${say("save")}: ${name}`);
  return node;
}

function extension(media) {
  const found = /\.([a-z0-9]{1,5})$/i.exec(text(media.filename));
  return (found ? found[1] : text(media.mimeType).split("/")[1]?.split(/[+.-]/).pop() || "").slice(0, 5).toUpperCase();
}

function sheetOf(ending) {
  const sheet = make("span", `paper ${/^(PDF|DOCX?|XLSX?|CSV|ZIP)$/.test(ending) ? ending.slice(0, 3).toLowerCase() : ""}`);
  sheet.setAttribute("aria-hidden", "true");
  sheet.append(icon("file"), make("b", "", ending));
  return sheet;
}

function about(name, details) {
  const words = make("span", "about-file");
  words.append(own("b", "", name), make("small", "", details));
  return words;
}

function away(media) {
  let address = null;
  try { address = new URL(text(media.url)); } catch { /* no address */ }
  if (address && ["https:", "http:"].includes(address.protocol)) return linkTo(media, address);
  return note(media.type, say(media.waiting ? "media_waiting" : "media_gone"), text(media.filename));
}

function linkTo(media, address) {
  const node = make("a", "file"), last = address.pathname.split("/").pop();
  Object.assign(node, { href: address.href, target: "_blank", rel: "noopener noreferrer" });
  let name = text(media.filename) || last;
  try { name = decodeURIComponent(name); } catch { /* as it is */ }
  node.append(round(media.type), about(name || titled(media.type), address.host), icon("open"));
  node.setAttribute("aria-label", `${titled(media.type)}: ${name}, ${address.host}`);
  return node;
}

function note(type, words, name = "") {
  const node = make("div", "file missing");
  node.append(round(type), about(name || titled(type), words));
  return node;
}

export function round(type) {
  const known = ["image", "video", "audio", "document", "sticker"].includes(type) ? type : "document";
  const sign = make("span", `disc ${known}`);
  sign.append(icon(known === "document" ? "file" : known));
  return sign;
}

/* --- places --- */

function place(location) {
  const [latitude, longitude] = [Number(location.latitude), Number(location.longitude)];
  const node = make("a", "place"), map = make("span", "map"), words = make("span", "about-place");
  const at = `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`, name = text(location.name);
  Object.assign(node, { href: mapLink(latitude, longitude), target: "_blank", rel: "noopener noreferrer" });
  map.append(streets(latitude, longitude), icon("pin", "pin"));
  if (name) words.append(own("b", "", name));
  if (location.address) words.append(own("span", "", text(location.address)));
  const coordinates = make("small", "", at);
  coordinates.dir = "ltr";
  words.append(coordinates);
  node.setAttribute("aria-label", `${say("open_map")}: ${[name, text(location.address), at].filter(Boolean).join(", ")}`);
  node.append(map, words);
  return node;
}

/** Streets that are drawn, not looked up: another piece of one drawing for another place. */
function streets(latitude, longitude) {
  const svg = drawing("map", "streets"), shift = (degrees, most) => Math.round((Math.abs(degrees) * 997) % most);
  svg.setAttribute("viewBox", `${shift(longitude, 230)} ${shift(latitude, 150)} 270 140`);
  svg.setAttribute("preserveAspectRatio", "xMidYMid slice");
  svg.firstChild.setAttribute("width", 500);
  svg.firstChild.setAttribute("height", 290);
  return svg;
}

function mapLink(latitude, longitude) {
  const link = new URL("https://www.openstreetmap.org/");
  link.search = new URLSearchParams({ mlat: latitude, mlon: longitude });
  link.hash = `map=16/${latitude}/${longitude}`;
  return link.href;
}
