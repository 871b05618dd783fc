/* The sandbox's page: asks for the thread again and again, and changes only what has changed. Files and places are
   in sandbox-media and sandbox-attach, the sheet in sandbox-sheet. */

import { $, LOCALE, icon, latin, make, named, objects, page, say, setText, text, write } from "./sandbox-page.js";
import { attached, isBare, isSticker, looksLike, ready, start as startMedia } from "./sandbox-media.js";
import { attachment, detach, start as startAttaching, takesCaption } from "./sandbox-attach.js";
import { closeSheet, openSheet, sheetIsReady, start as startSheet } from "./sandbox-sheet.js";

if (page.channels.length) run();

function run() {
const FAST_MS = 400, SLOW_MS = 1500, LONGEST_PAUSE_MS = 5000, LIVELY_MS = 30000, PATIENCE_MS = 8000, UPLOAD_MS = 60000;
const LONGEST_CAPTION = 1024;
const STORE = "wabot.sandbox";
const NUMBERS = ["+966500000101", "+966500000102", "+447700900103"];
const SUGGESTED = page.language === "ar" ? ["مرحبا", "القائمة", "hello", "menu"] : ["hello", "menu", "مرحبا", "القائمة"];

/* --- who talks to whom; the address and the browser remember it --- */

const asked = new URLSearchParams(location.search);
const kept = (() => { try { return JSON.parse(localStorage.getItem(STORE)) || {}; } catch { return {}; } })();
const known = page.channels.find(one => one.id === (page.chosen ? page.channel : kept.channel));
const now = {
  channel: known || page.channels.find(one => one.id === page.channel),
  phone: plain(asked.get("phone")) || plain(kept.phone) || NUMBERS[0],
  name: asked.get("name") ?? kept.name ?? say("preset_1"),
  pending: [],
};

/** `+digits`, or empty where that is no phone number. */
function plain(written) {
  const digits = latin(written).replace(/[^\d+]/g, "").replace(/^(\+|00)/, "");
  return /^\d{5,15}$/.test(digits) ? `+${digits}` : "";
}

function remember() {
  const who = { channel: now.channel.id, phone: now.phone, name: now.name };
  try { localStorage.setItem(STORE, JSON.stringify(who)); } catch { /* a private window */ }
  history.replaceState(null, "", `?${new URLSearchParams(who)}`);
  for (const link of document.querySelectorAll(".language"))
    link.search = new URLSearchParams({ ...who, lang: link.lang });
}

/* --- time, in the tenant's zone --- */

const formats = new Map();
function inZone(moment, options, locale = LOCALE) {
  const key = JSON.stringify([now.channel.timezone, locale, options]);
  if (!formats.has(key)) {
    let format;
    try { format = new Intl.DateTimeFormat(locale, { ...options, timeZone: now.channel.timezone }); }
    catch { format = new Intl.DateTimeFormat(locale, options); }
    formats.set(key, format);
  }
  return formats.get(key).format(moment);
}
const hour = at => inZone(new Date(at), { hour: "numeric", minute: "2-digit" });
const second = at => inZone(new Date(at), { hour: "numeric", minute: "2-digit", second: "2-digit" });
const dayKey = moment => inZone(moment, { year: "numeric", month: "2-digit", day: "2-digit" }, "en-CA");

function dayName(at) {
  const day = dayKey(new Date(at)), today = Date.now();
  if (day === dayKey(new Date(today))) return say("today");
  if (day === dayKey(new Date(today - 86400000))) return say("yesterday");
  return inZone(new Date(at), { weekday: "long", day: "numeric", month: "long" });
}

/* --- bubbles --- */

const TICKS = {
  pending: ["clock", "small"], queued: ["clock", "small"], sending: ["clock", "small"],
  sent: ["tick", ""], accepted: ["tick", ""], delivered: ["ticks", ""], read: ["ticks", "read"],
  unknown: ["unknown", "small warn"], retry: ["alert", "small warn"], failed: ["alert", "small bad"],
  undelivered: ["alert", "small bad"], dead: ["alert", "small bad"], suppressed: ["alert", "small bad"],
  cancelled: ["alert", "small bad"],
};
const WAITING = ["queued", "sending", "pending"], OPEN = ["retry", "unknown"];
const CUSTOMERS_WORDS = { pending: "pending", sent: "carried", delivered: "arrived", read: "seen" };
const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D|\p{Emoji_Modifier}|\p{Extended_Pictographic})*\s*){1,3}$/u;

