// Audit every page of the built site with axe, light and dark, on a phone and on a desk, opened as a file.
// Beside axe: no request leaves the page, no script fails, nothing is wider than the screen.
// usage: node check.mjs SITE [PAGE.html ...]
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const axe = join(here, "node_modules", "axe-core", "axe.min.js");
const allowed = JSON.parse(readFileSync(join(here, "allowed.json"), "utf8"));
const used = new Set();
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
const SCREENS = [[390, 844], [1440, 900]];

function findBrowser() {
  const found = [process.env.CHROMIUM, ...BROWSERS].find((path) => path && existsSync(path));
  if (!found) throw new Error("no Chromium found: install Debian's chromium or set CHROMIUM to one");
  return found;
}

function pagesOf(site) {
  return readdirSync(site, { recursive: true })
    .filter((name) => name.endsWith(".html") && !name.startsWith("_"))
    .map((name) => join(site, name)).sort();
}

function isAllowed(rule, node) {
  const entry = allowed.find((a) => a.rule === rule && node.html.includes(a.html));
  if (entry) used.add(entry);
  return entry !== undefined;
}

async function audit(page) {
  const { violations } = await page.evaluate(() => axe.run(document, { preload: false }));
  return violations.flatMap(({ id, help, nodes }) => nodes.filter((node) => !isAllowed(id, node))
    .map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}`));
}

async function visit(browser, file, colorScheme, [width, height]) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height } });
  const page = await context.newPage();
  const faults = [];
  page.on("request", (r) => /^(file|data|blob|about):/.test(r.url()) || faults.push(`asks the network for ${r.url()}`));
  page.on("pageerror", (error) => faults.push(`script error: ${error.message}`));
  await page.goto(pathToFileURL(file).href);
  await page.evaluate(() => window.MathJax?.startup?.promise);
  // A colour that is still fading in is no colour to judge: end every transition first.
  await page.addStyleTag({ content: "*, *::before, *::after { transition: none !important; animation: none !important }" });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.addScriptTag({ path: axe });
  faults.push(...await audit(page));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) faults.push(`is ${wide} px wide on a screen of ${width} px`);
  await context.close();
  return faults;
}

async function main() {
  const site = resolve(process.argv[2] ?? "_build/html");
  const files = process.argv.length > 3 ? process.argv.slice(3).map((name) => resolve(name)) : pagesOf(site);
  if (!files.length) throw new Error(`${site}: no page; run make book first`);
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  let count = 0;
  for (const file of files) for (const scheme of ["light", "dark"]) for (const screen of SCREENS) {
    for (const fault of await visit(browser, file, scheme, screen)) {
      count += 1;
      console.log(`${relative(site, file)} (${scheme}, ${screen[0]} px): ${fault}`);
    }
  }
  await browser.close();
  for (const entry of allowed) if (!used.has(entry) && process.argv.length <= 3) {
    count += 1;
    console.log(`allowed.json: nothing needs the entry for ${entry.rule} any more: ${entry.html}`);
  }
  console.log(`axe: ${files.length} pages, light and dark, ${SCREENS.map((s) => s[0]).join(" and ")} px: ${count} faults`);
  process.exitCode = count ? 1 : 0;
}

main().catch((error) => { console.error(error.message); process.exitCode = 2; });
