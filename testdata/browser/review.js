// Opens pages that eiplan -o html wrote in Chromium and holds them to what a reader may expect: nothing fetched, nothing logged, filters that filter, names,
// contrast and order of focus for those who need them, no page that scrolls sideways. Screenshots stand in the folder of results.
//
//	node review.js CHROMIUM RESULTS PAGE...
"use strict";
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

const [executablePath, results, ...pages] = process.argv.slice(2);
const schemes = ["light", "dark"];
const widths = [1280, 400];

// Each check returns what is wrong, as a list of sentences.

// textContrast measures every text that is drawn against what is painted behind it, as WCAG 2.2 computes it: 4.5, or 3 for large text.
function textContrast() {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
  const over = (top, below) => ({ r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1 });
  const luminance = ({ r, g, b }) => {
    const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const behind = (element) => {
    const layers = [];
    const box = element.tagName === "text" && element.parentElement.querySelector(":scope > rect.box");
    if (box) layers.push(rgba(getComputedStyle(box).fill));
    for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    layers.push({ r: 255, g: 255, b: 255, a: 1 });
    return layers.reduceRight((below, layer) => over(layer, below));
  };
  const wrong = new Map();
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("script, style, title, desc, option, .hidden, .skip") || !element.checkVisibility({ visibilityProperty: true })) continue;
    seen++;
    const style = getComputedStyle(element);
    const background = behind(element);
    const own = over(rgba(element instanceof SVGElement ? style.fill : style.color), background);
    const [light, dark] = [luminance(own), luminance(background)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) wrong.set(`${element.tagName}.${element.getAttribute("class") || ""}`, `"${node.data.trim().slice(0, 40)}" has a contrast of ${ratio.toFixed(2)}`);
  }
  if (seen === 0) return ["there is no text"];
  return [...wrong].map(([where, what]) => `${where}: ${what}`);
}

// overflow is what makes the page wider than its window.
function overflow() {
  const wide = document.documentElement.scrollWidth;
  return wide > innerWidth ? [`the page is ${wide} px wide in a window of ${innerWidth}`] : [];
}

// structure is what assistive technology finds its way by.
function structure() {
  const wrong = [];
  const expect = (ok, what) => ok || wrong.push(what);
  expect(document.documentElement.lang, "the page has no language");
  expect(document.title, "the page has no title");
  expect(document.querySelectorAll("h1").length === 1, "the page has not one h1");
  expect(document.querySelectorAll("main").length === 1, "the page has not one main");
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  expect(new Set(ids).size === ids.length, "an id stands twice");
  for (const link of document.querySelectorAll("a[href]")) expect(document.getElementById(link.hash.slice(1)), `the link ${link.href} leads nowhere`);
  for (const table of document.querySelectorAll("table")) {
    expect(table.caption?.textContent, "a table has no caption");
    expect([...table.tHead.querySelectorAll("th")].every((th) => th.scope === "col"), `a heading of ${table.caption?.textContent} has no scope`);
    expect([...table.tBodies[0].rows].every((row) => row.querySelector('th[scope="row"]')), `a row of ${table.caption?.textContent} has no heading`);
  }
  for (const scrolls of document.querySelectorAll(".scroll")) expect(scrolls.tabIndex === 0, "what scrolls can't be focused");
  for (const svg of document.querySelectorAll("svg.chart")) {
    expect(svg.getAttribute("role") === "img" && svg.querySelector(":scope > title")?.textContent && svg.querySelector(":scope > desc")?.textContent, "a chart has no title or description");
  }
  return wrong;
}

// names are of everything that can be operated or stands for a part of the page, as the browser computes them.
async function names(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const named = ["button", "link", "combobox", "searchbox", "textbox", "checkbox", "image", "img", "table", "region", "form", "navigation", "heading", "DisclosureTriangle"];
  const relevant = nodes.filter((n) => !n.ignored && named.includes(n.role?.value));
  if (relevant.length === 0) return ["there is nothing to name"];
  return relevant.filter((n) => !n.name?.value?.trim()).map((n) => `a ${n.role.value} has no name`);
}