function build(message) {
  const mine = message.from === "customer", content = message.content || {};
  const node = make("article", mine ? "bubble mine" : "bubble");
  const choices = mine ? [] : choicesOf(content);
  if (choices.length) node.classList.add("rich");
  node.append(make("span", "unseen", mine ? say("you") : now.channel.business), body(content));
  dress(node, content);
  if (choices.length) {
    const list = make("div", "choices");
    list.append(...choices);
    node.append(list);
  }
  return node;
}

/** Put the file or the place of a message into its bubble, unless the right one is there. */
function dress(node, content) {
  const looks = looksLike(content);
  if (!looks || node.dataset.looks === looks) return;
  node.dataset.looks = looks;
  node.classList.toggle("bare", isBare(content));
  node.classList.toggle("stuck", isSticker(content));
  node.classList.add("with-file");
  const slot = make("div", "slot");
  slot.append(attached(content));
  sizes.observe(slot);
  node.querySelector(".slot")?.remove();
  node.querySelector(".words").before(slot);
}

function body(content) {
  const words = make("div", "words"), said = saying(content);
  words.dir = "auto";
  if (content.template) words.append(make("span", "label", `${say("template")} · ${text(content.template.name)}`));
  if (content.header) words.append(make("span", "title", text(content.header)));
  const shown = make("span", "said");
  const silent = content.template || content.media || content.location;
  write(shown, said || (silent ? "" : say("unknown_content", { kind: named("kind", text(content.kind)) })));
  if (ONLY_EMOJI.test(said)) words.classList.add("huge");
  if (said || !silent) words.append(shown);
  else {
    words.classList.add("silent");
    words.removeAttribute("dir");
  }
  if (content.footer) words.append(make("span", "foot", text(content.footer)));
  const stamp = make("span", "stamp");
  stamp.append(make("time"), make("span", "tick"));
  words.append(stamp);
  return words;
}

function saying(content) {
  if (content.location) return "";
  if (content.reply) return text(content.reply.title) || text(content.reply.id);
  const variables = content.template?.variables || {};
  return text(content.text) || Object.values(variables).map(text).join("\n");
}

function choicesOf(content) {
  const found = objects(content.buttons).map(one => {
    const button = choice("reply", text(one.title));
    button.onclick = () => send({ reply: { type: "button", id: text(one.id), title: text(one.title) } });
    return button;
  });
  if (objects(content.sections).length) {
    const button = choice("list", text(content.button));
    button.setAttribute("aria-haspopup", "dialog");
    button.onclick = () => openList(content, button);
    found.push(button);
  }
  return found;
}

function choice(sign, title) {
  const button = make("button", "choice");
  const words = make("bdi", "", title);
  button.type = "button";
  button.append(icon(sign, sign === "reply" ? "turn" : ""), words);
  return button;
}

/** What may change on a bubble after it was built: its time, its tick, its trouble, its place in a group. */
function refresh(node, message, first) {
  const mine = message.from === "customer", tick = TICKS[message.tick] ? message.tick : "sent";
  const troubles = troublesOf(message, mine), trouble = troubles.join(" · ");
  node.classList.toggle("first", first);
  dress(node, message.content || {});
  const lost = Boolean(message.uncarried), open = WAITING.includes(tick) || OPEN.includes(tick);
  node.classList.toggle("lost", lost && !open);
  node.classList.toggle("sending", tick === "pending" || (lost && open));
  const list = node.querySelector(".choices");
  if (list) list.inert = lost;
  const seen = JSON.stringify([message.at, tick, trouble]);
  if (node.dataset.seen === seen) return;
  node.dataset.seen = seen;
  const time = node.querySelector("time"), sign = node.querySelector(".tick");
  time.textContent = hour(message.at);
  time.dateTime = message.at;
  time.dir = document.dir;
  const [shape, look] = TICKS[tick];
  const meaning = mine && CUSTOMERS_WORDS[tick] ? say(`status_${CUSTOMERS_WORDS[tick]}`) : named("status", tick);
  sign.className = `tick ${look}`;
  sign.title = trouble ? `${meaning}: ${trouble}` : meaning;
  sign.setAttribute("role", "img");
  sign.setAttribute("aria-label", meaning);
  sign.replaceChildren(icon(shape));
  node.querySelector(".trouble")?.remove();
  if (trouble) node.insertBefore(troubleNode(message, tick, troubles), node.querySelector(".choices"));
}

