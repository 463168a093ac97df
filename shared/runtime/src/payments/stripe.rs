//! Stripe, over its HTTP interface.
//!
//! Source: the Stripe API reference, in the version of [`API_VERSION`]: "Idempotent requests", "Errors", and the pages of the objects; and
//! "Advanced error handling" of its documentation for what may be repeated.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::form::Form;
use super::transport::{AddressError, Https, NoAnswer, Request, Response, Timeouts, Transport};
use super::wire::{self, Unreadable};
use super::{
    ACCOUNT_ID, Connect, Customer, DeclineKind, MAX_KEY_CHARS, Metadata, Money, NewCustomer, NewPayment, NewRefund, NewSetupPage, Outcome,
    PAYMENT_ID, Payment, PaymentError, PaymentMethod, PaymentProcessor, ProcessorEvent, REFUND_ID, Refund, Refusal, Session, SetupIntent,
    SetupPage, SoughtPayment, WebhookError, currencies, declines, webhook,
};

/// Where Stripe is.
pub const STRIPE_URL: &str = "https://api.stripe.com";
/// The version of its interface that is spoken, whatever the account's own is.
pub const API_VERSION: &str = "2025-03-31.basil";
/// Stripe: the most objects of a page.
const PAGE: usize = 100;
/// The most pages that are read.
const MAX_PAGES: usize = 10;
/// How much of an answer that says nothing is told.
const TOLD_CHARS: usize = 200;

/// The credentials of an account at Stripe, as they are kept in a secret: `{"api_key": "sk_live_…", "webhook_secret": "whsec_…"}`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The secret or restricted key.
    pub api_key: String,
    /// What its webhooks are signed with.
    pub webhook_secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

/// How often a request is sent under its key before its failure is believed, and the waits between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How often in all, 1 or more.
    pub tries: u32,
    /// The wait before the second; each next one is twice as long, and up to half as much again by the key, so that many do not come at once.
    pub first_wait: Duration,
    /// No wait is longer, whatever Stripe asks for.
    pub most_wait: Duration,
}

impl Default for Retries {
    /// Three tries, half a second and up, never more than four.
    fn default() -> Self {
        Self { tries: 3, first_wait: Duration::from_millis(500), most_wait: Duration::from_secs(4) }
    }
}

impl Retries {
    /// No waits, for tests and simulations.
    pub fn at_once(tries: u32) -> Self {
        Self { tries, first_wait: Duration::ZERO, most_wait: Duration::ZERO }
    }

    /// The wait after so many tries.
    fn wait(&self, after: u32, asked_s: Option<u64>, key: &str) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(after.saturating_sub(1)));
        let spread = key.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 512;
        let spaced = doubled.saturating_add(doubled.saturating_mul(spread) / 1024);
        spaced.max(Duration::from_secs(asked_s.unwrap_or(0))).min(self.most_wait)
    }
}

/// Stripe, in the name of one account.
#[derive(Clone)]
pub struct Stripe {
    transport: Arc<dyn Transport>,
    api_key: String,
    retries: Retries,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").field("transport", &self.transport).field("retries", &self.retries).finish_non_exhaustive()
    }
}

/// Stripe at one address, for many accounts over the same connections.
#[derive(Debug, Clone)]
pub struct StripeAt(Stripe);

impl StripeAt {
    /// At an address, [`STRIPE_URL`] but for tests and the local run.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn new(base: &str) -> Result<Self, AddressError> {
        Stripe::at(base, "", Timeouts::default(), Retries::default()).map(Self)
    }

    /// Over another way, which is asked once more at once where that may help.
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self(Stripe::over(transport, "", Retries::at_once(3)))
    }
}

impl Connect for StripeAt {
    fn connect(&self, api_key: &str) -> Result<Arc<dyn PaymentProcessor>, String> {
        Ok(Arc::new(self.0.of(api_key)))
    }
}

