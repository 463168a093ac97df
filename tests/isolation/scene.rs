//! Two trees of resellers in which everything carries the name of where it stands, so that a leak is found by its text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tributary_billing::Desk;
use tributary_domain::billing::credit_note::{GivenAs, Part};
use tributary_domain::billing::cycle::{AnchorDay, Cycle};
use tributary_domain::billing::payment::{Received, Way};
use tributary_domain::delivery::{Delivery, DeliveryState, Target as To};
use tributary_domain::id::{AccountId, CreditNoteId, EventId, TransferId};
use tributary_domain::money::Micros;
use tributary_domain::text::Reference;
use tributary_store::credit_notes::NewNote;
use tributary_store::deliveries;

use crate::support::api::{Api, Target};
use crate::support::invoices::invoice;

/// Where an account stands, seen from the reseller [`Seat::Own`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seat {
    /// The reseller that everything is seen from.
    Own,
    /// Right below it.
    Child,
    /// Below that.
    Grandchild,
    /// Right below it too, with nothing under it. It was moved there from [`Seat::Sibling`].
    Leaf,
    /// Right above it.
    Parent,
    /// Above that.
    Grandparent,
    /// The top of its tree.
    Master,
    /// Another child of its parent.
    Sibling,
    /// A sibling of its parent.
    Aunt,
    /// A child of that.
    Cousin,
    /// An account of the other tree.
    Stranger,
    /// The top of the other tree.
    ItsMaster,
    /// The root of both.
    Operator,
}

impl Seat {
    /// Every seat, parents before their children within each tree but for the two moved ones.
    pub const ALL: [Seat; 13] = [
        Seat::Own,
        Seat::Child,
        Seat::Grandchild,
        Seat::Leaf,
        Seat::Parent,
        Seat::Grandparent,
        Seat::Master,
        Seat::Sibling,
        Seat::Aunt,
        Seat::Cousin,
        Seat::Stranger,
        Seat::ItsMaster,
        Seat::Operator,
    ];

    /// The seat right above.
    pub fn above(self) -> Option<Seat> {
        match self {
            Seat::Own | Seat::Sibling => Some(Seat::Parent),
            Seat::Child | Seat::Leaf => Some(Seat::Own),
            Seat::Grandchild => Some(Seat::Child),
            Seat::Parent | Seat::Aunt => Some(Seat::Grandparent),
            Seat::Grandparent => Some(Seat::Master),
            Seat::Cousin => Some(Seat::Aunt),
            Seat::Stranger => Some(Seat::ItsMaster),
            Seat::Master | Seat::ItsMaster => Some(Seat::Operator),
            Seat::Operator => None,
        }
    }

    /// Whether this is `of` or stands below it.
    pub fn within(self, of: Seat) -> bool {
        self == of || self.above().is_some_and(|above| above.within(of))
    }

    /// Its name: the head of its column, and a part of all that belongs to it.
    pub fn word(self) -> &'static str {
        match self {
            Seat::Own => "own",
            Seat::Child => "child",
            Seat::Grandchild => "grandchild",
            Seat::Leaf => "leaf",
            Seat::Parent => "parent",
            Seat::Grandparent => "grandparent",
            Seat::Master => "master",
            Seat::Sibling => "sibling",
            Seat::Aunt => "aunt",
            Seat::Cousin => "cousin",
            Seat::Stranger => "stranger",
            Seat::ItsMaster => "its-master",
            Seat::Operator => "operator",
        }
    }

    /// What every text that belongs to it begins with.
    pub fn mark(self) -> String {
        format!("zq-{}-", self.word())
    }
}

