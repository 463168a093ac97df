// The local run in a process of its own, a browser, and what every test of the pages asks.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Where Chromium is; Debian's, unless told otherwise. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** The program of `cargo dev`. */
const PROGRAM = process.env.TRIBUTARY_LOCAL ?? join(ROOT, "target/debug/tributary-local");

export const WIDTHS = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
export const THEMES = ["light", "dark"];

/** What may not be there: a rule for topping up that nobody set, and an account that a row of a bulk job names and that is not the reader's to see. */
const NONE = /\/reseller\/(credits\/auto-topup|accounts\/acc_[0-9a-z]+)(\?|$)/;

/** Starts the platform on a free port, and resolves when it serves. */
export async function platform(...flags) {
  assert.ok(existsSync(PROGRAM), `${PROGRAM} is not built: cargo build --workspace --bin tributary-local`);
  const dir = mkdtempSync(join(tmpdir(), "tributary-browser-"));
  const ready = join(dir, "ready.json");
  const child = spawn(PROGRAM, ["--ephemeral", "--no-pages", "--port", "0", "--ready-file", ready, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = [];
  child.stdout.on("data", (bytes) => said.push(bytes));
  child.stderr.on("data", (bytes) => said.push(bytes));
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const running = new Promise((resolve) => {
    // The file is written once requests are served; there is nothing else to wait for.
    const look = setInterval(() => {
      if (existsSync(ready)) {
        clearInterval(look);
        resolve(true);
      }
    }, 50);
    ended.then(() => {
      clearInterval(look);
      resolve(false);
    });
  });
  if (!(await running)) throw new Error(`the platform did not start:\n${Buffer.concat(said)}`);
  const { base_url, operator_key } = JSON.parse(readFileSync(ready, "utf8"));
  return { url: base_url, key: operator_key, stop };
}

let idem = 0;

/** An API of one key. */
export function api(url, key) {
  const ask = async (method, path, body, headers = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(method === "POST" ? { "idempotency-key": `browser-${process.pid}-${(idem += 1)}` } : {}),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  return {
    key,
    url,
    get: (path) => ask("GET", path),
    post: (path, body, headers) => ask("POST", path, body, headers),
    put: (path, body, headers) => ask("PUT", path, body, headers),
    delete: (path) => ask("DELETE", path),
  };
}

/** A key of a role at an account. */
export async function keyAt(operator, account, role = "owner") {
  const made = await operator.post(`/reseller/accounts/${account}/keys`, { name: `browser ${role}`, role });
  return api(operator.url, made.secret);
}

export function launch() {
  return chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * A window of the browser. What the page complains of is collected in `complaints`: errors, refused by the policy, failed
 * requests; what it receives in `answers`.
 */
export async function open(browser, { width = "desktop", theme = "light", url, reducedMotion = "reduce" } = {}) {
  const context = await browser.newContext({ viewport: WIDTHS[width], colorScheme: theme, baseURL: url, reducedMotion, locale: "en-GB", timezoneId: "UTC" });
  const complaints = [];
  const answers = [];
  await context.addInitScript(() => {
    window.__shifts = 0;
    window.__long = [];
    document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__shifts += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.__long.push(entry.duration);
    }).observe({ type: "longtask", buffered: true });
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    const { url: of } = message.location();
    // That there is none is an answer, which Chromium writes down as an error.
    const none = /status of 404/.test(message.text()) && NONE.test(of);
    if (message.type() === "error" && !none) complaints.push(`${message.text()} (${of})`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.stack ?? error.message}`));
  page.on("response", async (response) => {
    const kind = response.headers()["content-type"] ?? "";
    if (kind.includes("json")) {
      answers.push(response.text().then((text) => ({ url: response.url(), status: response.status(), text }), () => null));
    }
  });
  return { context, page, complaints, answers: async () => (await Promise.all(answers)).filter(Boolean), close: () => context.close() };
}

/** Signs in with an API key, as its page does. */
export async function signIn(window, key, at = "/app") {
  const answer = await window.context.request.post("/portal/session", { data: { api_key: key } });
  assert.equal(answer.status(), 201, await answer.text());
  if (at !== null) await window.page.goto(at);
  return answer.json();
}

/** The page has loaded and nothing of it is still to come. */
export async function settled(page) {
  await page.waitForLoadState("networkidle");
  await page.locator('[aria-busy="true"]').first().waitFor({ state: "detached" });
}

/** What axe finds at WCAG 2.2 AA. */
export async function accessible(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } }),
  );
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).slice(0, 3).join(" | ")}`);
}

/** Nothing is wider than the window. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