/// A request that was begun.
#[derive(Debug)]
struct Ask<'a> {
    /// `None` of a read.
    key: Option<&'a str>,
    path: String,
    form: Form,
}

/// What one try came to.
enum Tried {
    Good(Value),
    /// It is decided.
    Refused(PaymentError),
    /// It is not, and another try may say. `happened`: whether this one may have been carried out.
    Open {
        error: PaymentError,
        happened: bool,
        wait_s: Option<u64>,
        again: bool,
    },
}

impl Stripe {
    /// At an address, [`STRIPE_URL`] but for tests and the local run.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn at(base: &str, api_key: &str, timeouts: Timeouts, retries: Retries) -> Result<Self, AddressError> {
        Ok(Self::over(Arc::new(Https::to(base, timeouts)?), api_key, retries))
    }

    /// Over another way.
    pub fn over(transport: Arc<dyn Transport>, api_key: &str, retries: Retries) -> Self {
        Self { transport, api_key: api_key.to_owned(), retries }
    }

    /// The same in another account's name, over the same connections.
    #[must_use]
    pub fn of(&self, api_key: &str) -> Self {
        Self { api_key: api_key.to_owned(), ..self.clone() }
    }

    async fn post(&self, path: String, form: Form, key: &str) -> Result<Value, PaymentError> {
        if key.is_empty() || key.len() > MAX_KEY_CHARS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::unsent("idempotency_key", format!("a key has 1 to {MAX_KEY_CHARS} printable characters")));
        }
        self.call(&Ask { key: Some(key), path, form }).await
    }

    async fn get(&self, path: String, form: Form) -> Result<Value, PaymentError> {
        self.call(&Ask { key: None, path, form }).await
    }

    /// Sends it, again under its key while that may help. Once a try may have been carried out, only an answer that the key decides ends that
    /// doubt: one that came before the key was looked at does not.
    async fn call(&self, ask: &Ask<'_>) -> Result<Value, PaymentError> {
        let request = self.request(ask);
        let (mut tries, mut doubt) = (0, None);
        loop {
            tries += 1;
            let (error, wait_s, again) = match tried(self.transport.send(&request).await) {
                Tried::Good(value) => return Ok(value),
                Tried::Refused(error @ PaymentError::Unauthorized(_)) => (error, None, false),
                Tried::Refused(error) => return Err(error),
                Tried::Open { error, happened, wait_s, again } => {
                    if happened && ask.key.is_some() {
                        doubt = Some(error.to_string());
                    }
                    (error, wait_s, again)
                }
            };
            if !again || tries >= self.retries.tries {
                return Err(match (doubt, ask.key) {
                    (Some(why), _) => PaymentError::Unknown(format!("{why} ({tries} tries)")),
                    (None, _) => error,
                });
            }
            let wait = self.retries.wait(tries, wait_s, ask.key.unwrap_or(&ask.path));
            if !wait.is_zero() {
                sleep(wait).await;
            }
        }
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        let mut headers = vec![("authorization", format!("Bearer {}", self.api_key)), ("stripe-version", API_VERSION.to_owned())];
        headers.extend(ask.key.map(|key| ("idempotency-key", key.to_owned())));
        let (form, reads) = (ask.form.encoded(), ask.key.is_none());
        match reads {
            true if form.is_empty() => Request { method: "GET", path: ask.path.clone(), headers, body: String::new() },
            true => Request { method: "GET", path: format!("{}?{form}", ask.path), headers, body: String::new() },
            false => Request { method: "POST", path: ask.path.clone(), headers, body: form },
        }
    }

    /// Those of a list that are wanted.
    async fn search<T>(
        &self,
        path: &str,
        form: Form,
        read: impl Fn(&Value) -> Result<T, Unreadable>,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Vec<T>, PaymentError> {
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let form = form.clone().with("limit", PAGE.to_string()).with_some("starting_after", after.as_deref());
            let page = self.get(path.to_owned(), form).await?;
            let rows = page["data"].as_array().ok_or_else(|| unread(Unreadable("data")))?;
            for row in rows.iter().filter(|row| wanted(row)) {
                found.push(read(row).map_err(unread)?);
            }
            after = rows.last().and_then(|row| row["id"].as_str()).map(str::to_owned);
            if page["has_more"].as_bool() != Some(true) || after.is_none() {
                return Ok(found);
            }
        }
        Err(PaymentError::Unavailable(format!("the list of {path} is longer than {} objects", PAGE * MAX_PAGES)))
    }
}