/// What stands in one seat.
#[derive(Debug, Clone, Default)]
pub struct Hand {
    /// The account.
    pub id: String,
    /// One of its keys, as a viewer.
    pub key: String,
    /// One of its people, as a viewer.
    pub member: String,
    /// One of its roles: `accounts.read`.
    pub role: String,
    /// An issue to it that can be reversed.
    pub issue: String,
    /// A transfer to its own sub-account; the leaf has none.
    pub transfer: Option<String>,
    /// A package that it sells.
    pub package: String,
    /// An open hold; the leaf has none.
    pub hold: Option<String>,
    /// The key of one of its meters.
    pub meter: String,
    /// One of its rate cards, not in force yet.
    pub card: String,
    /// One of its promotions.
    pub promotion: String,
    /// A batch of usage that its owner sent, to be counted later.
    pub batch: String,
    /// An event of its own usage; the operator has none.
    pub event: Option<String>,
    /// A file of usage that its owner asked for.
    pub export: String,
    /// One of its webhook endpoints.
    pub webhook: String,
    /// An event that was sent there.
    pub delivery: String,
    /// A bulk job that its owner asked for, and one more.
    pub job: String,
    /// Rows that its owner may upload.
    pub upload: String,
    /// One of its alerts.
    pub alert: String,
    /// What it wrote down as spent.
    pub spend: String,
    /// What waits for its next invoice; the operator, who is billed by nobody, has none, nor the next two.
    pub charge: Option<String>,
    /// One of its invoices.
    pub invoice: Option<String>,
    /// A draft of one.
    pub draft: Option<String>,
    /// A payment of another invoice, a credit note to it and a dispute of it, and one more of each.
    pub payment: Option<String>,
    /// See there.
    pub credit_note: Option<String>,
    /// See there.
    pub dispute: Option<String>,
    /// A run of billing that its owner asked for, and one more.
    pub run: Option<String>,
    /// The secret of an owner's key.
    pub owner: String,
    /// Texts that nothing but this seat has: its ids and amounts.
    own_texts: Vec<String>,
}

/// Secrets that are taken no more, or never were.
pub struct DeadKey {
    /// What is wrong with it.
    pub what: &'static str,
    /// The `Authorization` header; none is sent without one.
    pub header: Option<String>,
}

/// The world: a platform, and who sits where.
pub struct Scene {
    /// The platform.
    pub target: Target,
    /// What stands in each seat.
    pub hands: BTreeMap<Seat, Hand>,
    /// A transfer of four legs across the border of the own subtree, one of them wholly outside.
    pub crossing_transfer: String,
    /// A hold of the child whose credit would go to the parent.
    pub crossing_hold: String,
    /// Credentials that open nothing.
    pub dead: Vec<DeadKey>,
}

impl Scene {
    /// Builds it: a few hundred requests.
    pub async fn new() -> Self {
        let target = Target::in_process().await;
        let mut scene =
            Self { target, hands: BTreeMap::new(), crossing_transfer: String::new(), crossing_hold: String::new(), dead: vec![] };
        let order = [
            Seat::Operator,
            Seat::Master,
            Seat::Grandparent,
            Seat::Parent,
            Seat::Own,
            Seat::Child,
            Seat::Grandchild,
            Seat::Sibling,
            Seat::Leaf,
            Seat::Aunt,
            Seat::Cousin,
            Seat::ItsMaster,
            Seat::Stranger,
        ];
        for seat in order {
            let hand = scene.seated(seat).await;
            scene.hands.insert(seat, hand);
        }
        for seat in Seat::ALL.into_iter().filter(|seat| *seat != Seat::Operator) {
            scene.billed(seat).await;
        }
        scene.cross_the_border().await;
        scene.dead = scene.dead_keys().await;
        for seat in Seat::ALL {
            let path = format!("/reseller/credits/balance?account_id={}", scene.id(seat));
            let balance = scene.target.operator.get(&path).send().await.is(200);
            let texts = [balance.word("available").to_owned(), balance.word("held").to_owned()];
            let hand = scene.hands.get_mut(&seat).expect("seated");
            hand.own_texts.extend(texts.into_iter().filter(|amount| amount != "0.000000"));
        }
        let texts: BTreeSet<(Seat, String)> = scene.secrets_from(None).into_iter().collect();
        let different: BTreeSet<&String> = texts.iter().map(|(_, text)| text).collect();
        assert_eq!(different.len(), texts.len(), "no text is of two seats: {texts:#?}");
        scene
    }

