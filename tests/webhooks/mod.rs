//! Webhooks from the endpoint's making to its last try: what is sent, to whom, how it is signed, how often, and to where never.

mod requests;
mod simulation;
mod snippets;
mod tries;
mod wire;

use std::sync::Arc;

use serde_json::{Value, json};
use tributary_domain::event::Event;
use tributary_notifier::Senders;
use tributary_notifier::outbound::Outbound;
use tributary_runtime::mail::MemoryMailer;

use crate::support::api::{Answer, Api, Inside};
use crate::support::events::{of_queue, tell};
use crate::support::receiver::MemoryOutbound;
use crate::support::world::World;

/// The routes begin so.
pub const WEBHOOKS: &str = "/reseller/webhooks";
/// An address where a [`MemoryOutbound`] posts to.
pub const SOMEWHERE: &str = "https://hooks.example.com/in";

/// A world, and a notifier that sends nowhere.
pub struct Scene {
    /// The accounts.
    pub w: World,
    /// What was posted.
    pub outbound: MemoryOutbound,
    /// What was mailed.
    pub mailer: MemoryMailer,
}

impl Scene {
    /// A fresh one.
    pub async fn new() -> Self {
        Self { w: World::in_process().await, outbound: MemoryOutbound::default(), mailer: MemoryMailer::default() }
    }

    /// The parts that no client sees.
    pub fn inside(&self) -> &Inside {
        self.w.target.inside("the notifier").expect("in this process")
    }

    /// What the notifier sends by.
    pub fn senders(&self) -> Senders {
        senders(Arc::new(self.outbound.clone()), &self.mailer)
    }

    /// Tells the notifier what happened since the last time, and what it did thereby.
    pub async fn told(&self) -> Vec<Event> {
        told(self.inside(), &self.senders()).await
    }

    /// The minute's run.
    pub async fn run(&self) -> Value {
        let inside = self.inside();
        let run = inside.app.run_id("");
        tributary_notifier::handle(&inside.app, &self.senders(), json!({ "source": "aws.scheduler" }), &run).await.expect("a run")
    }

    /// Lets seconds pass.
    pub fn pass(&self, seconds: i64) {
        assert!(self.w.target.advance_s(seconds, "webhooks"));
    }

    /// Lets the time pass minute by minute, with each minute's run.
    pub async fn minutes(&self, minutes: i64) {
        for _ in 0..minutes {
            self.pass(60);
            self.run().await;
        }
    }
}

/// Senders that send mail into memory.
pub fn senders(outbound: Arc<dyn Outbound>, mailer: &MemoryMailer) -> Senders {
    Senders {
        outbound,
        mailer: Arc::new(mailer.clone()),
        mail_from: Some("no-reply@mail.example".to_owned()),
        api_url: "https://api.example.com".to_owned(),
        pages_url: "https://pages.example.com".to_owned(),
    }
}

/// Tells the notifier what happened since the last time, and what it did thereby.
pub async fn told(inside: &Inside, senders: &Senders) -> Vec<Event> {
    let mut all = Vec::new();
    loop {
        let events = tell(inside).await;
        if events.is_empty() {
            return all;
        }
        let bodies: Vec<String> = events.iter().map(Event::to_json).collect();
        for batch in bodies.chunks(10) {
            let call = of_queue(batch.iter().map(String::as_str));
            let answer = tributary_notifier::handle(&inside.app, senders, call, &inside.app.run_id("")).await.expect("an answer");
            assert_eq!(answer, json!({"batchItemFailures": []}));
        }
        all.extend(events);
    }
}

/// Makes an endpoint.
pub async fn endpoint(api: &Api, url: &str, events: &[&str]) -> Answer {
    api.post(WEBHOOKS, json!({ "url": url, "events": events })).send().await.is(201)
}

/// An endpoint's deliveries, the newest first.
pub async fn deliveries(api: &Api, id: &str) -> Vec<Value> {
    api.get(&format!("{WEBHOOKS}/{id}/deliveries")).send().await.is(200).rows().to_vec()
}