/// A read whose answer cannot be understood.
fn unread(error: Unreadable) -> PaymentError {
    PaymentError::Unavailable(error.to_string())
}

/// A change whose answer cannot be understood was carried out all the same.
fn undecided(error: Unreadable) -> PaymentError {
    PaymentError::Unknown(error.to_string())
}

/// An id as part of a path: nothing in it may lead elsewhere.
fn part<'a>(id: &'a str, param: &str) -> Result<&'a str, PaymentError> {
    let plain = !id.is_empty() && id.len() <= 255 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { Ok(id) } else { Err(Refusal::unsent(param, "that is no id of the processor's")) }
}

/// What a try came to. Nothing but an answer that says so means that nothing happened.
fn tried(sent: Result<Response, NoAnswer>) -> Tried {
    let response = match sent {
        Ok(response) => response,
        Err(NoAnswer::NotSent(why)) => {
            return Tried::Open { error: PaymentError::Unavailable(why), happened: false, wait_s: None, again: true };
        }
        Err(NoAnswer::Lost(why)) => {
            return Tried::Open { error: PaymentError::Unavailable(why), happened: true, wait_s: None, again: true };
        }
    };
    let said: Option<Value> = serde_json::from_slice(&response.body).ok().filter(Value::is_object);
    let open = |error: PaymentError, happened: bool| {
        // Repeated under the same key, a kept answer stays as it is.
        let again = response.should_retry.unwrap_or(true) && !response.replayed;
        Tried::Open { error, happened, wait_s: response.retry_after_s, again }
    };
    let error = said.as_ref().map(|said| said["error"].clone()).unwrap_or_default();
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    let told = || text("message").unwrap_or_else(|| String::from_utf8_lossy(&response.body).chars().take(TOLD_CHARS).collect());
    match (response.status, said) {
        (200..=299, Some(said)) => Tried::Good(said),
        (200..=299, None) => open(PaymentError::Unavailable("an answer that is no JSON".to_owned()), true),
        (400, Some(_)) if error["type"] == "idempotency_error" => Tried::Refused(PaymentError::KeyReused),
        (401 | 403, _) => Tried::Refused(PaymentError::Unauthorized(told())),
        (402, Some(_)) => {
            Tried::Refused(PaymentError::Declined(Box::new(declines::read(&error, wire::reference(&error["payment_intent"]).as_deref()))))
        }
        // Another request under this key is being carried out, or another change of the same object.
        (409, _) => open(PaymentError::Unavailable(told()), error["code"] != "lock_timeout"),
        (429, _) => open(PaymentError::RateLimited, false),
        (400..=499, Some(_)) if error.is_object() => {
            let refusal = Refusal { status: response.status, code: text("code"), param: text("param"), message: told() };
            Tried::Refused(PaymentError::Invalid(Box::new(refusal)))
        }
        // A refusal that is not in Stripe's words is of something on the way, and a failure decides nothing.
        (status, _) => open(PaymentError::Unavailable(format!("status {status}: {}", told())), true),
    }
}

/// A payment that was asked for, as a result.
fn settled(payment: Payment) -> Result<Payment, PaymentError> {
    match payment.outcome() {
        Outcome::Paid | Outcome::Processing | Outcome::Canceled | Outcome::Open => Ok(payment),
        Outcome::ActionRequired(action) => Err(PaymentError::ActionRequired(Box::new(action))),
        Outcome::Declined(decline) => Err(PaymentError::Declined(Box::new(decline))),
    }
}