    /// The same world once more, to be changed.
    pub fn fork(&self) -> Self {
        let dead = self.dead.iter().map(|one| DeadKey { what: one.what, header: one.header.clone() }).collect();
        let (crossing_transfer, crossing_hold) = (self.crossing_transfer.clone(), self.crossing_hold.clone());
        Self { target: self.target.fork(), hands: self.hands.clone(), crossing_transfer, crossing_hold, dead }
    }

    /// How many items were ever written.
    pub fn changes(&self) -> u64 {
        self.target.inside("isolation").expect("in this process").memory.changes()
    }

    /// What stands in a seat.
    pub fn hand(&self, seat: Seat) -> &Hand {
        &self.hands[&seat]
    }

    /// The account of a seat.
    pub fn id(&self, seat: Seat) -> &str {
        &self.hands[&seat].id
    }

    /// The API with the owner's key of a seat.
    pub fn owner(&self, seat: Seat) -> Api {
        self.target.nobody.with(&self.hand(seat).owner)
    }

    /// The API in a browser in which an owner of a seat is signed in by a link.
    pub async fn browser(&self, seat: Seat) -> Api {
        let (operator, email) = (&self.target.operator, format!("owner@{}.browser.example", seat.word()));
        let path = format!("/reseller/accounts/{}/members", self.id(seat));
        operator.post(&path, json!({ "email": email, "role": "owner" })).send().await.is(201);
        crate::flows::sessions::by_link(&self.target, &email).await
    }

    /// A new key at a seat, made by the operator: its id and the API with it.
    pub async fn key(&self, seat: Seat, role: &str) -> (String, Api) {
        let body = json!({ "name": format!("{}key", seat.mark()), "role": role });
        let key = self.make(&format!("/reseller/accounts/{}/keys", self.id(seat)), body).await;
        let api = self.target.nobody.with(key["secret"].as_str().expect("a secret"));
        (key["id"].as_str().expect("an id").to_owned(), api)
    }

    /// A custom role at a seat, made by the operator.
    pub async fn role(&self, seat: Seat, name: &str, rights: &[&str]) -> String {
        let name = format!("{}{name}", seat.mark());
        self.make(&format!("/reseller/accounts/{}/roles", self.id(seat)), json!({ "name": name, "rights": rights })).await;
        name
    }

    /// Every text that must not reach a caller at `home`: what belongs to accounts outside its subtree.
    pub fn secrets_from(&self, home: Option<Seat>) -> Vec<(Seat, String)> {
        let outside = Seat::ALL.into_iter().filter(|seat| home.is_none_or(|home| !seat.within(home)));
        outside.flat_map(|seat| self.texts_of(seat).into_iter().map(move |text| (seat, text))).collect()
    }

    fn texts_of(&self, seat: Seat) -> Vec<String> {
        let hand = self.hand(seat);
        let ids = [
            &hand.id,
            &hand.key,
            &hand.member,
            &hand.role,
            &hand.issue,
            &hand.card,
            &hand.promotion,
            &hand.export,
            &hand.webhook,
            &hand.delivery,
            &hand.job,
            &hand.alert,
            &hand.spend,
        ]
        .into_iter()
        .chain(&hand.transfer)
        .chain(&hand.hold)
        .chain(&hand.charge)
        .chain(&hand.invoice)
        .chain(&hand.draft)
        .chain(&hand.payment)
        .chain(&hand.credit_note)
        .chain(&hand.dispute)
        .chain(&hand.run);
        ids.chain(&hand.own_texts).cloned().chain([seat.mark()]).collect()
    }

