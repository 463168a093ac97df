// What people come for, click by click, against the running platform.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keyAt, launch, open, settled, signIn } from "./harness.mjs";
import { all, demo, portalOf } from "./scene.mjs";

let scene, browser;
before(async () => {
  [scene, browser] = await Promise.all([demo(), launch()]);
});
after(async () => {
  await browser?.close();
  await scene?.stop();
});

/** A window in which one journey is made; nothing may complain on the way. */
async function journey(go, options = {}) {
  const window = await open(browser, { url: scene.url, ...options });
  try {
    await go(window);
    assert.deepEqual(window.complaints, []);
  } finally {
    await window.close();
  }
}

const dialog = (page) => page.getByRole("dialog");

test("an API key signs in, and signing out everywhere ends every session of it", () =>
  journey(async (window) => {
    const { page } = window;
    await page.goto("/app");
    await page.getByRole("button", { name: "Sign in with an API key" }).click();
    await page.getByLabel("API key").fill(scene.master.api.key);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    await settled(page);
    const cookies = await window.context.cookies();
    assert.ok(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Lax", JSON.stringify(cookies));
    const other = await open(browser, { url: scene.url });
    await signIn(other, scene.master.api.key);
    await page.goto("/app/sessions");
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await dialog(page).getByRole("button", { name: "Sign out everywhere" }).click();
    await page.waitForURL(/sign-in/);
    assert.equal((await other.context.request.get("/portal/session")).status(), 401, "the other browser is signed out, too");
    await other.close();
    // Asking who is signed in is how the page finds out that nobody is.
    window.complaints.splice(0, window.complaints.length, ...window.complaints.filter((complaint) => !/401/.test(complaint)));
  }));

test("a link in a mail signs a member in, once", async () => {
  const { master } = scene;
  const email = "ada.journey@example.com";
  await master.api.post(`/reseller/accounts/${master.id}/members`, { email, name: "Ada", role: "admin" });
  await journey(async (window) => {
    const { page } = window;
    await page.goto("/app/sign-in");
    await page.getByLabel("E-mail address").fill(email);
    await page.getByRole("button", { name: /link/i }).first().click();
    await page.getByText(email).first().waitFor();
    const link = await linkFor(email);
    await page.goto(link);
    const enter = (of) => of.getByRole("button", { name: "Sign in", exact: true });
    await enter(page).waitFor();
    assert.ok(!page.url().includes("token"), "the token leaves the address before anything is pressed");
    await enter(page).click();
    await page.waitForURL((url) => url.pathname === "/app");
    await page.getByRole("heading", { level: 1 }).waitFor();
    assert.ok(!page.url().includes("token"), "the token is gone from the address");
    const second = await open(browser, { url: scene.url });
    await second.page.goto(link);
    await enter(second.page).click();
    await second.page.getByText("This link is no longer good").waitFor();
    await second.close();
    window.complaints.splice(0, window.complaints.length, ...window.complaints.filter((complaint) => !/401/.test(complaint)));
  });
});

/** The link in the newest mail to an address. */
async function linkFor(email) {
  for (;;) {
    const mails = await (await fetch(`${scene.url}/_local/mail`)).json();
    const mail = (mails.data ?? mails).find(({ to }) => JSON.stringify(to).includes(email));
    if (mail) {
      const raw = await (await fetch(`${scene.url}/_local/mail/${mail.id}?raw`)).text();
      const text = raw.replaceAll("=\r\n", "").replaceAll("=\n", "").replaceAll("=3D", "=");
      const link = /https?:\/\/[^\s"<>]*#token=[A-Za-z0-9_-]+/.exec(text);
      if (link) return link[0];
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("a sub-account is made, given credit, and seen with it", () =>
  journey(async (window) => {
    const { page } = window;
    await signIn(window, scene.master.api.key, "/app/accounts");
    await page.getByRole("button", { name: "New account" }).click();
    await dialog(page).getByLabel("Name").fill("Journey Ltd");
    await dialog(page).getByLabel(/Credit to begin with/).fill("12.5");
    await dialog(page).getByRole("button", { name: "Create account" }).click();
    await page.waitForURL(/\/app\/accounts\/acc_/);
    await page.getByRole("heading", { level: 1, name: "Journey Ltd" }).waitFor();
    await page.getByText("12.50").first().waitFor();
    await page.getByRole("button", { name: /give credit|move credit|allocate/i }).first().click();
    await dialog(page).getByLabel("Amount").fill("7.5");
    await dialog(page).getByLabel(/Reference/).fill("a journey");
    await dialog(page).getByRole("button", { name: "Move" }).click();
    await page.getByText("20.00").first().waitFor();
    const id = page.url().split("/").at(-1);
    const balance = await scene.master.api.get(`/reseller/credits/balance?account_id=${id}`);
    assert.equal(balance.available, "20.000000");
    await page.goto("/app/accounts?q=Journey");
    await page.getByText("Journey Ltd").first().waitFor();
  }));

test("rows are uploaded, looked at, applied, and each is done", () =>
  journey(async (window) => {
    const { page } = window;
    await signIn(window, scene.master.api.key, "/app/bulk/new?kind=accounts");
    const rows = ["name,kind,external_id", ...Array.from({ length: 25 }, (_, n) => `Bulk ${n},customer,journey:${n}`), "Bulk bad,nonsense,journey:bad"];
    await page.getByLabel(/^A file/).check({ force: true });
    await page.getByLabel("File with rows").setInputFiles({ name: "accounts.csv", mimeType: "text/csv", buffer: Buffer.from(rows.join("\n")) });
    await page.getByRole("button", { name: "Check the rows" }).click();
    await page.waitForURL(/\/app\/bulk\/job_/);
    await page.getByRole("button", { name: "Apply" }).click();
    await dialog(page).getByRole("button", { name: "Do 25 rows" }).click();
    await page.getByText("At its end").waitFor();
    const made = (await all(scene.master.api, "/reseller/accounts")).filter(({ external_id }) => external_id?.startsWith("journey:"));
    assert.equal(made.length, 25);
  }));

test("a customer disputes a line, and its seller takes it up", async () => {
  const sold = await all(scene.master.api, "/reseller/invoices?side=sold");
  const owed = sold.find(({ state, account_id }) => ["open", "past_due"].includes(state) && scene.accounts.some(({ id, kind }) => id === account_id && kind === "customer"));
  assert.ok(owed, "a customer of the demo owes an invoice");
  const customer = await keyAt(scene.operator, owed.account_id);
  const base = await portalOf(scene.master, "journey");
  const invoice = owed;
  let dispute;
  await journey(async (window) => {
    const { page } = window;
    await signIn(window, customer.key, `${base}/invoices/${invoice.id}`);
    await page.getByRole("button", { name: "Dispute lines" }).click();
    await dialog(page).getByRole("checkbox").first().check();
    await dialog(page).getByLabel("What is wrong").fill("We did not send these.");
    await dialog(page).getByRole("button", { name: /^Dispute .* and taxes/ }).click();
    await page.waitForURL(/\/disputes\/dsp_/);
    dispute = page.url().split("/").at(-1);
    await page.getByText("We did not send these.").waitFor();
  });
  await journey(async (window) => {
    const { page } = window;
    await signIn(window, scene.master.api.key, `/app/disputes/${dispute}`);
    await page.getByRole("button", { name: "Take up" }).click();
    await dialog(page).getByRole("button", { name: "Take it up" }).click();
    await page.getByText("Taken up").waitFor();
    const state = await scene.master.api.get(`/reseller/disputes/${dispute}`);
    assert.equal(state.state, "under_review");
  });
});

test("a brand is set, and a customer opens the portal under it", async () => {
  const { seller, customer } = scene;
  const base = await portalOf(seller, "branded");
  await journey(async (window) => {
    const { page } = window;
    await signIn(window, seller.api.key, "/app/brand");
    await settled(page);
    await page.getByLabel(/^Name/).first().fill("Corner Telecom");
    await page.getByRole("button", { name: /^save/i }).first().click();
    await page.getByText(/saved/i).first().waitFor();
    const { in_force } = await seller.api.get(`/reseller/accounts/${seller.id}/brand`);
    assert.equal(in_force.name, "Corner Telecom");
  });
  await journey(async (window) => {
    const { page } = window;
    await page.goto(`${base}/sign-in`);
    await page.getByText("Corner Telecom").first().waitFor();
    await signIn(window, customer.api.key, base);
    await page.getByText("Corner Telecom").first().waitFor();
    await settled(page);
    assert.ok(!(await page.content()).includes("Tributary"), "nothing of the platform shows");
    window.complaints.splice(0, window.complaints.length, ...window.complaints.filter((complaint) => !/401/.test(complaint)));
  });
});

test("a logo is uploaded and seen, and a host is proved, answers, and is detached at once", () =>
  journey(async (window) => {
    const { page } = window;
    const { seller } = scene;
    await signIn(window, seller.api.key, "/app/brand");
    await settled(page);
    // A picture that the browser draws: 40 × 20, green.
    const picture = await page.evaluate(() => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 20 });
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#0a7c3f";
      pen.fillRect(0, 0, 40, 20);
      return canvas.toDataURL("image/png").split(",")[1];
    });
    await page.getByLabel("Logo file").setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: Buffer.from(picture, "base64") });
    await page.getByRole("button", { name: "Save this logo" }).click();
    await page.getByText("The logo was saved.").waitFor();
    const { in_force } = await seller.api.get(`/reseller/accounts/${seller.id}/brand`);
    assert.equal((await fetch(new URL(in_force.logo_url, scene.url), { headers: { accept: "image/png" } })).status, 200);

    await page.getByLabel("Host", { exact: true }).fill("portal.corner.example");
    await page.getByRole("button", { name: "Attach" }).click();
    await page.getByText("_tributary.portal.corner.example").waitFor();
    await page.getByRole("button", { name: "Verify", exact: true }).click();
    await page.getByText("The record is not there yet").waitFor();
    const { host } = await seller.api.get(`/reseller/accounts/${seller.id}/brand`);
    const record = { name: host.txt_name, txt: [host.txt_value] };
    await fetch(`${scene.url}/_local/dns`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(record) });
    await page.getByRole("button", { name: "Verify", exact: true }).click();
    await page.getByText("The host is yours").waitFor();
    const shown = () => fetch(`${scene.url}/portal/brand`, { headers: { "x-forwarded-host": "portal.corner.example" } });
    assert.equal((await (await shown()).json()).name, in_force.name);
    await page.getByRole("button", { name: "Detach" }).click();
    await dialog(page).getByRole("textbox").fill("portal.corner.example");
    await dialog(page).getByRole("button", { name: "Detach" }).click();
    await page.getByText("The host was detached.").waitFor();
    assert.equal((await shown()).status, 404);
    window.complaints.splice(0, window.complaints.length, ...window.complaints.filter((complaint) => !/422.*host\/verify/.test(complaint)));
  }));

test("everything is reached by the keyboard", () =>
  journey(async (window) => {
    const { page } = window;
    await signIn(window, scene.master.api.key);
    await settled(page);
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("invoices");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/app\/invoices/);
    await settled(page);
    await page.keyboard.press("g");
    await page.keyboard.press("o");
    await page.waitForURL((url) => url.pathname === "/app");
    await page.goto("/app");
    await settled(page);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent?.trim()), "Skip to content");
  }));

test("a page that is not shown asks for nothing", () =>
  journey(async (window) => {
    const { page } = window;
    await signIn(window, scene.master.api.key, "/app/usage");
    await settled(page);
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
      Object.defineProperty(document, "hidden", { get: () => true });
      document.dispatchEvent(new Event("visibilitychange"));
      window.dispatchEvent(new Event("blur"));
    });
    await page.getByText(/paused/i).first().waitFor();
  }));
