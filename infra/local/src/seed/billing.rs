//! How the demo is billed: who sells how, who has which card, and what became of some of the invoices.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{SeedError, Seeder, text};
use crate::cards::{self, Seller};
use crate::event;

/// The sellers that take cards: the operator, and one of its resellers.
const OPERATOR: Seller = Seller { api_key: "sk_test_demo_operator", webhook_secret: "whsec_demo_operator" };
const NORTHWIND: Seller = Seller { api_key: "sk_test_demo_northwind", webhook_secret: "whsec_demo_northwind" };

/// Whose card, added where, and which of the scripted processor's it is.
const CARDS: [(&str, &str); 2] = [("fernway", "pm_card_visa"), ("dockside", "pm_card_chargeCustomerFail")];
/// Whose period ended so many days ago, so that its newest invoice is still to be paid, or still a draft.
const ENDED: [(&str, i64); 2] = [("dockside", 4), ("seeblick", 3)];
/// What is sent to the processor's own page and back.
const DONE_URL: &str = "https://tributary.example/cards";

/// How many steps there are.
pub(super) const STEPS: usize = 3 + 2 + ENDED.len() + CARDS.len() + 1 + 4;

impl Seeder<'_> {
    /// How sellers bill, and who pays with what; before there is any usage.
    pub(super) async fn selling(&mut self, ends: Timestamp) -> Result<(), SeedError> {
        let operator = text(&self.send("look at the operator", Method::GET, "/reseller/billing/settings", None, None).await?, "account_id");
        let gentle =
            json!({"retry_days": [1, 3, 5, 7], "remind_days": [1, 7, 14], "suspend_after_days": 30, "uncollectible_after_days": 40});
        let settings = [
            (
                operator.clone(),
                json!({"number_prefix": "TRB", "collection": "automatic", "footer": "Tributary Demo Inc., Wilmington, Delaware",
                "address": {"line1": "1201 Market Street", "city": "Wilmington", "region": "DE", "postal_code": "19801", "country": "US"}}),
            ),
            (
                self.id("northwind"),
                json!({"number_prefix": "NW", "collection": "automatic", "terms_days": 14, "dunning": gentle,
                "fees": [{"id": "platform", "name": "Platform access", "amount": "49", "prorate": true}],
                "tax_rates": [{"id": "wa-sales", "name": "Sales tax", "percent": "8.5", "country": "US"}],
                "tax_id": "91-1144442", "footer": "Thank you for your business. Questions? billing@northwind.example",
                "address": {"line1": "400 Pine Street", "city": "Seattle", "region": "WA", "postal_code": "98101", "country": "US"}}),
            ),
            (
                self.id("alpenblick"),
                json!({"number_prefix": "AB", "draft_hours": 168,
                "tax_rates": [{"id": "ust", "name": "Umsatzsteuer", "percent": "19", "country": "DE"}], "tax_id": "DE811907980",
                "address": {"line1": "Marienplatz 8", "city": "München", "postal_code": "80331", "country": "DE"}}),
            ),
        ];
        for (account, mut body) in settings {
            body["account_id"] = json!(account);
            self.send("billing settings", Method::PUT, "/reseller/billing/settings", Some(body), None).await?;
            self.step_done("billing settings");
        }
        for (account, seller) in [(operator, OPERATOR), (self.id("northwind"), NORTHWIND)] {
            let body = json!({"account_id": account, "api_key": seller.api_key, "webhook_secret": seller.webhook_secret});
            self.send("payment processor", Method::PUT, "/reseller/billing/processor", Some(body), None).await?;
            cards::hook(self.processor, self.base_url, &account, seller, true);
            self.sellers.push((account, seller));
            self.step_done("payment processor");
        }
        for (handle, days) in ENDED {
            let ended = ends.checked_sub(jiff::SignedDuration::from_hours(24 * days)).unwrap_or(ends);
            let profile = json!({"account_id": self.id(handle), "anchor_day": ended.to_zoned(TimeZone::UTC).day(),
                "address": {"line1": "12 Harbour Road", "city": "Portland", "country": if handle == "seeblick" { "DE" } else { "US" }}});
            self.send("billing profile", Method::PUT, "/reseller/billing/profile", Some(profile), None).await?;
            self.step_done("billing profile");
        }
        let line = json!({"account_id": self.id("fernway"), "po_number": "PO-2231", "address": {"line1": "88 Elm Avenue", "city": "Boise",
            "region": "ID", "postal_code": "83702", "country": "US"}});
        self.send("billing profile", Method::PUT, "/reseller/billing/profile", Some(line), None).await?;
        self.step_done("billing profile");
        for (handle, card) in CARDS {
            let body = json!({"account_id": self.id(handle), "success_url": DONE_URL, "cancel_url": DONE_URL});
            let page = self.post(&format!("card of {handle}"), "/reseller/payment-methods/setup", body, true).await?;
            // Its page at the processor, where a person would type the card in.
            if let Some(page) = text(&page, "url").rsplit('/').next() {
                // A card that was added by a run that was killed is there.
                let _ = self.processor.add_on_page(page, card);
            }
        }
        self.heard().await
    }

    /// What the schedules do at a moment: bills what is over, collects what is due, and hears what the processor tells.
    pub(super) async fn bill(&self) -> Result<(), SeedError> {
        self.scheduled("BillingRunFunction").await;
        self.pump.run_due().await;
        self.scheduled("CollectorFunction").await;
        self.heard().await?;
        self.pump.run_due().await;
        Ok(())
    }

    pub(super) async fn scheduled(&self, name: &str) {
        self.told(name, event::scheduled(name, &self.gateway.request_id(), self.now())).await;
    }

    /// Gives the API what the processor tells. The API is not served yet, so the processor cannot do it by itself.
    async fn heard(&self) -> Result<(), SeedError> {
        for (account, seller) in &self.sellers {
            for told in cards::taken(self.processor, *seller) {
                let request = Request::builder().method(Method::POST).uri(format!("/billing/processor/{account}"));
                let request = request.header("content-type", "application/json").header("stripe-signature", told.signature);
                let request = request.body(Bytes::from(told.body)).map_err(|error| SeedError::of("an event of the processor", &error))?;
                let answer = self.gateway.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
                if !answer.status().is_success() {
                    let body = String::from_utf8_lossy(answer.body()).into_owned();
                    return Err(SeedError { what: format!("an event of the processor: {}", told.kind), status: answer.status(), body });
                }
            }
        }
        Ok(())
    }

    /// What people did with invoices: one was voided, one credited in part, one is disputed. The processor may tell by itself from now on.
    pub(super) async fn invoices(&mut self) -> Result<(), SeedError> {
        let voided = self.invoice("dockside", "past_due").await?;
        if let Some(voided) = voided {
            let path = format!("/reseller/invoices/{}/void", text(&voided, "id"));
            self.send("void", Method::POST, &path, Some(json!({"reason": "The line was never installed"})), None).await?;
        }
        self.step_done("void");
        if let Some(paid) = self.invoice("fernway", "paid").await? {
            let path = format!("/reseller/invoices/{}", text(&paid, "id"));
            let whole = self.send("look at an invoice", Method::GET, &path, None, None).await?;
            let usage = |line: &&Value| line["kind"] == "usage";
            if let Some(line) = whole["lines"].as_array().and_then(|lines| lines.iter().find(usage)) {
                let note = json!({"lines": [{"line": line["id"], "amount": "2.50"}], "reason": "Messages that did not arrive", "given_as": "card"});
                self.post("credit note", &format!("{path}/credit-notes"), note, true).await?;
                let dispute = json!({"invoice_id": paid["id"], "lines": [{"line": line["id"], "amount": "5"}], "reason": "quality",
                    "words": "On the 3rd half of our reminders came a day late.", "links": ["https://fernway.example/reminders.csv"]});
                self.post("dispute", "/reseller/disputes", dispute, true).await?;
            }
        }
        self.bill().await?;
        for (account, seller) in &self.sellers {
            cards::hook(self.processor, self.base_url, account, *seller, false);
        }
        self.step_done("invoices of three months");
        Ok(())
    }

    /// The oldest invoice of an account in a state.
    async fn invoice(&self, handle: &str, state: &str) -> Result<Option<Value>, SeedError> {
        let path = format!("/reseller/invoices?account_id={}&state={state}&limit=100", self.id(handle));
        let page = self.send("look at invoices", Method::GET, &path, None, None).await?;
        Ok(page["data"].as_array().and_then(|rows| rows.last()).cloned())
    }
}