    /// Makes an endpoint to which two events were sent, so that their list has a second page.
    async fn webhook(&self, seat: Seat, hand: &mut Hand) {
        let mark = seat.mark();
        let body =
            json!({ "account_id": hand.id, "url": format!("https://{mark}hook.example.com/"), "events": ["*"], "description": mark });
        hand.webhook = self.id_of("/reseller/webhooks", body).await;
        let app = &self.target.inside("isolation").expect("in this process").app;
        for _ in 0..2 {
            let (event_id, account): (EventId, AccountId) = (EventId::from_uuid(app.uuid()), hand.id.parse().expect("an id"));
            let delivery = Delivery {
                target: To::Webhook(hand.webhook.parse().expect("an id")),
                owner: account.clone(),
                event_id: event_id.clone(),
                event_type: "credit.issue".to_owned(),
                account_id: account,
                state: DeliveryState::Pending,
                tries: 0,
                attempts: Vec::new(),
                due: None,
                created_at: app.now(),
                ended_at: None,
            };
            let delivery = delivery.given_up(app.now(), &format!("{mark}why"));
            let kept = deliveries::Kept { delivery, body: format!("{{\"mark\": \"{mark}body\"}}"), lease: String::new() };
            app.store().open_delivery(kept).await.expect("kept");
            hand.delivery = event_id.to_string();
        }
    }

    /// Lets two charges wait, and makes two invoices and a draft. What a moved account's old seller bills is behind it.
    async fn billed(&mut self, seat: Seat) {
        let (id, mark) = (self.id(seat).to_owned(), seat.mark());
        let store = self.target.inside("isolation").expect("in this process").app.store().clone();
        let (account, cycle) = (id.parse().expect("an id"), Cycle::new(AnchorDay::FIRST, None));
        let mut billing = store.billing(&account).await.expect("read").expect("begun");
        while !billing.cuts.is_empty() {
            let close = billing.running(&cycle, 0).expect("not ended");
            let to = close.at_most.expect("it is cut");
            billing = billing.advance(&close, &cycle, to, billing.billed.clone(), None).expect("in range");
            assert!(store.save_billing(&billing, 0).await.expect("saved"));
        }
        let mut hand = self.hand(seat).clone();
        for _ in 0..2 {
            let charge = json!({ "account_id": id, "amount": "1", "text": format!("{mark}charge") });
            hand.charge = Some(self.id_of("/reseller/billing/charges", charge).await);
        }
        // Nobody is suspended for what is old.
        let parent = self.target.operator.get(&format!("/reseller/accounts/{id}")).send().await.is(200)["parent_id"].clone();
        let patient = json!({ "account_id": parent, "dunning": { "suspend_after_days": null, "uncollectible_after_days": null } });
        self.target.operator.put("/reseller/billing/settings", patient).send().await.is(200);
        let app = &self.target.inside("isolation").expect("in this process").app;
        for (month, draft) in [("2026-08", false), ("2026-09", false), ("2026-10", true)] {
            let made = invoice(app, &id, month, draft).await;
            if month == "2026-08" {
                self.settled(&mut hand, &made, &mark).await;
            }
            *(if draft { &mut hand.draft } else { &mut hand.invoice }) = Some(made);
        }
        self.hands.insert(seat, hand);
    }

    /// Pays, credits and disputes parts of an invoice, twice each, and asks for two runs. Nothing is collected of it.
    async fn settled(&self, hand: &mut Hand, invoice: &str, mark: &str) {
        let (owner, app) = (self.target.nobody.with(&hand.owner), &self.target.inside("isolation").expect("in this process").app);
        let desk = Desk::of(app, app.run_id(""));
        let (id, text) = (invoice.parse().expect("an id"), |what: &str| Reference::parse(&format!("{mark}{what}")).expect("a text"));
        let one: Micros = serde_json::from_value(json!("1")).expect("money");
        for _ in 0..2 {
            let received = Received { way: Way::Cash, reference: text("payment"), at: app.now() };
            let paid = app.store().pay_outside(&id, one, Some(&received), None, &|| desk.act()).await.expect("it is due");
            hand.payment = Some(paid.1.id.to_string());
            let note = NewNote {
                id: CreditNoteId::from_uuid(app.uuid()),
                transfer: TransferId::from_uuid(app.uuid()),
                given_as: GivenAs::Credit,
                reason: text("note"),
                refund_of: None,
            };
            let part = [Part { line: "usage:2026-08:sms".to_owned(), amount: one }];
            let issued = app.store().issue_credit_note(&id, &part, &note, None, &|| desk.act()).await.expect("it is due");
            hand.credit_note = Some(issued.into_inner().id.to_string());
            let lines = json!([{ "line": "usage:2026-08:sms", "amount": "1" }]);
            let dispute = json!({ "invoice_id": invoice, "lines": lines, "reason": "other", "words": format!("{mark}words") });
            hand.dispute = Some(owner.pay("/reseller/disputes", dispute).send().await.is(201).id());
            let run = json!({ "month": "2026-08", "dry_run": true });
            hand.run = Some(owner.pay("/reseller/billing/runs", run).send().await.is(202).id());
        }
    }

