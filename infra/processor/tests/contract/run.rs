//! A processor on loopback, and a client of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tributary_processor::{Options, Processor};
use tributary_runtime::clock::{Clock, ManualClock};
use tributary_runtime::payments::stripe::{Retries, Stripe};
use tributary_runtime::payments::transport::Timeouts;
use tributary_runtime::payments::{
    Customer, Metadata, Money, NewCustomer, NewPayment, NewRefund, Payment, PaymentError, PaymentMethod, PaymentProcessor as _, Session,
    SoughtPayment,
};

pub const KEY: &str = "sk_test_scripted";
pub const RETURN_URL: &str = "https://example.com/paid";

pub struct Run {
    pub processor: Processor,
    pub stripe: Stripe,
    pub base: String,
    pub clock: ManualClock,
    end: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Run {
    pub async fn new() -> Self {
        Self::with(None, Retries::at_once(3)).await
    }

    pub async fn with(file: Option<PathBuf>, retries: Retries) -> Self {
        let clock = ManualClock::at(Timestamp::from_second(1_790_000_000).expect("a time"));
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let processor = Processor::open(Options { seed: 7, file, clock: shared }).expect("opened");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (end, ended) = oneshot::channel::<()>();
        let served = processor.clone();
        let serving = tokio::spawn(async move { served.serve(listener, async { drop(ended.await) }).await });
        // Long enough for a busy machine; the tests of slow answers bring their own.
        let timeouts = Timeouts { connect: Duration::from_secs(20), answer: Duration::from_secs(60) };
        let stripe = Stripe::at(&base, KEY, timeouts, retries).expect("a client");
        Self { processor, stripe, base, clock, end: Some(end), serving }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Ends the server; its state stays in its file.
    pub async fn end(mut self) {
        let (end, serving) = (self.end.take().expect("still there"), self.serving);
        // Connections that are kept open would keep the server.
        drop((self.stripe, self.processor));
        let _ = end.send(());
        serving.abort();
        let _ = serving.await;
    }

    pub async fn customer(&self) -> Customer {
        let new = NewCustomer { account_id: "acc_1", name: Some("Ünal & Co"), email: Some("a@example.com") };
        self.stripe.create_customer(&new, "customer-1").await.expect("a customer")
    }

    /// A customer with this card.
    pub async fn card(&self, name: &str) -> (Customer, PaymentMethod) {
        let customer = self.customer().await;
        let card = self.stripe.attach_payment_method(name, &customer.id, &format!("attach-{name}")).await.expect("attached");
        (customer, card)
    }

    /// Charges it: the attempt's id is the key, too.
    pub async fn pay(&self, card: &PaymentMethod, attempt: &str) -> Result<Payment, PaymentError> {
        pay(&self.stripe, card, attempt, 1_250, Session::Off, None).await
    }

    /// How many payments of this attempt were charged: what must be one at most.
    pub fn charged(&self, attempt: &str) -> usize {
        charges(&self.processor).get(attempt).copied().unwrap_or(0)
    }

    pub async fn find(&self, customer: &str, attempt: &str) -> Option<Payment> {
        let sought = SoughtPayment { customer, payment_id: attempt, since: self.now() };
        self.stripe.find_payment_intent(&sought).await.expect("a list")
    }
}

/// How often each attempt was charged.
pub fn charges(processor: &Processor) -> BTreeMap<String, usize> {
    let mut charges = BTreeMap::new();
    for charge in processor.objects(KEY, "charge").iter().filter(|charge| charge["paid"] == true) {
        *charges.entry(charge["metadata"]["payment_id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    charges
}

pub fn usd(minor: i64) -> Money {
    Money { minor, currency: "USD".parse().expect("a currency") }
}

pub async fn pay(
    stripe: &Stripe,
    card: &PaymentMethod,
    attempt: &str,
    minor: i64,
    session: Session,
    return_url: Option<&str>,
) -> Result<Payment, PaymentError> {
    let new = NewPayment {
        amount: usd(minor),
        customer: card.customer.as_deref().expect("a customer's"),
        payment_method: &card.id,
        session,
        return_url,
        description: Some("Invoice N-000001"),
        payment_id: attempt,
        metadata: &Metadata::from([("invoice_id".to_owned(), "inv_1".to_owned())]),
        idempotency_key: attempt,
    };
    stripe.create_payment_intent(&new).await
}

pub fn refund_of<'a>(payment: &'a str, minor: i64, refund_id: &'a str, metadata: &'a Metadata) -> NewRefund<'a> {
    NewRefund { payment, amount: usd(minor), refund_id, metadata, idempotency_key: refund_id }
}
