// Controls without a name, headings that leave out a level, ids that stand twice, pictures without words.
() => {
  const faults = [];
  const seen = (element) => element.checkVisibility();
  const name = (element) => element.getAttribute("aria-label") || document.getElementById(element.getAttribute("aria-labelledby"))?.textContent
    || element.labels?.[0]?.textContent || element.textContent || element.title;
  for (const control of document.querySelectorAll("button, a, input, select, textarea, summary, [role=radio], progress")) {
    if (seen(control) && !name(control)?.trim()) faults.push(`no name: ${control.outerHTML.slice(0, 80)}`);
  }
  for (const region of document.querySelectorAll("section, nav, [role=list], [role=radiogroup], dialog, iframe")) {
    if (seen(region) && region.hasAttribute("aria-labelledby") && !name(region)?.trim()) faults.push(`no such label: ${region.outerHTML.slice(0, 80)}`);
  }
  for (const picture of document.querySelectorAll("img, svg")) {
    if (seen(picture) && !picture.hasAttribute("alt") && !picture.getAttribute("aria-label")) faults.push(`no words: ${picture.outerHTML.slice(0, 80)}`);
  }
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(seen).map((heading) => Number(heading.tagName[1]));
  if (levels[0] !== 1 || levels.filter((level) => level === 1).length !== 1) faults.push(`headings: ${levels}`);
  levels.forEach((level, place) => { if (place && level > levels[place - 1] + 1) faults.push(`headings: ${levels}`); });
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  ids.filter((id, place) => ids.indexOf(id) !== place).forEach((id) => faults.push(`twice: #${id}`));
  for (const table of document.querySelectorAll("table")) {
    if (seen(table) && !table.querySelector("th[scope=col]")) faults.push("a table without headings");
  }
  for (const row of document.querySelectorAll("[role=listitem]")) {
    if (seen(row) && !row.closest("[role=list]")) faults.push("an item of no list");
  }
  return faults;
}