    async fn make(&self, path: &str, body: Value) -> Value {
        self.target.operator.pay(path, body).send().await.is(201).json
    }

    async fn id_of(&self, path: &str, body: Value) -> String {
        self.make(path, body).await["id"].as_str().expect("an id").to_owned()
    }

    /// Makes an account in a seat with one of everything, each named after the seat, each amount used once.
    async fn seated(&self, seat: Seat) -> Hand {
        let (mark, nth) = (seat.mark(), self.hands.len());
        let marked = |what: &str| format!("{mark}{what}");
        let details = json!({ "name": marked("account"), "email": format!("{mark}mail@x.example"), "tags": { "mark": marked("tag") } });
        let id = self.account(seat, details).await;
        let at = |what: &str| format!("/reseller/accounts/{id}/{what}");
        // Neither an amount nor the balance that they make is another seat's too.
        let amount = |units: usize| format!("{units}.{:06}", 100_003 + nth * (1_117 + 7 * units) + units);
        let issue = |units: usize| json!({ "account_id": id, "amount": amount(units), "reference": marked("issue") });
        self.make("/reseller/credits/issue", issue(7_000)).await;
        let key = |role: &str| json!({ "name": marked("key"), "role": role });
        let mut hand = Hand {
            key: self.id_of(&at("keys"), key("viewer")).await,
            member: self
                .id_of(&at("members"), json!({ "email": format!("{mark}member@x.example"), "name": marked("member"), "role": "viewer" }))
                .await,
            role: self.id_of(&at("roles"), json!({ "name": marked("role"), "rights": ["accounts.read"] })).await,
            issue: self.id_of("/reseller/credits/issue", issue(2)).await,
            // A seller's packages are its buyers' to see, so it is named after nobody.
            package: self
                .id_of("/reseller/pricing/packages", json!({ "seller_id": id, "name": "Package", "credits": "1", "price": "1" }))
                .await,
            owner: self.make(&at("keys"), key("owner")).await["secret"].as_str().expect("a secret").to_owned(),
            id: id.clone(),
            ..Hand::default()
        };
        self.price(seat, &mut hand).await;
        // Two, so that their list has a second page.
        for format in ["csv", "jsonl"] {
            let asked = json!({ "format": format, "from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z" });
            let owner = self.target.nobody.with(&hand.owner);
            hand.export = owner.post("/reseller/usage/export", asked).send().await.is(202).id();
        }
        self.webhook(seat, &mut hand).await;
        // Two, so that their list has a second page.
        for threshold in [5, 6] {
            let rule = json!({ "account_id": id, "metric": "balance", "threshold": amount(threshold) });
            hand.alert = self.id_of("/reseller/alerts", rule).await;
        }
        // Two, so that their list has a second page.
        for amount in [amount(5), amount(6)] {
            let spent = json!({ "channel": "search", "month": "2026-10", "amount": amount });
            let owner = self.target.nobody.with(&hand.owner);
            hand.spend = owner.post("/reseller/insights/spend", spent).send().await.is(201).id();
        }
        let mut texts = vec![amount(5), amount(6)];
        if seat != Seat::Operator {
            let topup = json!({ "account_id": id, "threshold": amount(8), "amount": amount(9), "source": "parent" });
            self.target.operator.put("/reseller/credits/auto-topup", topup).send().await.is(200);
            texts.extend([amount(8), amount(9)]);
        }
        if seat != Seat::Leaf {
            let till = self.id_of("/reseller/accounts/create", json!({ "name": marked("till"), "parent_id": id })).await;
            let transfer = json!({ "from": id, "to": till, "amount": amount(3), "reference": marked("transfer") });
            let hold = json!({ "account_id": id, "amount": amount(4), "reference": marked("hold") });
            hand.transfer = Some(self.id_of("/reseller/credits/transfer", transfer).await);
            hand.hold = Some(self.id_of("/reseller/credits/holds", hold).await);
            texts.extend([till, amount(3), amount(4)]);
        }
        hand.own_texts = texts;
        hand
    }

