// Text that would be a program if any page took it for one, in every field that takes text, on every page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SELLER_PAGES, CUSTOMER_PAGES, addressesOf } from "./addresses.mjs";
import { launch, open, settled, signIn } from "./harness.mjs";
import { all, demo, portalOf } from "./scene.mjs";

/** Source of the kinds: OWASP, "XSS Filter Evasion Cheat Sheet". */
const HOSTILE = [
  '<img src=x onerror="window.__xss=1">',
  '"><script>window.__xss=1</script>',
  "<svg/onload=window.__xss=1>",
  "javascript:window.__xss=1//",
  "';window.__xss=1;//",
  '<iframe srcdoc="<script>parent.__xss=1</script>">',
  "</title></textarea></style><script>window.__xss=1</script>",
  "{{constructor.constructor('window.__xss=1')()}}",
  '<a href="javascript:window.__xss=1">click</a>',
  "<math><mi xlink:href=\"data:x,<script>window.__xss=1</script>\">",
];

let scene, browser;
/** What could be planted. */
const planted = [];
before(async () => {
  [scene, browser] = await Promise.all([demo(), launch()]);
});
after(async () => {
  await browser?.close();
  await scene?.stop();
});

/** Sends text into one field; a field may refuse some of it, not all. */
async function plant(what, send) {
  let taken = 0;
  for (const [n, text] of HOSTILE.entries()) {
    try {
      await send(text, n);
      taken += 1;
    } catch (refused) {
      if (!/: (400|409|422) /.test(refused.message)) throw refused;
    }
  }
  planted.push([what, taken]);
}

test("text is planted in every field that takes some", async () => {
  const { master, seller, customer } = scene;
  const { api: m } = master;
  const tag = { a: HOSTILE[0].slice(0, 60) };
  await plant("an account's name and tags", (name) => m.post("/reseller/accounts/create", { name, kind: "customer", tags: tag }));
  await plant("a reference", (reference) => m.post("/reseller/credits/allocate", { account_id: seller.id, amount: "0.01", reference }));
  await plant("a hold's reference", (reference) => m.post("/reseller/credits/holds", { account_id: seller.id, amount: "0.01", reference }));
  await plant("a member's name", (name, n) => m.post(`/reseller/accounts/${master.id}/members`, { email: `x${n}@xss.example`, name, role: "viewer" }));
  await plant("a key's name", (name) => m.post(`/reseller/accounts/${master.id}/keys`, { name, role: "viewer" }));
  await plant("a role's name, which takes none", (name) => m.post(`/reseller/accounts/${master.id}/roles`, { name, rights: ["accounts.read"] }));
  await plant("a meter's name and unit", (name, n) => m.post("/reseller/pricing/meters", { key: `xss_${n}`, name, unit: name, aggregation: "sum" }));
  await plant("a promotion's name", (name) => m.post("/reseller/pricing/promotions", { name, percent: "1", ends_at: "2030-01-01T00:00:00Z" }));
  await plant("a package's name", (name) => m.post("/reseller/pricing/packages", { name, credits: "10", price: "10" }));
  await plant("an endpoint's description", (description) => m.post("/reseller/webhooks", { url: "http://127.0.0.1:9/", events: ["*"], description }));
  await plant("a charge's text", (text) => m.post("/reseller/billing/charges", { account_id: seller.id, amount: "0.01", text }));
  await plant("a bulk job's reference", (reference) => m.post("/reseller/bulk/credits", { rows: [{ account_id: seller.id, amount: "0.01" }], reference, dry_run: true }));
  await plant("a row of a bulk job", (name) => m.post("/reseller/bulk/accounts", { rows: [{ name, kind: name }], dry_run: true }));
  await plant("a notification", (text) => m.post("/reseller/bulk/notifications", { rows: [{ account_id: seller.id }], subject: text, text, dry_run: true }));
  const brand = await m.get(`/reseller/accounts/${master.id}/brand`);
  let version = brand.version;
  await plant("a brand's name and sender", async (name) => {
    ({ version } = await m.put(`/reseller/accounts/${master.id}/brand`, { name, sender_name: name }, { "if-match": `"${version}"` }));
  });
  const [invoice] = (await all(m, "/reseller/invoices?side=sold")).filter(({ state }) => ["open", "past_due", "paid"].includes(state));
  await plant("a credit note's reason", async (reason) => {
    const { lines } = await m.get(`/reseller/invoices/${invoice.id}`);
    await m.post(`/reseller/invoices/${invoice.id}/credit-notes`, { lines: [{ line: lines[0].id, amount: "0.01" }], reason });
  });
  const [bought] = (await all(scene.customer.api, "/reseller/invoices?side=bought")).filter(({ state }) => ["open", "past_due", "paid"].includes(state));
  if (bought) {
    const { lines } = await customer.api.get(`/reseller/invoices/${bought.id}`);
    const dispute = await customer.api.post("/reseller/disputes", { invoice_id: bought.id, lines: [{ line: lines[0].id, amount: "0.01" }], reason: "other", words: HOSTILE[0] });
    await plant("a dispute's message", (words) => customer.api.post(`/reseller/disputes/${dispute.id}/messages`, { words }));
    await plant("a dispute's link", (link) => customer.api.post(`/reseller/disputes/${dispute.id}/messages`, { words: "see", links: [link] }));
  }
  const nowhere = planted.filter(([what, taken]) => taken === 0 && !/link|row of|takes none/.test(what));
  assert.deepEqual(nowhere, [], "a field that refused everything was not looked at");
});

test("no page takes any of it for a program", async () => {
  const ids = await addressesOf(scene);
  const base = await portalOf(scene.seller, "hostile");
  for (const [key, addresses] of [
    [scene.master.api.key, Object.values(SELLER_PAGES(ids)).map((path) => `/app${path}`)],
    [scene.customer.api.key, CUSTOMER_PAGES(scene.customer).map((path) => `${base}${path}`)],
  ]) {
    const window = await open(browser, { url: scene.url });
    window.page.on("dialog", (dialog) => {
      window.complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await signIn(window, key, null);
    for (const path of addresses) {
      await window.page.goto(path);
      await settled(window.page);
      assert.equal(await window.page.evaluate(() => window.__xss), undefined, path);
      const dangerous = await window.page.evaluate(() =>
        [...document.querySelectorAll("a[href], area[href], form[action], iframe, object, embed")]
          .map((element) => element.getAttribute("href") ?? element.getAttribute("action") ?? element.getAttribute("src") ?? element.getAttribute("data") ?? "")
          .filter((address) => /^\s*(javascript|data|vbscript):/i.test(address)),
      );
      assert.deepEqual(dangerous, [], path);
      assert.deepEqual(window.complaints.splice(0), [], path);
    }
    await window.close();
  }
});
