// Each page in both themes and at two widths: nothing complains, nothing moves, nothing is out of reach. Writes the pictures of the documentation
// with UPDATE_PICTURES=1.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CUSTOMER_PAGES, PICTURES, PUBLIC_PAGES, SELLER_PAGES, addressesOf } from "./addresses.mjs";
import { ROOT, THEMES, WIDTHS, accessible, launch, open, overflow, settled, signIn } from "./harness.mjs";
import { demo, portalOf } from "./scene.mjs";

let scene, browser, ids;
before(async () => {
  [scene, browser] = await Promise.all([demo(), launch()]);
  ids = await addressesOf(scene);
  await portalOf(scene.seller, "corner");
});
after(async () => {
  await browser?.close();
  await scene?.stop();
});

/** The most that a page may move while it loads, by web.dev's "Cumulative Layout Shift": good. */
const MAX_SHIFT = 0.1;

async function look(window, path, name, { theme, width }) {
  await window.page.goto(path);
  await settled(window.page);
  const found = [];
  // That nobody is signed in, and that a portal is nobody's, is what these pages ask for.
  const expected = (complaint) => name in PUBLIC_PAGES && /status of (401|404)/.test(complaint);
  for (const complaint of window.complaints.splice(0).filter((complaint) => !expected(complaint))) found.push(`complains: ${complaint}`);
  for (const violation of await accessible(window.page)) found.push(`axe: ${violation}`);
  const wider = await overflow(window.page);
  if (wider > 0) found.push(`is ${wider} px wider than the window`);
  const shift = await window.page.evaluate(() => window.__shifts);
  if (shift > MAX_SHIFT) found.push(`moves by ${shift.toFixed(3)} while it loads`);
  if ((await window.page.locator("h1").count()) !== 1) found.push("has not one h1");
  if (process.env.UPDATE_PICTURES && PICTURES.has(name)) {
    const dir = join(ROOT, "docs/pictures");
    mkdirSync(dir, { recursive: true });
    await window.page.screenshot({ path: join(dir, `${name}-${width}-${theme}.png`), animations: "disabled" });
  }
  if (process.env.PICTURES_DIR) await window.page.screenshot({ path: join(process.env.PICTURES_DIR, `${name}-${width}-${theme}.png`), fullPage: true });
  return found.map((problem) => `${name} (${path}) at ${width}, ${theme}: ${problem}`);
}

for (const width of Object.keys(WIDTHS)) {
  for (const theme of THEMES) {
    test(`every page of a reseller, ${width}, ${theme}`, async () => {
      const window = await open(browser, { width, theme, url: scene.url });
      await signIn(window, scene.master.api.key, null);
      const problems = [];
      for (const [name, path] of Object.entries(SELLER_PAGES(ids))) problems.push(...(await look(window, `/app${path}`, name, { theme, width })));
      await window.close();
      assert.deepEqual(problems, []);
    });

    test(`every page of a customer, ${width}, ${theme}`, async () => {
      const window = await open(browser, { width, theme, url: scene.url });
      await signIn(window, scene.customer.api.key, null);
      const problems = [];
      for (const path of CUSTOMER_PAGES(scene.customer)) {
        const name = `portal${path.replaceAll("/", "-") || "-overview"}`;
        problems.push(...(await look(window, `/portal/corner${path}`, name, { theme, width })));
      }
      await window.close();
      assert.deepEqual(problems, []);
    });

    test(`every page before signing in, ${width}, ${theme}`, async () => {
      const problems = [];
      for (const [name, path] of Object.entries(PUBLIC_PAGES)) {
        const window = await open(browser, { width, theme, url: scene.url });
        problems.push(...(await look(window, path, name, { theme, width })));
        await window.close();
      }
      assert.deepEqual(problems, []);
    });
  }
}