    /// Gives an account two of everything that prices are made of. Whoever is below it is shown its meters.
    async fn price(&self, seat: Seat, hand: &mut Hand) {
        let (id, in_s) = (hand.id.clone(), |seconds: i64| self.target.time_in_s(seconds));
        let meter = |key: &str| json!({ "account_id": id, "key": key, "name": "M", "unit": "x", "aggregation": "sum" });
        let card = |meter: &str, seconds: i64| {
            let model = json!({ "type": "flat", "unit_price": "0.05" });
            json!({ "seller_id": id, "meter": meter, "model": model, "effective_from": in_s(seconds) })
        };
        let (meters, cards) = ("/reseller/pricing/meters", "/reseller/pricing/rate-cards");
        if seat == Seat::Operator {
            let all = json!({ "name": "All", "ends_at": "2099-01-01T00:00:00Z", "percent": "1", "code": "all" });
            self.make("/reseller/pricing/promotions", all).await;
            self.target.operator.post(meters, meter("calls")).send().await.is(201);
            self.make(cards, card("calls", -3600)).await;
        }
        hand.meter = format!("calls-{}", seat.word());
        self.target.operator.post(meters, meter(&hand.meter)).send().await.is(201);
        hand.card = self.id_of(cards, card(&hand.meter, 3600)).await;
        self.make(cards, card(&hand.meter, 7200)).await;
        for of in [json!(null), json!(hand.meter)] {
            self.make("/reseller/pricing/markups", json!({ "seller_id": id, "meter": of, "percent": "1" })).await;
            let name = format!("{}promotion", seat.mark());
            let promotion =
                json!({ "seller_id": id, "name": name, "ends_at": "2099-01-01T00:00:00Z", "percent": "1", "meters": [hand.meter] });
            hand.promotion = self.id_of("/reseller/pricing/promotions", promotion).await;
        }
        let later = self.target.nobody.with(&hand.owner).post("/reseller/usage/events/async", json!({ "events": [{}] }));
        hand.batch = later.send().await.is(202).id();
        let owner = self.target.nobody.with(&hand.owner);
        for _ in 0..2 {
            let rows = json!({ "rows": [{ "account_id": "acc_01hx3v9k2mfd8bq5r7w1z4n6ty", "amount": "1" }] });
            hand.job = owner.pay("/reseller/bulk/credits", rows).send().await.is(202).id();
        }
        let upload = owner.post("/reseller/bulk/uploads", json!({ "format": "csv", "bytes": 1 })).send().await.is(201);
        hand.upload = upload.word("upload_id").to_owned();
        if seat != Seat::Operator {
            let id = format!("{}event", seat.mark());
            // It costs nothing, so that each balance stays what nobody else has.
            let event = json!({ "id": id, "account_id": hand.id, "meter": "calls", "quantity": 0, "occurred_at": in_s(0) });
            let sent = self.target.operator.post("/reseller/usage/events", json!({ "events": [event] })).send().await.is(200);
            assert_eq!(sent["accepted"], 1, "{}", sent.text);
            hand.event = Some(id);
        }
    }

    async fn account(&self, seat: Seat, details: Value) -> String {
        let operator = &self.target.operator;
        let Some(above) = seat.above() else {
            let me = operator.get("/reseller/accounts").send().await.is(200);
            assert!(me.rows().is_empty(), "the operator is made first");
            let key = operator.get("/reseller/credits/balance").send().await.is(200);
            let id = key.word("account_id").to_owned();
            operator.put(&format!("/reseller/accounts/{id}"), details).send().await.is(200);
            return id;
        };
        let parent = if seat == Seat::Leaf { Seat::Sibling } else { above };
        let mut body = details;
        body["kind"] = json!("reseller");
        body["external_id"] = json!(format!("{}external", seat.mark()));
        body["parent_id"] = json!(self.id(parent));
        let id = self.id_of("/reseller/accounts/create", body).await;
        if seat == Seat::Leaf {
            operator.post(&format!("/reseller/accounts/{id}/move"), json!({ "parent_id": self.id(above) })).send().await.is(200);
        }
        id
    }

