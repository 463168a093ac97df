// How fast the pages are at 100, 10,000 and 100,000 accounts: node speed.mjs [COUNT …]
// Prints a table; decides nothing. For figures to keep, build the program with `cargo build --profile ci --workspace --bin tributary-local`,
// name it in TRIBUTARY_LOCAL, and let nothing else run.

import { api, keyAt, launch, open, platform, settled, signIn } from "./harness.mjs";

const RUNS = 5;
const counts = process.argv.slice(2).map(Number);

/** Makes so many customers below the account, in one job. */
async function fill(reseller, count) {
  const rows = ["name,kind,tags"];
  for (let n = 0; n < count; n += 1) rows.push(`Customer ${String(n).padStart(6, "0")},customer,region=${["emea", "amer", "apac"][n % 3]}`);
  const csv = Buffer.from(`${rows.join("\n")}\n`);
  const upload = await reseller.post("/reseller/bulk/uploads", { format: "csv", bytes: csv.length });
  const put = await fetch(upload.url, { method: upload.method, headers: { "content-type": upload.content_type }, body: csv });
  if (!put.ok) throw new Error(`upload: ${put.status} ${await put.text()}`);
  const job = await reseller.post("/reseller/bulk/accounts", { upload_id: upload.upload_id, format: "csv" });
  for (;;) {
    const now = await reseller.get(`/reseller/bulk/${job.id}`);
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${now.state} ${now.done ?? ""}`);
    if (now.state === "completed") return;
    if (!["queued", "running"].includes(now.state)) throw new Error(JSON.stringify(now));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function timed(ask) {
  const from = performance.now();
  const answer = await ask();
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  return { ms: performance.now() - from, bytes: text.length };
}

async function measure(count) {
  const { url, key, stop } = await platform("--no-seed");
  const operator = api(url, key);
  const account = await operator.post("/reseller/accounts/create", { name: "Reseller", kind: "reseller" });
  const reseller = await keyAt(operator, account.id);
  const started = performance.now();
  await fill(reseller, count);
  const filled = (performance.now() - started) / 1000;
  const headers = { authorization: `Bearer ${reseller.key}` };
  // The roster follows the stream: waits until it has heard of everything.
  for (;;) {
    const overview = await reseller.get("/reseller/insights/overview").catch((error) => {
      // A large roster is put together behind the scenes the first time.
      if (!/: 503 /.test(error.message)) throw error;
      return null;
    });
    if (overview !== null && overview.accounts.total >= count) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  // What schedules do behind the scenes, the folding of the roster among it, has been done: measured is the platform at rest.
  const advanced = await fetch(`${url}/_local/clock/advance`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ seconds: 900 }) });
  if (!advanced.ok) throw new Error(await advanced.text());
  const server = {};
  for (const [name, path] of [
    ["overview", "/reseller/insights/overview"],
    ["grid, first page", "/reseller/insights/accounts?sort=name&limit=100"],
    ["grid, by revenue", "/reseller/insights/accounts?sort=-revenue&limit=100"],
    ["grid, searched", "/reseller/insights/accounts?q=0042&limit=100"],
    ["grid, last page", `/reseller/insights/accounts?sort=name&limit=100&offset=${Math.max(count - 100, 0)}`],
  ]) {
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) runs.push((await timed(() => fetch(url + path, { headers }))).ms);
    server[name] = { first: runs[0], middle: middle(runs) };
  }
  const browser = await launch();
  const pages = {};
  for (const [name, path, there] of [
    ["overview", "/app", "h1"],
    ["accounts", "/app/accounts", "text=/^Customer [0-9]{6}$/"],
  ]) {
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) {
      const window = await open(browser, { url });
      await signIn(window, reseller.key, null);
      await window.page.goto(path, { waitUntil: "commit" });
      await window.page.locator(there).first().waitFor();
      await settled(window.page);
      runs.push(
        await window.page.evaluate(() => {
          const [navigation] = performance.getEntriesByType("navigation");
          const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
          const last = Math.max(...performance.getEntriesByType("resource").map((entry) => entry.responseEnd));
          return { paint, interactive: Math.max(navigation.domContentLoadedEventEnd, last), shifts: window.__shifts, long: Math.max(0, ...window.__long) };
        }),
      );
      await window.close();
    }
    const of = (what) => middle(runs.map((run) => run[what]));
    pages[name] = { paint: of("paint"), interactive: of("interactive"), shifts: of("shifts"), long: Math.max(...runs.map((run) => run.long)) };
  }
  await browser.close();
  await stop();
  return { count, filled, server, pages };
}

const results = [];
for (const count of counts.length > 0 ? counts : [100, 10_000, 100_000]) results.push(await measure(count));
const ms = (value) => `${value.toFixed(0)} ms`;
for (const { count, filled, server, pages } of results) {
  console.log(`\n${count.toLocaleString("en")} accounts, made in ${filled.toFixed(1)} s; middle of ${RUNS}`);
  for (const [name, { first, middle: of }] of Object.entries(server)) console.log(`  server  ${name.padEnd(18)} first ${ms(first).padStart(8)}  middle ${ms(of).padStart(8)}`);
  for (const [name, { paint, interactive, shifts, long }] of Object.entries(pages))
    console.log(`  page    ${name.padEnd(18)} paint ${ms(paint).padStart(8)}  all there ${ms(interactive).padStart(8)}  shift ${shifts.toFixed(3)}  longest task ${ms(long)}`);
}