#[async_trait]
impl PaymentProcessor for Stripe {
    fn chargeable(&self, amount: Money) -> Money {
        currencies::chargeable(amount)
    }

    async fn create_customer(&self, new: &NewCustomer<'_>, idempotency_key: &str) -> Result<Customer, PaymentError> {
        let form = Form::default()
            .with_some("name", new.name)
            .with_some("email", new.email)
            .with(&format!("metadata[{ACCOUNT_ID}]"), new.account_id);
        let said = self.post("/v1/customers".to_owned(), form, idempotency_key).await?;
        wire::customer(&said).map_err(undecided)
    }

    async fn get_customer(&self, id: &str) -> Result<Customer, PaymentError> {
        let said = self.get(format!("/v1/customers/{}", part(id, "customer")?), Form::default()).await?;
        wire::customer(&said).map_err(unread)
    }

    async fn set_default_payment_method(
        &self,
        customer: &str,
        payment_method: Option<&str>,
        idempotency_key: &str,
    ) -> Result<Customer, PaymentError> {
        // An empty value unsets.
        let form = Form::default().with("invoice_settings[default_payment_method]", payment_method.unwrap_or_default());
        let said = self.post(format!("/v1/customers/{}", part(customer, "customer")?), form, idempotency_key).await?;
        wire::customer(&said).map_err(undecided)
    }

    async fn create_setup_intent(&self, customer: &str, metadata: &Metadata, idempotency_key: &str) -> Result<SetupIntent, PaymentError> {
        let form = Form::default()
            .with("customer", customer)
            .with("usage", "off_session")
            .with("payment_method_types[0]", "card")
            .with_all("metadata", metadata);
        let said = self.post("/v1/setup_intents".to_owned(), form, idempotency_key).await?;
        wire::setup_intent(&said).map_err(undecided)
    }

    async fn create_setup_page(&self, new: &NewSetupPage<'_>, idempotency_key: &str) -> Result<SetupPage, PaymentError> {
        let form = Form::default()
            .with("mode", "setup")
            .with("customer", new.customer)
            .with("payment_method_types[0]", "card")
            .with("success_url", new.success_url)
            .with("cancel_url", new.cancel_url)
            .with_all("setup_intent_data[metadata]", new.metadata);
        let said = self.post("/v1/checkout/sessions".to_owned(), form, idempotency_key).await?;
        wire::setup_page(&said).map_err(undecided)
    }

    async fn get_setup_intent(&self, id: &str) -> Result<SetupIntent, PaymentError> {
        let said = self.get(format!("/v1/setup_intents/{}", part(id, "setup_intent")?), Form::default()).await?;
        wire::setup_intent(&said).map_err(unread)
    }

    async fn list_payment_methods(&self, customer: &str) -> Result<Vec<PaymentMethod>, PaymentError> {
        let form = Form::default().with("customer", customer).with("type", "card");
        self.search("/v1/payment_methods", form, wire::payment_method, |_| true).await
    }

    async fn get_payment_method(&self, id: &str) -> Result<PaymentMethod, PaymentError> {
        let said = self.get(format!("/v1/payment_methods/{}", part(id, "payment_method")?), Form::default()).await?;
        wire::payment_method(&said).map_err(unread)
    }

    async fn attach_payment_method(&self, id: &str, customer: &str, idempotency_key: &str) -> Result<PaymentMethod, PaymentError> {
        let path = format!("/v1/payment_methods/{}/attach", part(id, "payment_method")?);
        let said = self.post(path, Form::default().with("customer", customer), idempotency_key).await?;
        wire::payment_method(&said).map_err(undecided)
    }

    async fn detach_payment_method(&self, id: &str, idempotency_key: &str) -> Result<PaymentMethod, PaymentError> {
        let path = format!("/v1/payment_methods/{}/detach", part(id, "payment_method")?);
        let said = self.post(path, Form::default(), idempotency_key).await?;
        wire::payment_method(&said).map_err(undecided)
    }

