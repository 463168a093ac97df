// The addresses of all pages, with things of the demo to look at.

import { all } from "./scene.mjs";

/** One of each thing that a page shows, of the reseller at the top of the demo and of its customer. */
export async function addressesOf({ master, seller }) {
  const { api } = master;
  const first = async (path, wanted = () => true) => (await all(api, path)).find(wanted) ?? (await all(api, path))[0];
  const [invoice, dispute, payment, job, alert, run, note] = await Promise.all([
    first("/reseller/invoices?side=sold", ({ state }) => state === "open"),
    first("/reseller/disputes?side=sold"),
    first("/reseller/payments"),
    first("/reseller/bulk"),
    first("/reseller/alerts"),
    first("/reseller/billing/runs"),
    first("/reseller/credit-notes?side=sold"),
  ]);
  const hook = await api.post("/reseller/webhooks", { url: "http://127.0.0.1:9/hooks", events: ["*"], subtree: true, description: "Our CRM" });
  return { account: seller.id, invoice, dispute, payment, job, alert, run, note, hook };
}

const named = (name, thing, path) => (thing ? { [name]: path(thing.id) } : {});

/** Pages of a reseller, by the names of their pictures. */
export const SELLER_PAGES = ({ account, invoice, dispute, payment, job, alert, run, note, hook }) => ({
  overview: "",
  accounts: "/accounts",
  "accounts-none": "/accounts?q=nobody-is-called-so",
  account: `/accounts/${account}`,
  ...Object.fromEntries(["tree", "ledger", "usage", "invoices", "keys", "members", "settings"].map((tab) => [`account-${tab}`, `/accounts/${account}/${tab}`])),
  credits: "/credits",
  "credits-holds": "/credits/holds",
  "credits-buy": "/credits/buy",
  "credits-auto-topup": "/credits/auto-topup",
  usage: "/usage",
  "usage-report": "/usage/report",
  "usage-forecast": "/usage/forecast",
  insights: "/insights",
  ...Object.fromEntries(["performance", "profitability", "churn", "acquisition"].map((page) => [`insights-${page}`, `/insights/${page}`])),
  prices: "/prices",
  ...Object.fromEntries(["meters", "markups", "tiers", "promotions", "packages", "quote", "which", "what-if"].map((page) => [`prices-${page}`, `/prices/${page}`])),
  bulk: "/bulk",
  "bulk-new": "/bulk/new",
  ...named("bulk-job", job, (id) => `/bulk/${id}`),
  invoices: "/invoices",
  "invoices-running": "/invoices/running",
  "invoices-credit-notes": "/invoices/credit-notes",
  "invoices-charges": "/invoices/charges",
  ...named("invoice", invoice, (id) => `/invoices/${id}`),
  ...named("credit-note", note, (id) => `/credit-notes/${id}`),
  payments: "/payments",
  "payments-cards": "/payments/cards",
  "payments-processor": "/payments/processor",
  ...named("payment", payment, (id) => `/payments/${id}`),
  disputes: "/disputes",
  ...named("dispute", dispute, (id) => `/disputes/${id}`),
  billing: "/billing",
  "billing-settings": "/billing/settings",
  "billing-profile": "/billing/profile",
  ...named("billing-run", run, (id) => `/billing/runs/${id}`),
  webhooks: "/webhooks",
  ...named("webhook", hook, (id) => `/webhooks/${id}`),
  alerts: "/alerts",
  "alerts-new": "/alerts/new",
  ...named("alert", alert, (id) => `/alerts/${id}`),
  audit: "/audit",
  settings: "/settings",
  ...Object.fromEntries(["members", "roles", "keys", "permissions", "test-clocks"].map((page) => [`settings-${page}`, `/settings/${page}`])),
  sessions: "/sessions",
  brand: "/brand",
  setup: "/setup",
  missing: "/no-such-page",
});

/** Pages of a customer's portal. */
export const CUSTOMER_PAGES = () => ["", "/usage", "/usage/report", "/usage/forecast", "/credits", "/credits/buy", "/invoices", "/invoices/credit-notes", "/payments", "/payments/cards", "/disputes", "/settings", "/settings/keys", "/sessions"];

/** Pages that are seen before signing in. The token is none: the page asks before it sends it. */
export const PUBLIC_PAGES = {
  "sign-in": "/app/sign-in",
  "sign-in-link": `/app/sign-in#token=${"A".repeat(43)}`,
  "portal-sign-in": "/portal/corner/sign-in",
  "portal-missing": "/portal/nobody-at-all/sign-in",
  "card-confirmed": "/app/card-confirmed",
};

/** The pages whose pictures stand in the documentation. */
export const PICTURES = new Set(["overview", "accounts", "account-usage", "invoice", "insights", "insights-churn", "prices-quote", "bulk-job", "brand", "setup", "portal-overview"]);
