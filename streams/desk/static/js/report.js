// A report in Markdown as elements: headings, paragraphs, lists, tables, pictures of its version. Never as markup.
import { h } from "./dom.js";

const IMAGE = /^!\[(.*)\]\(([\w.-]+)\)$/;
const DIVIDER = /^\|[\s:|-]+\|$/;

/** The report; `pictures` is the address under which the version's pictures are. */
export function reportOf(markdown, pictures) {
  const blocks = markdown.replaceAll("\r\n", "\n").split(/\n{2,}/).map((block) => block.trim()).filter(Boolean);
  return blocks.map((block) => blockOf(block.split("\n"), pictures));
}

function blockOf(lines, pictures) {
  const [first] = lines;
  const heading = /^(#{1,4})\s+(.*)$/.exec(first);
  if (heading) return [h(heading[1].length === 1 ? "h3" : "h4", {}, heading[2]), lines.length > 1 ? blockOf(lines.slice(1), pictures) : null];
  if (first.startsWith("|") && DIVIDER.test(lines[1] ?? "")) return tableOf(lines);
  const image = IMAGE.exec(first);
  if (image) return h("figure", {}, h("img", { src: pictures + encodeURIComponent(image[2]), alt: image[1], loading: "lazy" }));
  if (lines.every((line) => line.startsWith("- "))) return h("ul", { class: "reasons" }, lines.map((line) => h("li", {}, line.slice(2))));
  return h("p", {}, lines.join(" "));
}

function tableOf([head, , ...rows]) {
  const [names, ...body] = [head, ...rows].map(cells);
  return h(
    "div",
    { class: "scroller" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, names.map((name, place) => h("th", { scope: "col", class: place ? "number" : "" }, name)))),
      h("tbody", {}, body.map(([name, ...values]) => h("tr", {}, h("th", { scope: "row" }, name), values.map((value) => h("td", { class: "number" }, value))))),
    ),
  );
}

const cells = (line) => line.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