    async fn create_payment_intent(&self, new: &NewPayment<'_>) -> Result<Payment, PaymentError> {
        let (amount, currency) = currencies::to_stripe(new.amount)?;
        let form = Form::default()
            .with("amount", amount.to_string())
            .with("currency", currency)
            .with("customer", new.customer)
            .with("payment_method", new.payment_method)
            .with("payment_method_types[0]", "card")
            .with("confirm", "true")
            .with_some("description", new.description)
            .with_all("metadata", new.metadata)
            .with(&format!("metadata[{PAYMENT_ID}]"), new.payment_id);
        let form = match new.session {
            // Nobody is there to return, so the address is for `authenticate`.
            Session::Off => form.with("off_session", "true"),
            Session::On => form.with_some("return_url", new.return_url),
        };
        let said = self.post("/v1/payment_intents".to_owned(), form, new.idempotency_key).await;
        let made = said.and_then(|said| wire::payment(&said).map_err(undecided)).and_then(settled);
        let (Err(PaymentError::Declined(decline)), Session::Off, Some(return_url)) = (&made, new.session, new.return_url) else {
            return made;
        };
        let (DeclineKind::AuthenticationRequired, Some(payment)) = (decline.kind, &decline.payment) else { return made };
        let key = format!("{}-authenticate", new.idempotency_key);
        match self.authenticate(payment, new.payment_method, return_url, &key).await {
            // That the link was not to be had now changes nothing of what is known: it can be asked for later.
            Err(PaymentError::Unavailable(_) | PaymentError::RateLimited | PaymentError::Unauthorized(_) | PaymentError::Invalid(_)) => {
                made
            }
            authenticated => authenticated,
        }
    }

    async fn authenticate(
        &self,
        payment: &str,
        payment_method: &str,
        return_url: &str,
        idempotency_key: &str,
    ) -> Result<Payment, PaymentError> {
        let form = Form::default().with("payment_method", payment_method).with("return_url", return_url);
        let path = format!("/v1/payment_intents/{}/confirm", part(payment, "payment_intent")?);
        let said = self.post(path, form, idempotency_key).await?;
        settled(wire::payment(&said).map_err(undecided)?)
    }

    async fn get_payment_intent(&self, id: &str) -> Result<Payment, PaymentError> {
        let said = self.get(format!("/v1/payment_intents/{}", part(id, "payment_intent")?), Form::default()).await?;
        wire::payment(&said).map_err(unread)
    }

    /// By the customer's list, not by the search of Stripe, which lags behind what was written (source: "Search", Stripe API reference).
    async fn find_payment_intent(&self, sought: &SoughtPayment<'_>) -> Result<Option<Payment>, PaymentError> {
        let form = Form::default().with("customer", sought.customer).with("created[gte]", sought.since.as_second().to_string());
        let wanted = |row: &Value| row["metadata"][PAYMENT_ID] == sought.payment_id;
        Ok(self.search("/v1/payment_intents", form, wire::payment, wanted).await?.into_iter().next())
    }

    async fn cancel(&self, payment: &str, idempotency_key: &str) -> Result<Payment, PaymentError> {
        let path = format!("/v1/payment_intents/{}/cancel", part(payment, "payment_intent")?);
        let said = self.post(path, Form::default(), idempotency_key).await?;
        wire::payment(&said).map_err(undecided)
    }

    async fn refund(&self, new: &NewRefund<'_>) -> Result<Refund, PaymentError> {
        let (amount, _) = currencies::to_stripe(new.amount)?;
        let form = Form::default()
            .with("payment_intent", new.payment)
            .with("amount", amount.to_string())
            .with_all("metadata", new.metadata)
            .with(&format!("metadata[{REFUND_ID}]"), new.refund_id);
        let said = self.post("/v1/refunds".to_owned(), form, new.idempotency_key).await?;
        wire::refund(&said).map_err(undecided)
    }

