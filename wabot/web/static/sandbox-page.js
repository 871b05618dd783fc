/* What every part of the sandbox's page uses: its words, its nodes, its numbers. Whatever people wrote goes in by
   textContent, never as markup. */

export const page = JSON.parse(document.body.dataset.page);
export const LOCALE = page.language === "ar" ? "ar-SA-u-ca-gregory-nu-latn" : "en-US";

export const $ = id => document.getElementById(id);
export const say = (name, values = {}) =>
  (page.texts[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
export const named = (family, word) => page.texts[`${family}_${word}`] ?? word;
export const text = value => (typeof value === "string" ? value : value == null ? "" : String(value));
export const objects = value => (Array.isArray(value) ? value.filter(part => part && typeof part === "object") : []);

export function setText(node, value) { if (node.textContent !== value) node.textContent = value; }

export function make(tag, className = "", content = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content) node.textContent = content;
  return node;
}

/** One of the page's own drawings (templates/sandbox-icons.svg). */
export function drawing(name, className) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  svg.firstChild.setAttribute("href", `#i-${name}`);
  return svg;
}

export const icon = (name, className = "") => drawing(name, `icon ${className}`);

/** Text that keeps its own direction and cannot spill into its neighbours'. */
export function own(tag, className, content) {
  const node = make(tag, className, content);
  node.dir = "auto";
  return node;
}

/** The word for a kind of message where it stands as a title. */
export const titled = kind => named("kind", kind).replace(/^./u, first => first.toUpperCase());

/** Arabic digits as Latin ones. */
export const latin = written => text(written).replace(/[٠-٩۰-۹]/g, sign => sign.charCodeAt(0) & 15);

export function bytes(size) {
  const [unit, value] = size < 1e6 ? ["kilobyte", size / 1e3] : ["megabyte", size / 1e6];
  const format = { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 };
  return new Intl.NumberFormat(LOCALE, format).format(size ? Math.max(0.1, value) : 0);
}

/* --- WhatsApp's own marks: *bold* _italic_ ~struck~ `code`, and links --- */

const MARKS = new RegExp(
  "```([\\s\\S]+?)```|`([^`\\n]+)`|(https?:\\/\\/[^\\s<>\"']*[^\\s<>\"'.,;:!?)\\]}،؛؟»])" +
  "|(?<![\\p{L}\\p{N}])([*_~])(?=\\S)([^\\n]{0,1000}?\\S)\\4(?![\\p{L}\\p{N}])", "gu");
const TAGS = { "*": "strong", "_": "em", "~": "s" };

export function write(into, words, depth = 0) {
  let end = 0;
  for (const found of words.matchAll(MARKS)) {
    into.append(words.slice(end, found.index));
    end = found.index + found[0].length;
    const [whole, block, code, link, mark, inner] = found;
    if (link) {
      const anchor = make("a", "", link);
      Object.assign(anchor, { href: link, target: "_blank", rel: "noopener noreferrer" });
      into.append(anchor);
    } else if (block || code) {
      into.append(make("code", "", block || code));
    } else if (depth < 3) {
      const marked = make(TAGS[mark]);
      write(marked, inner, depth + 1);
      into.append(marked);
    } else {
      into.append(whole);
    }
  }
  into.append(words.slice(end));
}