// focusOrder presses Tab through the page: the skip link first, everything once, in the order of the page, and always visibly.
async function focusOrder(page) {
  const wrong = [];
  const expected = await page.evaluate(() => {
    window.focusable = [...document.querySelectorAll("a[href], select, input, button, summary, [tabindex='0']")].filter((e) => e.checkVisibility());
    document.activeElement?.blur();
    getSelection().removeAllRanges();
    return focusable.length;
  });
  for (let i = 0; i < expected; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      const style = getComputedStyle(e);
      return { index: focusable.indexOf(e), what: `${e.tagName} ${(e.getAttribute("aria-label") || e.textContent).trim().slice(0, 40)}`, ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
    });
    if (at.index !== i) wrong.push(`Tab ${i + 1} comes to ${at.what}, which is number ${at.index + 1}`);
    if (!at.ring) wrong.push(`focus on ${at.what} can't be seen`);
    if (wrong.length > 3) break;
  }
  const first = await page.evaluate(() => focusable[0]?.classList.contains("skip"));
  if (!first) wrong.push("the first stop is not the skip link");
  return wrong;
}

// filters sets every value of every filter, and a text, and compares what is left with what the tags say.
async function filters(page) {
  if (!(await page.locator("form.filters").count())) return [];
  return page.evaluate(() => {
    const wrong = [];
    const form = document.querySelector("form.filters");
    const rows = [...document.querySelectorAll("section > .scroll tr[data-f0]")];
    const marks = [...document.querySelectorAll("g.point[data-f0]")];
    const visible = (list) => list.filter((e) => getComputedStyle(e).display !== "none").length;
    const set = (control, value) => {
      control.value = value;
      control.dispatchEvent(new Event("input", { bubbles: true }));
    };
    if (!form.checkVisibility()) wrong.push("the filters are hidden");
    if (rows.length + marks.length === 0) wrong.push("there is nothing to filter");
    let narrowed = 0;
    for (const select of form.querySelectorAll("select")) {
      for (const { value } of [...select.options].filter((o) => o.value)) {
        set(select, value);
        for (const [what, list] of [["rows", rows], ["marks", marks]]) {
          const want = list.filter((e) => e.dataset["f" + select.dataset.facet] === value).length;
          if (visible(list) !== want) wrong.push(`${select.id}=${value} leaves ${visible(list)} ${what}, not ${want}`);
          narrowed += want < list.length;
        }
      }
      set(select, "");
    }
    if (narrowed === 0) wrong.push("no filter takes anything away");
    const search = form.querySelector("input");
    const word = (rows[0] || marks[0]).textContent.trim().split(/\s+/).find((w) => w.length > 3);
    set(search, word);
    const found = visible(rows) + visible(marks);
    const want = [...rows, ...marks].filter((e) => e.textContent.toLowerCase().includes(word.toLowerCase())).length;
    if (found !== want) wrong.push(`the text ${word} leaves ${found}, not ${want}`);
    set(search, "no such thing");
    if (visible(rows) + visible(marks) > 0) wrong.push("a text that stands nowhere leaves something");
    if (!/^0 of \d+/.test(form.querySelector("output").textContent)) wrong.push(`nothing is left, but "${form.querySelector("output").textContent}"`);
    form.reset();
    return new Promise((resolve) => setTimeout(() => {
      if (visible(rows) !== rows.length || visible(marks) !== marks.length) wrong.push("resetting the filters does not bring everything back");
      resolve(wrong);
    }, 50));
  });
}