    async fn get_refund(&self, id: &str) -> Result<Refund, PaymentError> {
        let said = self.get(format!("/v1/refunds/{}", part(id, "refund")?), Form::default()).await?;
        wire::refund(&said).map_err(unread)
    }

    async fn find_refund(&self, payment: &str, refund_id: &str) -> Result<Option<Refund>, PaymentError> {
        let form = Form::default().with("payment_intent", payment);
        let wanted = |row: &Value| row["metadata"][REFUND_ID] == refund_id;
        Ok(self.search("/v1/refunds", form, wire::refund, wanted).await?.into_iter().next())
    }

    fn verify_webhook(&self, body: &[u8], signature: &str, secret: &str, now: Timestamp) -> Result<ProcessorEvent, WebhookError> {
        webhook::verify(body, signature, secret, now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use serde_json::json;

    use super::*;

    /// Gives these answers, one a request, and keeps what it was asked.
    #[derive(Debug, Default)]
    struct Answers {
        left: Mutex<Vec<Result<Response, NoAnswer>>>,
        asked: Mutex<Vec<Request>>,
    }

    #[async_trait]
    impl Transport for Answers {
        async fn send(&self, request: &Request) -> Result<Response, NoAnswer> {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            self.left.lock().unwrap_or_else(PoisonError::into_inner).pop().expect("an answer for each request")
        }
    }

    fn stripe(mut answers: Vec<Result<Response, NoAnswer>>) -> (Stripe, Arc<Answers>) {
        answers.reverse();
        let answers = Arc::new(Answers { left: Mutex::new(answers), asked: Mutex::default() });
        (Stripe::over(answers.clone(), "sk_test_1", Retries::at_once(3)), answers)
    }

    fn said(status: u16, body: &Value) -> Result<Response, NoAnswer> {
        Ok(Response { status, body: body.to_string().into_bytes(), ..Response::default() })
    }

    fn lost() -> Result<Response, NoAnswer> {
        Err(NoAnswer::Lost("the connection ended".to_owned()))
    }

    fn not_sent() -> Result<Response, NoAnswer> {
        Err(NoAnswer::NotSent("no route".to_owned()))
    }

    fn error(status: u16, code: &str) -> Result<Response, NoAnswer> {
        said(status, &json!({"error": {"type": "invalid_request_error", "code": code, "message": "No."}}))
    }

    fn paid() -> Result<Response, NoAnswer> {
        said(200, &json!({"id": "pi_1", "status": "succeeded", "amount": 1250, "currency": "usd", "created": 1, "metadata": {}}))
    }

    async fn pay(stripe: &Stripe) -> Result<Payment, PaymentError> {
        let new = NewPayment {
            amount: Money { minor: 1250, currency: "USD".parse().expect("a currency") },
            customer: "cus_1",
            payment_method: "pm_1",
            session: Session::Off,
            return_url: None,
            description: Some("Invoice 1"),
            payment_id: "pay_1",
            metadata: &Metadata::from([("invoice_id".to_owned(), "inv_1".to_owned())]),
            idempotency_key: "key-1",
        };
        stripe.create_payment_intent(&new).await
    }

    /// What became of a payment with these answers, and how often it was sent.
    async fn paying(answers: Vec<Result<Response, NoAnswer>>) -> (Result<String, PaymentError>, usize) {
        let (stripe, answers) = stripe(answers);
        let paid = pay(&stripe).await.map(|payment| payment.id);
        (paid, answers.asked.lock().unwrap_or_else(PoisonError::into_inner).len())
    }

    #[tokio::test]
    async fn a_request_says_who_which_version_and_which_key_and_each_repetition_is_the_same() {
        let (stripe, answers) = stripe(vec![lost(), paid()]);
        pay(&stripe).await.expect("paid");
        let asked = answers.asked.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((asked.len(), asked[0] == asked[1]), (2, true));
        let expected = [
            ("authorization", "Bearer sk_test_1".to_owned()),
            ("stripe-version", API_VERSION.to_owned()),
            ("idempotency-key", "key-1".to_owned()),
        ];
        assert_eq!((asked[0].method, asked[0].path.as_str(), asked[0].headers.as_slice()), ("POST", "/v1/payment_intents", &expected[..]));
        let form = "amount=1250&currency=usd&customer=cus_1&payment_method=pm_1&payment_method_types%5B0%5D=card&confirm=true\
            &description=Invoice+1&metadata%5Binvoice_id%5D=inv_1&metadata%5Bpayment_id%5D=pay_1&off_session=true";
        assert_eq!(asked[0].body, form);
        assert!(!format!("{stripe:?}{:?}", asked[0]).contains("sk_test"));
    }

    #[tokio::test]
    async fn an_answer_that_was_lost_leaves_the_outcome_unknown_until_the_key_decides_it() {
        let unknown = |tried: &(Result<String, PaymentError>, usize)| matches!(tried, (Err(PaymentError::Unknown(_)), 3));
        for answers in [
            vec![lost(), lost(), lost()],
            vec![lost(), not_sent(), not_sent()],
            vec![not_sent(), lost(), error(429, "rate_limit")],
            vec![error(500, "api_error"), not_sent(), not_sent()],
            vec![said(200, &json!("half")), not_sent(), not_sent()],
            vec![error(409, "idempotency_key_in_use"), error(409, "idempotency_key_in_use"), error(409, "idempotency_key_in_use")],
        ] {
            let tried = paying(answers).await;
            assert!(unknown(&tried), "{tried:?}");
        }
        assert_eq!(paying(vec![lost(), paid()]).await, (Ok("pi_1".to_owned()), 2));
        assert!(matches!(paying(vec![lost(), error(402, "expired_card")]).await, (Err(PaymentError::Declined(_)), 2)));
        // Credentials that are refused after a lost answer say nothing of the first.
        assert!(matches!(paying(vec![lost(), error(401, "x")]).await, (Err(PaymentError::Unknown(_)), 2)));
        // It was carried out, but what came of it cannot be read.
        assert!(matches!(paying(vec![said(200, &json!({"id": "pi_1"}))]).await, (Err(PaymentError::Unknown(_)), 1)));
    }

    #[tokio::test]
    async fn what_was_certainly_not_done_is_told_as_that() {
        assert_eq!(paying(vec![not_sent(), not_sent(), not_sent()]).await, (Err(PaymentError::Unavailable("no route".to_owned())), 3));
        assert_eq!(paying(vec![error(429, "rate_limit"), error(429, "x"), error(429, "x")]).await, (Err(PaymentError::RateLimited), 3));
        let tried = paying(vec![error(409, "lock_timeout"), error(409, "lock_timeout"), error(409, "lock_timeout")]).await;
        assert!(matches!(tried, (Err(PaymentError::Unavailable(_)), 3)), "{tried:?}");
        assert!(matches!(paying(vec![error(401, "x")]).await, (Err(PaymentError::Unauthorized(_)), 1)));
        assert!(matches!(paying(vec![error(403, "x")]).await, (Err(PaymentError::Unauthorized(_)), 1)));
        let refused = paying(vec![error(404, "resource_missing")]).await;
        assert!(matches!(&refused, (Err(error), 1) if error.is_absent() && !error.may_have_happened()), "{refused:?}");
        let reused = said(400, &json!({"error": {"type": "idempotency_error", "message": "other parameters"}}));
        assert_eq!(paying(vec![reused]).await, (Err(PaymentError::KeyReused), 1));
    }

    #[tokio::test]
    async fn an_answer_that_is_kept_or_says_so_is_not_asked_for_again() {
        let failed = |replayed: bool, should_retry: Option<bool>| Response { status: 500, replayed, should_retry, ..Response::default() };
        assert!(matches!(paying(vec![Ok(failed(true, None))]).await, (Err(PaymentError::Unknown(_)), 1)));
        assert!(matches!(paying(vec![Ok(failed(false, Some(false)))]).await, (Err(PaymentError::Unknown(_)), 1)));
        assert_eq!(paying(vec![Ok(failed(false, Some(true))), paid()]).await, (Ok("pi_1".to_owned()), 2));
    }

    #[tokio::test]
    async fn a_read_that_fails_is_not_unknown_and_is_not_sent_with_a_key() {
        let (stripe, answers) = stripe(vec![lost(), error(500, "x"), lost()]);
        let read = stripe.get_payment_intent("pi_1").await;
        assert!(matches!(read, Err(PaymentError::Unavailable(_))), "{read:?}");
        let asked = answers.asked.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(asked.iter().all(|request| request.method == "GET" && request.headers.iter().all(|(name, _)| *name != "idempotency-key")));
    }

    #[tokio::test]
    async fn ids_and_keys_that_cannot_be_are_not_sent() {
        let (stripe, answers) = stripe(vec![]);
        for id in ["", "pi_1/cancel", "../customers", "pi_1?x=1", "pi 1"] {
            assert!(matches!(stripe.get_payment_intent(id).await, Err(PaymentError::Invalid(_))), "{id}");
        }
        let long = "k".repeat(MAX_KEY_CHARS + 1);
        for key in ["", "two words", "line\r\nbreak", long.as_str()] {
            assert!(matches!(stripe.cancel("pi_1", key).await, Err(PaymentError::Invalid(_))), "{key}");
        }
        assert!(answers.asked.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_end_or_not_believed() {
        let row = |n: usize| json!({"id": format!("pi_{n}"), "status": "succeeded", "amount": 1, "currency": "usd", "created": 1, "metadata": {"payment_id": format!("pay_{n}")}});
        let page = |n: usize, more: bool| said(200, &json!({"data": [row(n)], "has_more": more}));
        let since = Timestamp::from_second(7).expect("a time");
        let sought = SoughtPayment { customer: "cus_1", payment_id: "pay_2", since };
        let (finds, answers) = stripe(vec![page(1, true), page(2, false)]);
        assert_eq!(finds.find_payment_intent(&sought).await.expect("a list").map(|payment| payment.id).as_deref(), Some("pi_2"));
        let path = "/v1/payment_intents?customer=cus_1&created%5Bgte%5D=7&limit=100&starting_after=pi_1";
        assert_eq!(answers.asked.lock().unwrap_or_else(PoisonError::into_inner)[1].path, path);
        let (absent, _) = stripe(vec![page(1, true), page(3, false)]);
        assert_eq!(absent.find_payment_intent(&sought).await, Ok(None));
        let (endless, _) = stripe((0..MAX_PAGES).map(|_| page(1, true)).collect());
        assert!(matches!(endless.find_payment_intent(&sought).await, Err(PaymentError::Unavailable(_))));
    }

    #[test]
    fn waits_grow_are_spread_by_the_key_and_never_pass_the_most() {
        let retries = Retries::default();
        for key in ["a", "key-1", "key-2"] {
            let waits: Vec<_> = (1..8).map(|after| retries.wait(after, None, key)).collect();
            assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]) && waits[0] >= retries.first_wait, "{waits:?}");
            assert_eq!(waits[6], retries.most_wait);
        }
        assert_eq!(retries.wait(1, Some(2), ""), Duration::from_secs(2));
        assert_eq!(retries.wait(1, Some(3_600), ""), retries.most_wait);
        assert_ne!(retries.wait(1, None, "key-1"), retries.wait(1, None, "key-2"));
        assert_eq!(Retries::at_once(3).wait(2, Some(9), "k"), Duration::ZERO);
    }

    #[test]
    fn credentials_are_never_shown() {
        let credentials = Credentials { api_key: "sk_live_1".to_owned(), webhook_secret: "whsec_1".to_owned() };
        assert_eq!(format!("{credentials:?}"), "Credentials(hidden)");
    }
}
