// Audit every page of the built site with axe, light and dark, at three widths, opened as a file.
// Beside axe: no request leaves the page, no script fails, nothing is wider than the screen, nothing moves while it loads.
// A page is loaded once a width, since what moves depends on it; the colour scheme is switched on the loaded page. In the
// second scheme only the rules that see colours run: the document is the same.
// usage: node check.mjs SITE [PAGE.html ...]
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const axe = readFileSync(join(here, "node_modules", "axe-core", "axe.min.js"), "utf8");
const allowed = JSON.parse(readFileSync(join(here, "allowed.json"), "utf8"));
const used = new Set();
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
const SCREENS = [[390, 844], [768, 1024], [1440, 900]];
const COLOUR_RULES = ["color-contrast", "link-in-text-block"];
const SCHEMES = ["light", "dark"];
const SMALL_PAGES = /^api\/.*\//; // many and alike: one width and one colour scheme each, in turn
const LARGEST_SHIFT = 0.05;
const PAGES_AT_ONCE = 2;
const STILL = "*, *::before, *::after { transition: none !important; animation: none !important }";

function findBrowser() {
  const found = [process.env.CHROMIUM, ...BROWSERS].find((path) => path && existsSync(path));
  if (!found) throw new Error("no Chromium found: install Debian's chromium or set CHROMIUM to one");
  return found;
}

function pagesOf(site) {
  return readdirSync(site, { recursive: true })
    .filter((name) => name.endsWith(".html") && !name.startsWith("_static"))
    .map((name) => join(site, name)).sort();
}

function isAllowed(rule, node) {
  const entry = allowed.find((a) => a.rule === rule && node.html.includes(a.html));
  if (entry) used.add(entry);
  return entry !== undefined;
}

async function audit(page, rules) {
  const { violations } = await page.evaluate((only) => window.axe.run(document,
    { preload: false, resultTypes: ["violations"], ...(only && { runOnly: { type: "rule", values: only } }) }), rules);
  return violations.flatMap(({ id, help, nodes }) => nodes.filter((node) => !isAllowed(id, node))
    .map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}`));
}

function watchShifts() {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
      const moved = entry.sources.map(({ node }) => (node?.outerHTML ?? node?.textContent ?? "").slice(0, 80));
      window.shifts.push({ value: entry.value, moved });
    }
  }).observe({ type: "layout-shift", buffered: true });
}

const twoFrames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));

async function shiftFaults(page) {
  const shifts = await page.evaluate(() => window.shifts);
  const sum = shifts.reduce((total, { value }) => total + value, 0);
  const worst = shifts.sort((a, b) => b.value - a.value)[0];
  return sum > LARGEST_SHIFT ? [`moves by ${sum.toFixed(3)} while it loads: ${worst.moved[0]}`] : [];
}

async function inScheme(page, colorScheme, rules) {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(twoFrames);
  const shown = await page.evaluate(() => document.documentElement.dataset.theme ?? "none");
  const own = shown === "none" ? [] : [`the theme is ${shown}`].filter(() => shown !== colorScheme);
  return [...own, ...await audit(page, rules)].map((fault) => [colorScheme, fault]);
}

// One tab for many pages: what it notes belongs to the page that it shows.
async function openTab(browser) {
  const page = await (await browser.newContext()).newPage();
  const tab = { page, noted: [] };
  page.on("request", (r) => /^(file|data|blob|about):/.test(r.url()) || tab.noted.push(`asks the network for ${r.url()}`));
  page.on("pageerror", (error) => tab.noted.push(`script error: ${error.message}`));
  await page.addInitScript(watchShifts);
  return tab;
}

async function visit(tab, { file, screen: [width, height], schemes: [first, ...others] }) {
  const { page } = tab;
  tab.noted = [];
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: first });
  await page.goto(pathToFileURL(file).href);
  await page.evaluate(() => (window.slidesReady ?? window.MathJax?.startup?.promise)?.then?.(() => null));
  await page.evaluate(twoFrames);
  const moved = await shiftFaults(page);
  // A colour that is still fading in is no colour to judge: end every transition first.
  await page.addStyleTag({ content: STILL });
  await page.evaluate(axe);
  const found = await inScheme(page, first);
  for (const other of others) found.push(...await inScheme(page, other, COLOUR_RULES));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) tab.noted.push(`is ${wide} px wide on a screen of ${width} px`);
  return [...[...tab.noted, ...moved].map((fault) => [first, fault]), ...found];
}

function plan(site, files) {
  return files.flatMap((file, i) => (SMALL_PAGES.test(relative(site, file))
    ? [{ file, screen: SCREENS[i % 3], schemes: [SCHEMES[Math.floor(i / 3) % 2]] }]
    : SCREENS.map((screen) => ({ file, screen, schemes: SCHEMES }))));
}

async function work(browser, site, visits, report) {
  const tab = await openTab(browser);
  for (let next = visits.shift(); next; next = visits.shift()) {
    for (const [scheme, fault] of await visit(tab, next)) {
      report(`${relative(site, next.file)} (${scheme}, ${next.screen[0]} px): ${fault}`);
    }
  }
}

async function main() {
  const site = resolve(process.argv[2] ?? "_build/html");
  const some = process.argv.length > 3;
  const files = some ? process.argv.slice(3).map((name) => resolve(name)) : pagesOf(site);
  if (!files.length) throw new Error(`${site}: no page; run make book first`);
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  let count = 0;
  const report = (line) => { count += 1; console.log(line); };
  const visits = plan(site, files);
  await Promise.all(Array.from({ length: PAGES_AT_ONCE }, () => work(browser, site, visits, report)));
  await browser.close();
  for (const entry of allowed) if (!used.has(entry) && !some) {
    report(`allowed.json: nothing needs the entry for ${entry.rule} any more: ${entry.html}`);
  }
  console.log(`axe: ${files.length} pages, light and dark, ${SCREENS.map((s) => s[0]).join(", ")} px: ${count} faults`);
  process.exitCode = count ? 1 : 0;
}

main().catch((error) => { console.error(error.message); process.exitCode = 2; });