// watched opens a page and notes what it logs and asks for.
async function watched(browser, options, url) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const noted = [];
  page.on("console", (m) => noted.push(`console ${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => noted.push(`error: ${e.message}`));
  page.on("request", (r) => r.url() !== url && noted.push(`request for ${r.url()}`));
  await page.goto(url);
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
  return { page, noted, close: () => context.close() };
}

// review runs every check on one page, and returns what is wrong with where.
async function review(browser, url, name) {
  const wrong = [];
  const note = (where, list) => wrong.push(...list.map((what) => `${name}, ${where}: ${what}`));
  for (const colorScheme of schemes) {
    for (const width of widths) {
      const where = `${width} px, ${colorScheme}`;
      const { page, noted, close } = await watched(browser, { viewport: { width, height: 900 }, colorScheme }, url);
      note(where, await page.evaluate(overflow));
      note(where, await page.evaluate(textContrast));
      if (colorScheme === "light") {
        note(where, await focusOrder(page));
        note(where, await filters(page));
      }
      if (width === widths[0] && colorScheme === "light") {
        note(where, await page.evaluate(structure));
        note(where, await names(page));
      }
      await page.evaluate(() => { document.querySelectorAll("details").forEach((d) => (d.open = false)); document.activeElement?.blur(); scrollTo(0, 0); });
      await page.screenshot({ path: path.join(results, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      note(where, noted);
      await close();
    }
  }
  const a4 = 718; // px between margins of 10 mm
  const { page, noted, close } = await watched(browser, { viewport: { width: a4, height: 1000 }, colorScheme: "dark" }, url);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  note("print", await page.evaluate(overflow));
  note("print", await page.evaluate(textContrast));
  note("print", await page.evaluate(() => [...document.querySelectorAll("nav, form, .skip")].filter((e) => e.checkVisibility()).map((e) => `${e.tagName} is printed`)));
  await page.screenshot({ path: path.join(results, `${name}-print.png`), fullPage: true });
  note("print", noted);
  await close();
  const bare = await browser.newContext({ javaScriptEnabled: false });
  const plain = await bare.newPage();
  await plain.goto(url);
  if (await plain.locator("form.filters").isVisible().catch(() => false)) wrong.push(`${name}, without scripts: filters that do nothing are shown`);
  if (!(await plain.locator("body").innerText()).trim()) wrong.push(`${name}, without scripts: nothing is shown`);
  await bare.close();
  return wrong;
}

// broken is a page with one fault for each check, without which the checks themselves would not be checked.
const broken = `<!DOCTYPE html><html><body><style>.out{display:none} a:focus{outline:none}</style><p style="color:#999">faint</p><div style="width:3000px">wide</div>
<button></button><a href="#gone">link</a><img src="https://example.invalid/x.png"><table><thead><tr><th>A</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>
<form class="filters"><select id="f" data-facet="0"><option value="">all</option><option>x</option></select><input><output></output></form>
<section><div class="scroll"><table><caption>c</caption><thead><tr><th scope="col">A</th></tr></thead><tbody><tr data-f0="x"><td>word x</td></tr><tr data-f0="y"><td>word y</td></tr></tbody></table></div></section>
<script>console.error("noise")</script></body></html>`;
const faults = ["contrast of", "px wide", "button has no name", "leads nowhere", "request for https://example.invalid", "no caption", "no language", "leaves 2 rows, not 1", "can't be seen", "console error", "skip link", "FORM is printed"];

(async () => {
  fs.mkdirSync(results, { recursive: true });
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const wrong = [];
  try {
    const page = path.join(results, "broken.html");
    fs.writeFileSync(page, broken);
    const found = await review(browser, pathToFileURL(page).href, "broken");
    wrong.push(...faults.filter((fault) => !found.some((what) => what.includes(fault))).map((fault) => `the checks do not find what they should: ${fault}`));
    const lists = await Promise.all(pages.map(async (file) => {
      const more = await review(browser, pathToFileURL(path.resolve(file)).href, path.basename(file, ".html"));
      console.log(`${more.length ? "FAIL" : "ok  "} ${file}`);
      return more;
    }));
    wrong.push(...lists.flat());
  } finally {
    await browser.close();
  }
  wrong.forEach((what) => console.log(what));
  process.exitCode = wrong.length > 0 || pages.length === 0 ? 1 : 0;
})();