function troublesOf(message, mine) {
  if (mine) return message.tick === "failed" ? [say("again")] : [];
  const parts = [];
  if (message.errorCode && message.tick !== "retry") parts.push(named("status", message.tick));
  if (message.errorCode) parts.push(message.errorMessage || message.errorCode);
  if (message.retryAt) parts.push(say("retry_at", { time: second(message.retryAt) }));
  if (message.resent) parts.push(say("resent"));
  return parts;
}

function troubleNode(message, tick, troubles) {
  const node = make("div", TICKS[tick][1].includes("bad") ? "trouble" : "trouble warn");
  if (message.from === "customer") {
    const again = make("button", "", troubles[0]);
    again.type = "button";
    again.onclick = () => retry(message.key);
    node.append(again);
  } else {
    node.append(...troubles.flatMap((part, at) => [at ? " · " : "", make("bdi", "", part)]));
  }
  return node;
}

/* --- the thread: keyed nodes, patched in place --- */

/** Make `parent` hold the wanted nodes in their order, and touch none that is right already. */
function reconcile(parent, nodes, wanted) {
  const keys = new Set(wanted.map(one => one.key));
  for (const [key, node] of nodes) if (!keys.has(key)) { node.remove(); nodes.delete(key); }
  let cursor = parent.firstElementChild;
  for (const one of wanted) {
    let node = nodes.get(one.key);
    if (!node) nodes.set(one.key, node = one.build());
    one.refresh?.(node);
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
}

const thread = $("thread"), bubbles = new Map();
let data = null, missed = 0, pinned = true, top = 0;
const sizes = new ResizeObserver(() => { if (pinned) toEnd(); });

const atEnd = () => thread.scrollHeight - thread.scrollTop - thread.clientHeight < 60;
function toEnd() {
  thread.scrollTop = thread.scrollHeight;
  [pinned, top] = [true, thread.scrollTop];
  missed = 0;
  showDown();
}
function showDown() {
  if (pinned) missed = 0;
  $("down").hidden = pinned || atEnd();
  $("count").hidden = !missed;
  $("count").textContent = missed;
}

function draw() {
  const carried = new Set(data.messages.map(one => one.key));
  now.pending = now.pending.filter(one => !carried.has(one.key));
  const messages = [...data.messages, ...now.pending];
  const stay = pinned, opening = !bubbles.size;
  const wanted = [];
  let day = "", before = "";
  for (const message of messages) {
    const its = dayKey(new Date(message.at));
    if (its !== day) {
      wanted.push({ key: `day ${its}`, build: () => make("div", "day"), refresh: node => setText(node, dayName(message.at)) });
      before = "";
    }
    const first = message.from !== before;
    [day, before] = [its, message.from];
    wanted.push({ key: message.key, build: () => arrive(message, opening), refresh: node => refresh(node, message, first) });
  }
  const notice = noticeOf(data.state);
  if (notice && messages.length)
    wanted.push({ key: "notice", build: () => make("div", "notice"), refresh: node => setText(node, notice) });
  reconcile(thread, bubbles, wanted);
  $("empty").hidden = messages.length > 0;
  setText($("presence"), data.state.answering ? say("typing") : `${say("online")} · \u2066${now.channel.number}\u2069`);
  if (stay || opening) toEnd(); else showDown();
}

function arrive(message, opening) {
  const node = build(message);
  if (!opening) {
    node.classList.add("fresh");
    node.addEventListener("animationend", () => node.classList.remove("fresh"), { once: true });
    if (message.from === "business" && !pinned) missed += 1;
  }
  return node;
}

function noticeOf(state) {
  if (state.held) return say(`held_${state.held}`);
  if (state.bot) return "";
  return state.until ? say("bot_paused", { time: hour(state.until) }) : say("bot_off");
}

/* Pictures that load make the thread longer: only who scrolls up leaves its end. */
thread.addEventListener("scroll", () => {
  pinned = atEnd() || (pinned && thread.scrollTop >= top);
  top = thread.scrollTop;
  showDown();
}, { passive: true });
$("down").onclick = () => { toEnd(); $("text").focus({ preventScroll: true }); };
sizes.observe(thread);

/* --- what happened --- */

const GOOD = ["sent", "delivered", "accepted"], SEEN = ["read", "received"];
const WARN = ["retry", "unknown", "queued", "sending", "pending"];
const entries = new Map();

function look(word) {
  if (GOOD.includes(word)) return "state good";
  if (SEEN.includes(word)) return "state seen";
  return WARN.includes(word) ? "state warn" : "state bad";
}

function drawJournal() {
  const list = data.happened;
  $("happened-empty").hidden = list.length > 0;
  reconcile($("happened"), entries, list.map(entry => ({
    key: entry.key,
    build: () => make("li", entry.type === "webhook" ? "webhook" : entry.direction),
    refresh: node => entryInto(node, entry),
  })));
}

function entryInto(node, entry) {
  const seen = JSON.stringify(entry);
  if (node.dataset.seen === seen) return;
  node.dataset.seen = seen;
  const webhook = entry.type === "webhook", what = make("span", "what"), more = make("span", "more");
  const details = [second(entry.at)];
  let word = entry.status, shown = named("status", word);
  if (webhook) {
    const items = entry.items.map(item => page.texts[`item_${item}`] ?? named("status", item));
    what.append(make("b", "", `${say("webhook")} · ${items.join(", ")}`));
    details.unshift(`#${entry.id}`);
    word = entry.reading === "pending" ? "pending" : entry.verdict;
    shown = word === "pending" ? say("reading_pending") : named("verdict", word);
    if (entry.duplicates) details.push(say("repeats", { n: entry.duplicates }));
  } else {
    const quote = make("small", "", entry.text.replace(/\s+/g, " "));
    quote.dir = "auto";
    what.append(make("b", "", `${say(entry.direction.toLowerCase())} · ${named("kind", entry.kind)}`), quote);
    if (entry.direction === "OUT") details.push(say("tries", { n: entry.attempts }));
  }
  more.append(details.join(" · "));
  if (entry.errorCode) more.append(" · ", make("code", "", entry.errorCode));
  const sign = webhook ? "webhook" : entry.direction === "IN" ? "in" : "out";
  node.replaceChildren(icon(sign), what, make("span", look(word), shown), more);
}

/* --- the line to the server --- */

let timer = 0, line = null, etag = "", failures = 0, lively = Date.now(), reading = false;

function post(path, body) {
  return fetch(`/sandbox/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Requested-With": "wabot-sandbox" },
    body: JSON.stringify({ channel: now.channel.id, phone: now.phone, ...body }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
}

async function poll() {
  clearTimeout(timer);
  line?.abort();
  if (document.hidden) return;
  const mine = line = new AbortController(), late = setTimeout(() => mine.abort(), PATIENCE_MS);
  try {
    const query = new URLSearchParams({ channel: now.channel.id, phone: now.phone });
    const response = await fetch(`/sandbox/thread?${query}`, {
      headers: etag ? { "If-None-Match": etag } : {}, signal: mine.signal,
    });
    if (response.status !== 304) {
      if (!response.ok) throw new Error(response.status);
      const fresh = await response.json();
      if (mine !== line) return;
      [data, etag, lively] = [fresh, response.headers.get("ETag") || "", Date.now()];
      draw();
      drawJournal();
      drawSwitches();
    }
    if (mine !== line) return;
    failures = 0;
    lookAtIt();
  } catch {
    if (mine !== line) return;
    failures += 1;
  } finally {
    clearTimeout(late);
  }
  $("strip").hidden = failures < 2;
  const pause = Date.now() - lively < LIVELY_MS ? FAST_MS : SLOW_MS;
  timer = setTimeout(poll, failures ? Math.min(LONGEST_PAUSE_MS, FAST_MS * 2 ** failures) : pause);
}

async function lookAtIt() {
  if (!data?.unread || reading || document.hidden) return;
  reading = true;
  try { await post("read", {}); } catch { /* the next look tries again */ }
  reading = false;
}

document.addEventListener("visibilitychange", () => { document.hidden ? clearTimeout(timer) : poll(); });

/* --- writing: shown at once, carried in order --- */

let turn = Promise.resolve(), written = 0;

function send(what) {
  const message = { key: `pending ${written += 1}`, from: "customer", at: new Date().toISOString(), tick: "pending" };
  message.content = contentOf(what);
  message.what = { channel: now.channel.id, phone: now.phone, name: now.name, ...what };
  now.pending.push(message);
  carry(message);
  if (!data) return;
  draw();
  toEnd();
}

function contentOf(what) {
  if (what.reply) return { kind: "interactive", reply: what.reply };
  if (what.location) return { kind: "location", location: what.location };
  if (!what.file) return { kind: "text", text: what.text };
  const { name: filename, type: mimeType, size } = what.file;
  return { kind: what.type, text: what.text, media: { type: what.type, filename, mimeType, size, file: what.file } };
}

function carry(message) {
  turn = turn.then(async () => {
    try {
      if (message.what.file && !message.what.media) await upload(message);
      const { file, type, ...said } = message.what;
      const response = await post("say", said);
      if (!response.ok) throw new Error(response.status);
      const key = (await response.json()).id, node = bubbles.get(message.key);
      if (node) { bubbles.delete(message.key); bubbles.set(key, node); }
      Object.assign(message, { key, tick: "sent" });
    } catch {
      message.tick = "failed";
    }
    lively = Date.now();
    if (data && now.pending.includes(message)) draw();
    poll();
  });
}

async function upload(message) {
  const { file, type, channel } = message.what;
  const response = await fetch(`/sandbox/media?${new URLSearchParams({ channel })}`, {
    method: "POST",
    headers: {
      "Content-Type": "application/octet-stream", "X-Requested-With": "wabot-sandbox",
      "X-Sandbox-Type": file.type, "X-Sandbox-Filename": encodeURIComponent(file.name.toWellFormed?.() ?? file.name),
    },
    body: file,
    signal: AbortSignal.timeout(UPLOAD_MS),
  });
  if (!response.ok) throw new Error(response.status);
  const { id, ...kept } = await response.json(), media = { type, key: id, ...kept };
  await ready(media);
  message.what.media = { id, type };
  message.content = { ...message.content, media };
}

function retry(key) {
  const message = now.pending.find(one => one.key === key);
  if (!message) return;
  message.tick = "pending";
  draw();
  carry(message);
}

const box = $("text");
function grow() {
  box.style.height = "";
  box.style.height = `${Math.min(132, Math.max(46, box.scrollHeight))}px`;
}
box.addEventListener("input", grow);
box.addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
$("composer").addEventListener("submit", event => {
  event.preventDefault();
  const words = box.value.trim(), added = attachment(), captioned = added && takesCaption(added.type);
  const caption = captioned && words.length <= LONGEST_CAPTION ? words : "";
  box.focus({ preventScroll: true });
  if (!words && !added) return;
  box.value = "";
  grow();
  detach();
  if (added) send({ ...added, text: caption });
  if (words && !caption) send({ text: words });
});

/* --- a list's rows, on the sheet --- */

function openList(content, button) {
  const rows = objects(content.sections).flatMap(section => {
    const title = make("h3", "", text(section.title));
    title.dir = "auto";
    return [...(section.title ? [title] : []), ...objects(section.rows).map(sheetRow)];
  });
  openSheet({ title: text(content.button), body: rows, from: button, submit: form => {
    const chosen = form.querySelector("input:checked");
    if (chosen) send({ reply: { type: "list", id: chosen.value, title: chosen.dataset.title } });
  } });
}

function sheetRow(row) {
  const label = make("label", "row"), words = make("span"), radio = make("input");
  words.append(make("bdi", "", text(row.title)));
  if (row.description) {
    const about = make("small", "", text(row.description));
    about.dir = "auto";
    words.append(about);
  }
  Object.assign(radio, { type: "radio", name: "row", value: text(row.id) });
  radio.dataset.title = text(row.title);
  radio.onchange = () => sheetIsReady(true);
  label.append(words, radio);
  return label;
}

/* --- the panels --- */

function talk() {
  closeSheet();
  detach();
  for (const nodes of [bubbles, entries]) { nodes.forEach(node => node.remove()); nodes.clear(); }
  [data, etag, failures, missed, now.pending, lively] = [null, "", 0, 0, [], Date.now()];
  const { business, number, id } = now.channel;
  setText($("business"), business);
  setText($("avatar"), [...business.trim()][0]?.toUpperCase() || "•");
  $("avatar").style.setProperty("--hue", (id * 137 + 28) % 360);
  setText($("presence"), number);
  setText($("empty-title"), say("empty_title", { business }));
  $("channel").value = id;
  $("name").value = now.name;
  $("number").value = now.phone;
  $("presets").querySelectorAll("[data-phone]").forEach(chip =>
    chip.setAttribute("aria-pressed", String(chip.dataset.phone === now.phone)));
  remember();
  tell();
  poll();
}

function chip(label, act) {
  const button = make("button", "", label);
  button.type = "button";
  button.onclick = act;
  return button;
}

$("chips").append(...SUGGESTED.map(words => {
  const button = chip(words, () => send({ text: words }));
  button.dir = "auto";
  return button;
}));
$("presets").append(...NUMBERS.map((phone, at) => {
  const name = say(`preset_${at + 1}`);
  const button = chip(name, () => { Object.assign(now, { phone, name }); talk(); });
  button.dataset.phone = phone;
  return button;
}));
const someone = chip(say("someone_new"), () => {
  Object.assign(now, { phone: `+9665${String(10000000 + Math.floor(Math.random() * 89999999))}`, name: "" });
  talk();
});
someone.classList.add("plus");
$("presets").append(someone);

$("channel").onchange = event => {
  now.channel = page.channels.find(one => String(one.id) === event.target.value) || now.channel;
  talk();
};
$("name").onchange = event => { now.name = event.target.value.trim(); remember(); };
$("number").onchange = event => {
  const phone = plain(event.target.value);
  $("bad-number").hidden = Boolean(phone);
  event.target.setAttribute("aria-invalid", String(!phone));
  if (phone && phone !== now.phone) { now.phone = phone; talk(); }
};

const switches = [...document.querySelectorAll("[data-switch]")];
let saving = 0;

function drawSwitches() {
  if (saving) return;
  for (const one of switches) {
    const value = data.switches[one.dataset.switch];
    if (one.type === "checkbox") one.checked = value;
    else one.value = [...one.options].map(option => option.value).includes(String(value)) ? value : "0";
  }
}

async function saveSwitches() {
  const wanted = Object.fromEntries(switches.map(one =>
    [one.dataset.switch, one.type === "checkbox" ? one.checked : Number(one.value)]));
  saving += 1;
  let good = false;
  try { good = (await post("switches", { switches: wanted })).ok; } catch { /* said below */ }
  saving -= 1;
  etag = "";
  $("saved").classList.toggle("wrong", !good);
  setText($("saved"), say(good ? "saved" : "not_saved"));
  setTimeout(() => setText($("saved"), ""), good ? 1500 : 5000);
  poll();
}
switches.forEach(one => { one.onchange = saveSwitches; });

function tell() { setText($("clock"), inZone(new Date(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })); }
setInterval(tell, 5000);

startSheet();
startMedia();
startAttaching(send);
talk();
if (matchMedia("(hover: hover)").matches) box.focus({ preventScroll: true });
}