    async fn cross_the_border(&mut self) {
        let leg = |from, to, amount: &str| json!({ "from": self.id(from), "to": self.id(to), "amount": amount });
        let legs = json!({ "reference": "crossing", "legs": [
            leg(Seat::Parent, Seat::Child, "2.5"),
            leg(Seat::Parent, Seat::Sibling, "3.911111"),
            leg(Seat::Child, Seat::Leaf, "1"),
        ] });
        self.crossing_transfer = self.id_of("/reseller/credits/transfers", legs).await;
        let hold = json!({ "account_id": self.id(Seat::Child), "to": self.id(Seat::Parent), "amount": "1", "reference": "crossing" });
        self.crossing_hold = self.id_of("/reseller/credits/holds", hold).await;
        self.hands.get_mut(&Seat::Sibling).expect("seated").own_texts.push("3.911111".to_owned());
    }

    /// Keys of the own account that were revoked, replaced and outlived, of a closed account, and what never was a key.
    async fn dead_keys(&self) -> Vec<DeadKey> {
        let (operator, keys) = (&self.target.operator, format!("/reseller/accounts/{}/keys", self.id(Seat::Own)));
        let (revoked, revoked_api) = self.key(Seat::Own, "owner").await;
        operator.delete(&format!("{keys}/{revoked}")).send().await.is(200);
        let (rotated, at_once) = self.key(Seat::Own, "owner").await;
        operator.post(&format!("{keys}/{rotated}/rotate"), json!({ "overlap_s": 0 })).send().await.is(200);
        let (rotated, in_a_while) = self.key(Seat::Own, "owner").await;
        operator.post(&format!("{keys}/{rotated}/rotate"), json!({ "overlap_s": 60 })).send().await.is(200);
        let expires = json!({ "name": "zq-own-key", "role": "owner", "expires_at": self.target.time_in_s(60) });
        let expired = self.make(&keys, expires).await["secret"].as_str().expect("a secret").to_owned();
        assert!(self.target.advance_s(60, "a key's end"));
        let closed = json!({ "name": "zq-parent-closed", "parent_id": self.id(Seat::Parent) });
        let closed = self.id_of("/reseller/accounts/create", closed).await;
        let closed_key = self.make(&format!("/reseller/accounts/{closed}/keys"), json!({ "name": "K", "role": "owner" })).await;
        operator.pay(&format!("/reseller/accounts/{closed}/close"), json!({})).send().await.is(200);
        let elsewhere = Target::in_process().await;
        let live = self.hand(Seat::Own).owner.as_str();
        let (body, check) = live.split_at(live.len() - 1);
        let one_off = format!("{body}{}", if check == "0" { "1" } else { "0" });
        let bearer = |secret: &str| Some(format!("Bearer {secret}"));
        let dead = |what, header| DeadKey { what, header };
        vec![
            dead("no key", None),
            dead("no scheme", Some(live.to_owned())),
            dead("another scheme", Some(format!("Basic {live}"))),
            dead("an id for a key", bearer(&self.hand(Seat::Own).key)),
            dead("garbage", bearer("garbage")),
            dead("a wrong checksum", bearer(&one_off)),
            dead("another platform's key", bearer(elsewhere.operator.secret())),
            dead("a revoked key", bearer(revoked_api.secret())),
            dead("a key replaced at once", bearer(at_once.secret())),
            dead("a key replaced a while ago", bearer(in_a_while.secret())),
            dead("a key whose time is over", bearer(&expired)),
            dead("a closed account's key", bearer(closed_key["secret"].as_str().expect("a secret"))),
        ]
    }
}
