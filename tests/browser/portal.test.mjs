// What a customer's portal receives: its own, and not a byte of what its seller pays, keeps, or sells to others.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, settled, signIn } from "./harness.mjs";
import { CUSTOMER_PAGES } from "./addresses.mjs";
import { demo, portalOf } from "./scene.mjs";

let scene, browser;
before(async () => {
  [scene, browser] = await Promise.all([demo(), launch()]);
});
after(async () => {
  await browser?.close();
  await scene?.stop();
});

/** Names of members that tell what a seller pays and keeps. (A `cost` is what the reader pays: see the amounts below.) */
const SECRET = /^(margin|margins|margin_percent|markup|wholesale|profit|earned|levels|chain)$/;

/** What the seller pays and keeps for this customer, as it reads it itself: no such amount may reach the customer. */
async function sellersOwn({ seller, customer }) {
  const to = new Date().toISOString();
  const from = new Date(Date.now() - 100 * 86_400_000).toISOString();
  const amounts = new Set();
  for (const granularity of ["day", "month"]) {
    const path = `/reseller/usage/report?account_id=${customer.id}&granularity=${granularity}&group_by=meter&from=${from}&to=${to}`;
    const [sold, bought] = await Promise.all([seller.api.get(path), customer.api.get(path)]);
    const paid = new Set((bought.data ?? bought.rows).map(({ cost }) => cost));
    for (const row of sold.data ?? sold.rows) for (const amount of [row.cost, row.margin]) if (Number(amount) !== 0 && !paid.has(amount)) amounts.add(amount);
  }
  return amounts;
}

/** Every name and text of an answer, with where it stands. */
function* walk(value, at = "") {
  if (Array.isArray(value)) for (const [n, item] of value.entries()) yield* walk(item, `${at}/${n}`);
  else if (value !== null && typeof value === "object") {
    for (const [name, member] of Object.entries(value)) {
      yield { at: `${at}/${name}`, name, member };
      yield* walk(member, `${at}/${name}`);
    }
  } else yield { at, name: null, member: value };
}

test("a customer's portal receives nothing of cost, margin or another account", async () => {
  const base = await portalOf(scene.seller, "corner");
  const { customer, seller } = scene;
  const others = scene.accounts.filter(({ id }) => id !== customer.id);
  const window = await open(browser, { url: scene.url });
  await signIn(window, customer.api.key, base);
  for (const path of CUSTOMER_PAGES(customer)) {
    await window.page.goto(`${base}${path}`);
    await settled(window.page);
  }
  const answers = await window.answers();
  assert.ok(answers.length > 5, "the pages asked for something");
  const secrets = await sellersOwn(scene);
  assert.ok(secrets.size > 10, "the seller pays and keeps something");
  for (const { url, text } of answers) {
    for (const { at, name, member } of walk(JSON.parse(text))) {
      if (name !== null && SECRET.test(name)) assert.equal(member, null, `${url} ${at} is ${JSON.stringify(member)}`);
    }
    for (const other of others) {
      // Who it buys from is known to it: the parent's id, and the name that invoices carry.
      if (other.id !== seller.id) assert.ok(!text.includes(other.id), `${url} names ${other.name} (${other.id})`);
    }
    for (const amount of secrets) assert.ok(!text.includes(`"${amount}"`), `${url} has ${amount}, which its seller pays or keeps`);
    assert.ok(!text.includes("Tributary"), `${url} names the platform: ${text.slice(0, 200)}`);
  }
  await window.close();
});

test("a customer's portal shows its seller's brand and nothing of the platform's", async () => {
  const window = await open(browser, { url: scene.url });
  await window.page.goto("/portal/corner/sign-in");
  await settled(window.page);
  const said = await window.page.evaluate(() => document.documentElement.outerHTML);
  assert.ok(!said.includes("Tributary"), "the page names the platform");
  assert.ok(said.includes(scene.seller.name) || (await window.page.title()).includes(scene.seller.name), "the page names the seller");
  await window.close();
});

test("the pages of sellers are not there for a customer, and ask for nothing", async () => {
  const window = await open(browser, { url: scene.url });
  await signIn(window, scene.customer.api.key, "/portal/corner");
  await settled(window.page);
  for (const path of ["/accounts", "/insights/profitability", "/prices/rate-cards", "/bulk", "/audit"]) {
    const before = (await window.answers()).length;
    await window.page.goto(`/portal/corner${path}`);
    await settled(window.page);
    assert.ok(await window.page.getByRole("heading", { level: 1 }).first().isVisible(), path);
    const asked = (await window.answers()).slice(before).map(({ url }) => new URL(url).pathname);
    assert.deepEqual(asked.filter((asked) => !asked.startsWith("/portal/")), [], path);
  }
  await window.close();
});
