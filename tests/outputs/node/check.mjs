// Opens each page in a browser: no request, no violation of accessibility, in both colour schemes and in print; sorts and filters.
import { AxePuppeteer } from "@axe-core/puppeteer";
import assert from "node:assert/strict";
import path from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [folder, ...files] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
  // Ten thousand rows take axe some minutes.
  protocolTimeout: 1_800_000,
});

/** Opens a page as a reader does, and notes what it asks for. */
async function open(file, { scheme = "light", script = true, bypass = false } = {}) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1200, height: 900 });
  const asked = [];
  const errors = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("dialog", (dialog) => errors.push(`dialog: ${dialog.message()}`));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  if (bypass) await page.setBypassCSP(true);
  await page.setJavaScriptEnabled(script);
  const begin = performance.now();
  const url = pathToFileURL(file).href;
  await page.goto(url, { waitUntil: "load" });
  const took = performance.now() - begin;
  return { page, asked: asked.filter((other) => other !== url), errors, took };
}

async function accessible(file, scheme) {
  const { page } = await open(file, { scheme, bypass: true });
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(background === "rgb(255, 255, 255)", scheme === "light", "both schemes are there");
  const kinds = await page.evaluate(oneOfEachKind);
  const { violations } = await new AxePuppeteer(page)
    // What is in order is not described, node by node: of ten thousand rows that would take minutes.
    .options({ resultTypes: ["violations"], selectors: false, elementRef: false, preload: false })
    .analyze();
  for (const { id, nodes } of violations) {
    console.error(`${file} (${scheme}): ${id}: ${nodes.length} times, such as ${nodes[0].html.slice(0, 200)}`);
  }
  assert.equal(violations.length, 0, `${file} (${scheme})`);
  await page.close();
  return kinds;
}

/**
 * axe takes more than ten minutes for ten thousand rows. So of rows and articles with the same markup (tags, attributes, where
 * there is text) some stay, at least one of each kind, and stand for the rest. What is between nodes is looked at before: no
 * id stands twice, and every reference leads somewhere.
 */
function oneOfEachKind() {
  const ids = Array.from(document.querySelectorAll("[id]"), (node) => node.id);
  if (new Set(ids).size !== ids.length) throw new Error("an id stands twice");
  for (const link of document.querySelectorAll("a[href^='#'], label[for]")) {
    const id = link.htmlFor ?? decodeURIComponent(link.hash.slice(1));
    if (!document.getElementById(id)) throw new Error(`nothing has the id ${id}`);
  }
  // Numbers in attributes are accounts and times.
  const markup = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return node.textContent.trim() ? "text" : "";
    const attributes = Array.from(node.attributes, ({ name, value }) => `${name}=${value.replace(/\d+/g, "0")}`);
    const children = Array.from(node.childNodes, markup);
    const distinct = children.filter((child, index) => child && child !== children[index - 1]);
    return `<${[node.localName, ...attributes].join(" ")}>${distinct.join("")}</>`;
  };
  const found = {};
  for (const [selector, some] of [["#table tbody tr", 100], ["article", 20]]) {
    const seen = new Set();
    const nodes = Array.from(document.querySelectorAll(selector));
    nodes.forEach((node, index) => {
      const kind = markup(node);
      if (index >= some && seen.has(kind)) node.remove();
      seen.add(kind);
    });
    found[selector] = `${seen.size} kinds of ${nodes.length}`;
  }
  return found;
}

const column = (page, number) =>
  page.$$eval("#table tbody tr", (rows, number) => rows.filter((row) => !row.hidden).map((row) => row.cells[number].textContent), number);

async function sorted(page, number) {
  const click = () => page.$$eval("#table thead button", (buttons, number) => buttons[number].click(), number);
  await click();
  const up = await column(page, number);
  await click();
  const down = await column(page, number);
  return { up, down };
}

async function usable(file) {
  const { page, asked, errors, took } = await open(file);
  const first = await column(page, 0);
  if (first.length > 1) {
    const accounts = await sorted(page, 0);
    assert.deepEqual(accounts.up, first.toSorted(), "up by account");
    assert.deepEqual(accounts.down, first.toSorted().toReversed(), "down by account");
    assert.equal(await page.$$eval("#table [aria-sort=descending]", (heads) => heads.length), 1);
    await sorted(page, 1).then(({ down }) => assert.ok(["authorized", "skipped"].includes(down[0]), down[0]));
    await page.type("#words", first[0]);
    assert.deepEqual(await column(page, 0), [first[0]], "filtered");
    assert.equal(await page.$eval("#shown", (shown) => shown.textContent), `1 of ${first.length} rows`);
    await page.$eval("#words", (words) => { words.value = "drifted"; words.dispatchEvent(new Event("input")); });
    assert.ok((await column(page, 1)).every((status) => status === "drifted"), "filtered by a word");
  }
  assert.deepEqual(asked, [], `${file}: asks for nothing`);
  assert.deepEqual(errors, [], `${file}: no error, no dialog, nothing against its policy`);
  await page.close();
  return took;
}

async function plain(file) {
  const { page, asked } = await open(file, { script: false });
  const shown = await page.$$eval("#filter", (filters) => filters.filter((filter) => !filter.hidden).length);
  const buttons = await page.$$eval("button", (buttons) => buttons.length);
  assert.deepEqual([shown, buttons, asked], [0, 0, []], `${file}: a plain page without a script`);
  await page.close();
}

/** For the eye: the start of the page in both schemes, and the first sheet. */
async function pictures(file) {
  const name = path.join(folder, path.basename(file, ".html"));
  for (const scheme of ["light", "dark"]) {
    const { page } = await open(file, { scheme });
    await page.screenshot({ path: `${name}-${scheme}.png` });
    if (scheme === "dark") {
      await page.emulateMediaType("print");
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(background, "rgb(255, 255, 255)", "paper is white");
      await page.setViewport({ width: 794, height: 1123 });
      await page.screenshot({ path: `${name}-print.png` });
    }
    await page.close();
  }
}

try {
  for (const file of files) {
    const took = await usable(file);
    await plain(file);
    let kinds;
    for (const scheme of ["light", "dark"]) kinds = await accessible(file, scheme);
    await pictures(file);
    const { "#table tbody tr": rows, article: articles } = kinds;
    console.log(`${path.basename(file)}: in order, opened in ${Math.round(took)} ms (rows: ${rows}; articles: ${articles})`);
  }
} finally {
  await browser.close();
}
