// A text area with coloured text under it. In: a host element. Out: an object with `text`. No parsing: tokens only.

const GRAPHQL = /(?<comment>#[^\n]*)|(?<string>"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*")|(?<variable>\$\w+|@\w+)|(?<number>-?\b\d[\d.eE+-]*)|(?<keyword>\b(?:query|mutation|subscription|fragment|on|true|false|null)\b)|(?<type>\b[A-Z]\w*)/g;
const JSON_TEXT = /(?<variable>"(?:\\.|[^"\\])*"(?=\s*:))|(?<string>"(?:\\.|[^"\\])*")|(?<number>-?\b\d[\d.eE+-]*)|(?<keyword>\b(?:true|false|null)\b)/g;

const escape = (text) => text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);

export function coloured(text, language) {
  const pattern = language === "json" ? JSON_TEXT : GRAPHQL;
  let html = "";
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    html += `${escape(text.slice(end, match.index))}<span class="t-${kind}">${escape(match[0])}</span>`;
    end = match.index + match[0].length;
  }
  return html + escape(text.slice(end));
}

export class Editor {
  constructor(host) {
    this.language = host.dataset.language;
    this.under = host.appendChild(document.createElement("pre"));
    this.area = host.appendChild(document.createElement("textarea"));
    this.area.setAttribute("aria-label", host.dataset.label);
    this.area.spellcheck = false;
    this.area.addEventListener("input", () => this.paint());
    this.area.addEventListener("scroll", () => this.follow());
    this.area.addEventListener("keydown", (event) => this.indent(event));
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.paint();
  }

  paint() {
    this.under.innerHTML = `${coloured(this.text, this.language)}\n`;
    this.follow();
  }

  follow() {
    this.under.scrollTop = this.area.scrollTop;
    this.under.scrollLeft = this.area.scrollLeft;
  }

  indent(event) {
    if (event.key !== "Tab" || event.shiftKey) return;
    event.preventDefault();
    this.area.setRangeText("  ", this.area.selectionStart, this.area.selectionEnd, "end");
    this.paint();
  }
}
