// The demo of the local run, and who looks at it.

import { api, keyAt, platform } from "./harness.mjs";

/** Every page of an account's list, `next_cursor` by `next_cursor`. */
export async function all(client, path) {
  const rows = [];
  let cursor = null;
  do {
    const page = await client.get(`${path}${path.includes("?") ? "&" : "?"}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    rows.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return rows;
}

/** The demo: a reseller with a tree below it, the reseller above its deepest customer, that customer, and a key of each. */
export async function demo() {
  const running = await platform();
  const operator = api(running.url, running.key);
  const accounts = await all(operator, "/reseller/accounts?subtree=true");
  const master = accounts.find(({ name }) => name === "Northwind Telecom");
  const customer = accounts.filter(({ kind, path }) => kind === "customer" && path.includes(master.id)).toSorted((a, b) => b.depth - a.depth)[0];
  const seller = accounts.find(({ id }) => id === customer.parent_id);
  return {
    ...running,
    operator,
    accounts,
    master: { ...master, api: await keyAt(operator, master.id) },
    seller: { ...seller, api: await keyAt(operator, seller.id) },
    customer: { ...customer, api: await keyAt(operator, customer.id) },
  };
}

/** Makes the address of an account's portal. */
export async function portalOf({ api: client, id }, slug) {
  await client.put(`/reseller/accounts/${id}/brand/slug`, { slug });
  return `/portal/${slug}`;
}
