//! Each endpoint: where an id can be given, what it takes to pass, and what stands in the way of the request itself.

use serde_json::{Value, json};

use super::scene::Seat;

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An account.
    Account,
    /// The key of an account.
    Key,
    /// The member of an account.
    Member,
    /// The role of an account.
    Role,
    /// A transfer between an account and one below it.
    Transfer,
    /// An issue to an account.
    Issue,
    /// A hold of an account.
    Hold,
    /// A package that an account sells.
    Package,
    /// An event of an account's usage.
    Event,
    /// A batch of usage that an account's key sent, to be counted later.
    Batch,
    /// The key of an account's meter.
    Meter,
    /// A rate card of an account, not in force yet.
    Card,
    /// A promotion of an account.
    Promotion,
    /// A file of usage that an account asked for.
    Export,
    /// A webhook endpoint of an account.
    Webhook,
    /// An event that was sent to an account's endpoint.
    Delivery,
    /// A bulk job that an account asked for, and pays for.
    Job,
    /// Rows that an account was given an address for.
    Upload,
    /// An alert of an account.
    Alert,
    /// What an account wrote down as spent.
    Spend,
    /// A charge that waits for an account's next invoice.
    Charge,
    /// An invoice that an account was sent.
    Invoice,
    /// A draft of one.
    Draft,
    /// A payment of one of an account's invoices.
    Payment,
    /// A credit note to an account.
    CreditNote,
    /// A dispute of one of an account's invoices.
    Dispute,
    /// A run of billing that an account asked for.
    Run,
    /// A card; nobody has one.
    PaymentMethod,
    /// A test clock: there is none.
    Clock,
    /// A cursor that an account was given for the same list.
    Cursor,
}

/// What stands in a place while another place is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usual {
    /// What belongs to this seat.
    Seat(Seat),
    /// What belongs to the seat that `{id}` is given.
    SameAsId,
    /// Nothing, which stands for the caller's own account.
    Home,
    /// Nothing, and it means nothing.
    Nothing,
}

/// A place of a request where an id can be given: `{id}` of the path, `?account_id` of the query, `/legs/0/from` of the
/// body.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Where.
    pub name: &'static str,
    /// An id of what.
    pub what: What,
    /// What is there otherwise.
    pub usual: Usual,
}

/// One condition of a request, each looked at after the one before.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The two places name different accounts: 422 `same_account`.
    Differ(&'static str, &'static str),
    /// The cursor was given to the caller's account: else 400 `invalid_cursor`.
    Cursor(&'static str),
    /// The right is held at the account: else 404 outside of the subtree, 403 `forbidden` within.
    Over(&'static str, &'static str),
    /// None of these rights is denied at the account or above it: else 403.
    NotHidden(&'static str, &'static [&'static str]),
    /// The same, and at the account above it too, which is the caller's own or below it.
    FromAbove(&'static str, &'static str),
    /// The right is held at all of these accounts: 404 if one is outside, else 403.
    OverAll(&'static [&'static str], &'static str),
    /// The right is held at one of the accounts: 404 if all are outside, else 403.
    OverAny(&'static str, &'static str),
    /// The key, member or role of the first place belongs to the account of the second: else 404.
    Of(&'static str, &'static str),
    /// The key or member of the first place belongs to the account of the second, or to one above it that is the caller's
    /// own or below it: else 404.
    OfOrAbove(&'static str, &'static str),
    /// The account of the first place is that of the second, or below it: else 404.
    Below(&'static str, &'static str),
    /// The package of the first place is sold by the parent of the account of the second: else 404; the operator's account, which
    /// has none, is answered 409 `conflict`.
    SoldTo(&'static str, &'static str),
    /// The account of the first place, if it is given, is a direct sub-account of the second's: else 422 `not_a_buyer`.
    Buys(&'static str, &'static str),
    /// The account of the first place, if it is given, stands below the second's: else 422 `not_a_buyer`.
    Under(&'static str, &'static str),
    /// What is in the place is billed by somebody: the operator's account is not, 422 `not_a_buyer`.
    Billed(&'static str),
    /// Nothing is given in the place: else 404, since what is asked for is elsewhere.
    Nothing(&'static str),
    /// The right is held at the caller's own account: else 403.
    Home(&'static str),
    /// What is in the place is the very account's that the key is of: else 404.
    AskedBy(&'static str),
    /// What is in the place is of the caller's very own account: else 403, also to who stands above it.
    Own(&'static str),
    /// There is no such thing: 404.
    Absent,
    /// The state of what is there does not allow it: 409 `conflict`.
    Conflict,
    /// Only keys of the operator.
    Operators(&'static str),
    /// What is given away is held: else 403 `grant_exceeds_own`.
    Grants(&'static [&'static str]),
}

/// A request of one endpoint, with its places.
#[derive(Debug, Clone)]
pub struct Row {
    /// The endpoint.
    pub operation: &'static str,
    /// Which of several requests of the endpoint; empty for the plain one.
    pub variant: &'static str,
    /// The right that decides.
    pub right: &'static str,
    /// The rights that are needed beside it.
    pub and: &'static [&'static str],
    /// The rights that nobody needs to hold, but of which a deny at an account hides it.
    pub hidden_by: &'static [&'static str],
    /// Its places.
    pub places: Vec<Place>,
    /// Its conditions, in order.
    pub steps: Vec<Step>,
    /// What stands in its query beside the places.
    pub query: &'static str,
    /// Its body, without what the places put there.
    pub body: Value,
}

/// The rights of a viewer, which is what the keys and members of the scene hold, and are given.
const VIEWER: &[&str] = &[
    "accounts.read",
    "credits.read",
    "pricing.read",
    "billing.read",
    "usage.read",
    "alerts.read",
    "bulk.read",
    "insights.read",
    "webhooks.read",
    "keys.read",
    "members.read",
    "roles.read",
];
/// The rights of the roles of the scene.
const READER: &[&str] = &["accounts.read"];

fn row(operation: &'static str, right: &'static str) -> Row {
    Row { operation, variant: "", right, and: &[], hidden_by: &[], places: vec![], steps: vec![], query: "", body: Value::Null }
}

impl Row {
    fn variant(mut self, variant: &'static str) -> Self {
        self.variant = variant;
        self
    }

    fn and(mut self, rights: &'static [&'static str]) -> Self {
        self.and = rights;
        self
    }

    fn place(mut self, name: &'static str, what: What, usual: Usual) -> Self {
        self.places.push(Place { name, what, usual });
        self
    }

    fn account(self, name: &'static str, usual: Usual) -> Self {
        self.place(name, What::Account, usual)
    }

    /// An account in the path, usually the child.
    fn at(self) -> Self {
        self.account("{id}", Usual::Seat(Seat::Child))
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The account of a place is hidden from who is denied what insights show of it.
    fn hidden(mut self, place: &'static str) -> Self {
        const SHOWN_BY: &[&str] = &["accounts.read", "credits.read", "usage.read"];
        self.hidden_by = SHOWN_BY;
        self.step(Step::NotHidden(place, SHOWN_BY))
    }

    /// The right over the account of a place.
    fn over(self, place: &'static str) -> Self {
        let right = self.right;
        self.step(Step::Over(place, right))
    }

    fn over_and_above(self, place: &'static str) -> Self {
        let right = self.right;
        self.step(Step::FromAbove(place, right))
    }

    fn over_all(self, places: &'static [&'static str]) -> Self {
        let right = self.right;
        self.step(Step::OverAll(places, right))
    }

    fn grants(self, rights: &'static [&'static str]) -> Self {
        self.and(rights).step(Step::Grants(rights))
    }

    /// A cursor, looked at before anything else.
    fn paged(self) -> Self {
        self.place("?cursor", What::Cursor, Usual::Nothing).step(Step::Cursor("?cursor"))
    }

    fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    /// A seller, the caller's own account unless another is named, and one direct sub-account that may be named.
    fn sale(self, seller: &'static str, account: &'static str) -> Self {
        let right = self.right;
        let row = self.account(seller, Usual::Home).account(account, Usual::Nothing).over(seller);
        row.step(Step::Over(account, right)).step(Step::Buys(account, seller))
    }

    fn body(mut self, body: Value) -> Self {
        self.body = body;
        self
    }
}

/// Every request whose isolation is tried.
pub fn rows() -> Vec<Row> {
    [
        accounts(),
        keys(),
        members(),
        roles(),
        movements(),
        credit_reads(),
        holds(),
        books(),
        promotions(),
        prices(),
        packages(),
        usage(),
        usage_reports(),
        webhooks(),
        bulk(),
        topups(),
        alerts(),
        insights(),
        billing(),
        payments(),
        clocks(),
        disputes(),
    ]
    .concat()
}

fn accounts() -> Vec<Row> {
    let create = || row("create_account", "accounts.create").account("/parent_id", Usual::Home).over("/parent_id");
    let update = |right| row("update_account", right).at();
    let permissions = |place| {
        row("get_permissions", "accounts.read")
            .and(&["members.read"])
            .account("{id}", Usual::Seat(Seat::Grandchild))
            .over("{id}")
            .step(Step::Over("{id}", "members.read"))
            .step(Step::OfOrAbove(place, "{id}"))
    };
    vec![
        create()
            .account("/clone_from", Usual::Nothing)
            .and(READER)
            .step(Step::Over("/clone_from", "accounts.read"))
            .body(json!({ "name": "New" })),
        create()
            .variant("initial_credits")
            .and(&["credits.allocate"])
            .step(Step::Over("/parent_id", "credits.allocate"))
            .body(json!({ "name": "New", "initial_credits": "1" })),
        create()
            .variant("credit_limit")
            .and(&["credits.limit"])
            .step(Step::Over("/parent_id", "credits.limit"))
            .body(json!({ "name": "New", "credit_limit": "1" })),
        row("list_accounts", "accounts.read").paged().account("?parent_id", Usual::Home).over("?parent_id"),
        row("get_account", "accounts.read").at().over("{id}"),
        update("accounts.update").over("{id}").body(json!({ "name": "Renamed" })),
        update("credits.limit").variant("credit_limit").over_and_above("{id}").body(json!({ "credit_limit": "1" })),
        row("suspend_account", "accounts.suspend").at().over_and_above("{id}"),
        row("reactivate_account", "accounts.suspend").at().over_and_above("{id}"),
        row("close_account", "accounts.close")
            .account("{id}", Usual::Seat(Seat::Leaf))
            .over_and_above("{id}")
            .body(json!({ "sweep_to_parent": true })),
        row("move_account", "accounts.move")
            .account("{id}", Usual::Seat(Seat::Leaf))
            .account("/parent_id", Usual::Seat(Seat::Leaf))
            .over_and_above("{id}")
            .over("/parent_id")
            .body(json!({})),
        row("get_brand", "accounts.read").at().over("{id}"),
        row("update_brand", "accounts.update").at().over("{id}").body(json!({ "color": "#0a7c3f" })),
        row("set_brand_logo", "accounts.update").at().over("{id}").body(json!({ "image": crate::golden::LOGO })),
        row("remove_brand_logo", "accounts.update").at().over("{id}"),
        row("set_brand_slug", "accounts.update").at().over("{id}").body(json!({ "slug": "corner" })),
        row("free_brand_slug", "accounts.update").at().over("{id}"),
        row("claim_brand_host", "accounts.update").at().over("{id}").body(json!({ "host": "portal.corner.example" })),
        row("verify_brand_host", "accounts.update").at().over("{id}").step(Step::Conflict),
        row("detach_brand_host", "accounts.update").at().over("{id}"),
        row("preview_brand", "accounts.read").at().over("{id}").body(json!({ "color": "#0a7c3f" })),
        row("get_relationships", "accounts.read").paged().account("{id}", Usual::Seat(Seat::Own)).over("{id}"),
        row("get_permissions", "accounts.read").at().over("{id}"),
        permissions("?key_id").variant("of a key").place("?key_id", What::Key, Usual::Seat(Seat::Child)),
        permissions("?member_id").variant("of a member").place("?member_id", What::Member, Usual::Seat(Seat::Child)),
    ]
}

fn keys() -> Vec<Row> {
    let key = |operation| {
        row(operation, "keys.manage").at().place("{key_id}", What::Key, Usual::SameAsId).over("{id}").step(Step::Of("{key_id}", "{id}"))
    };
    let deny = |operation| {
        key(operation)
            .grants(VIEWER)
            .account("{account_id}", Usual::SameAsId)
            .over("{account_id}")
            .step(Step::Below("{account_id}", "{id}"))
    };
    vec![
        row("create_key", "keys.manage").at().over("{id}").grants(VIEWER).body(json!({ "name": "K", "role": "viewer" })),
        row("list_keys", "keys.read").paged().account("{id}", Usual::Seat(Seat::Own)).over("{id}"),
        key("rotate_key").grants(VIEWER),
        key("revoke_key").grants(VIEWER),
        deny("deny_key").body(json!({ "rights": ["accounts.read"] })),
        deny("lift_key_deny"),
    ]
}

fn members() -> Vec<Row> {
    let member = |operation| {
        let row = row(operation, "members.manage").at().place("{member_id}", What::Member, Usual::SameAsId);
        row.over("{id}").step(Step::Of("{member_id}", "{id}")).grants(VIEWER)
    };
    let deny = |operation| {
        member(operation).account("{account_id}", Usual::SameAsId).over("{account_id}").step(Step::Below("{account_id}", "{id}"))
    };
    vec![
        row("add_member", "members.manage").at().over("{id}").grants(VIEWER).body(json!({ "email": "new@x.example", "role": "viewer" })),
        row("list_members", "members.read").paged().account("{id}", Usual::Seat(Seat::Own)).over("{id}"),
        member("update_member").body(json!({ "role": "viewer" })),
        member("remove_member"),
        deny("deny_member").body(json!({ "rights": ["accounts.read"] })),
        deny("lift_member_deny"),
    ]
}

fn roles() -> Vec<Row> {
    let role = |operation| {
        let row = row(operation, "roles.manage").at().place("{role_id}", What::Role, Usual::SameAsId);
        row.over("{id}").step(Step::Of("{role_id}", "{id}")).grants(READER)
    };
    vec![
        row("create_role", "roles.manage").at().over("{id}").grants(READER).body(json!({ "name": "second", "rights": READER })),
        row("list_roles", "roles.read").paged().account("{id}", Usual::Seat(Seat::Own)).over("{id}"),
        role("update_role").body(json!({ "rights": READER })),
        role("delete_role"),
    ]
}

fn movements() -> Vec<Row> {
    let (child, leaf, grandchild) = (Usual::Seat(Seat::Child), Usual::Seat(Seat::Leaf), Usual::Seat(Seat::Grandchild));
    vec![
        row("issue_credits", "credits.issue").account("/account_id", child).over_all(&["/account_id"]).body(json!({ "amount": "1" })),
        row("allocate_credits", "credits.allocate")
            .account("/account_id", grandchild)
            .account("/from", Usual::Home)
            .over_all(&["/account_id", "/from"])
            .body(json!({ "amount": "1" })),
        row("transfer_credits", "credits.transfer")
            .account("/from", child)
            .account("/to", leaf)
            .over_all(&["/from", "/to"])
            .body(json!({ "amount": "1" })),
        row("transfer_credits_legs", "credits.transfer")
            .account("/legs/0/from", child)
            .account("/legs/0/to", leaf)
            .account("/legs/1/from", leaf)
            .account("/legs/1/to", child)
            .over_all(&["/legs/0/from", "/legs/0/to", "/legs/1/from", "/legs/1/to"])
            .body(json!({ "legs": [{ "amount": "1" }, { "amount": "1" }] })),
        row("get_transfer", "credits.read").place("{id}", What::Transfer, child).step(Step::OverAny("{id}", "credits.read")),
        row("reverse_transfer", "credits.reverse").place("{id}", What::Transfer, child).over_all(&["{id}"]),
        row("reverse_transfer", "credits.reverse")
            .variant("of an issue")
            .and(&["credits.issue"])
            .place("{id}", What::Issue, child)
            .over_all(&["{id}"])
            .step(Step::Over("{id}", "credits.issue")),
    ]
}

fn credit_reads() -> Vec<Row> {
    vec![
        row("get_balance", "credits.read").account("?account_id", Usual::Home).over("?account_id"),
        row("get_history", "credits.read").paged().account("?account_id", Usual::Home).over("?account_id"),
    ]
}

fn holds() -> Vec<Row> {
    let child = Usual::Seat(Seat::Child);
    vec![
        row("create_hold", "credits.hold")
            .step(Step::Differ("/account_id", "/to"))
            .account("/account_id", child)
            .account("/to", Usual::Nothing)
            .over_all(&["/account_id", "/to"])
            .body(json!({ "amount": "1" })),
        row("list_holds", "credits.read").paged().account("?account_id", Usual::Home).over("?account_id"),
        row("get_hold", "credits.read").place("{id}", What::Hold, child).over("{id}"),
        row("capture_hold", "credits.hold").place("{id}", What::Hold, child).over_all(&["{id}"]),
        row("release_hold", "credits.hold").place("{id}", What::Hold, child).over("{id}"),
    ]
}

fn usage() -> Vec<Row> {
    let event = |operation, right, account| {
        let row = row(operation, right).place("{id}", What::Event, Usual::Seat(Seat::Child)).account(account, Usual::SameAsId);
        row.over(account).step(Step::Of("{id}", account))
    };
    vec![
        // Whose usage an event is, is answered event by event: see tests/flows/usage.rs.
        row("record_usage", "usage.write").body(json!({ "events": [{}] })),
        row("queue_usage", "usage.write").body(json!({ "events": [{}] })),
        row("get_usage_batch", "usage.read").place("{id}", What::Batch, Usual::Seat(Seat::Child)).over("{id}"),
        event("explain_usage", "usage.read", "?account_id"),
        event("void_usage", "usage.adjust", "/account_id").body(json!({})),
        event("correct_usage", "usage.adjust", "/account_id").body(json!({ "quantity": "0" })),
    ]
}

fn packages() -> Vec<Row> {
    let child = Usual::Seat(Seat::Child);
    let seller = |operation| row(operation, "pricing.manage").account("/seller_id", Usual::Home).over("/seller_id");
    vec![
        seller("create_package").body(json!({ "name": "New", "credits": "1", "price": "1" })),
        seller("put_bulk_discounts").body(json!({ "bands": [] })),
        row("retire_package", "pricing.manage")
            .account("/seller_id", child)
            .place("{id}", What::Package, child)
            .over("/seller_id")
            .step(Step::Of("{id}", "/seller_id"))
            .body(json!({})),
        row("list_packages", "pricing.read").account("?seller_id", Usual::Home).over("?seller_id"),
        row("list_packages", "pricing.read").variant("for a buyer").account("?account_id", child).over("?account_id"),
        row("quote_packages", "pricing.read").account("/account_id", child).over("/account_id").body(json!({ "credits": "1" })),
        row("purchase_credits", "credits.purchase")
            .account("/account_id", child)
            .place("/package_id", What::Package, Usual::Seat(Seat::Own))
            .over("/account_id")
            .step(Step::SoldTo("/package_id", "/account_id"))
            .body(json!({})),
        row("get_lots", "credits.read").account("?account_id", Usual::Home).over("?account_id"),
    ]
}

fn flat() -> Value {
    json!({ "type": "flat", "unit_price": "1000" })
}

fn books() -> Vec<Row> {
    let child = Usual::Seat(Seat::Child);
    vec![
        row("create_meter", "pricing.manage").account("/account_id", Usual::Home).over("/account_id").body(json!({
            "key": "new-meter", "name": "New", "unit": "x", "aggregation": "sum"
        })),
        row("list_meters", "pricing.read").paged().account("?account_id", Usual::Home).over("?account_id"),
        row("update_meter", "pricing.manage")
            .place("{key}", What::Meter, child)
            .account("/account_id", child)
            .over("/account_id")
            .step(Step::Of("{key}", "/account_id"))
            .body(json!({ "name": "Renamed" })),
        row("get_tiers", "pricing.read").account("?account_id", Usual::Home).over("?account_id"),
        row("put_tiers", "pricing.manage").account("/account_id", Usual::Home).over("/account_id").body(json!({ "tiers": [] })),
        row("create_rate_card", "pricing.manage").sale("/seller_id", "/account_id").body(json!({ "meter": "calls", "model": flat() })),
        row("list_rate_cards", "pricing.read").paged().sale("?seller_id", "?account_id"),
        row("withdraw_rate_card", "pricing.manage")
            .place("{id}", What::Card, child)
            .account("?seller_id", Usual::SameAsId)
            .account("?account_id", Usual::Nothing)
            .over("?seller_id")
            .step(Step::Over("?account_id", "pricing.manage"))
            .step(Step::Buys("?account_id", "?seller_id"))
            .step(Step::Nothing("?account_id"))
            .step(Step::Of("{id}", "?seller_id")),
        row("create_markup", "pricing.manage").sale("/seller_id", "/account_id").body(json!({ "meter": "calls", "percent": "10" })),
        row("list_markups", "pricing.read").paged().sale("?seller_id", "?account_id"),
    ]
}

fn promotions() -> Vec<Row> {
    vec![
        row("create_promotion", "pricing.manage")
            .account("/seller_id", Usual::Home)
            .account("/account_id", Usual::Nothing)
            .over("/seller_id")
            .step(Step::Over("/account_id", "pricing.manage"))
            .step(Step::Under("/account_id", "/seller_id"))
            .body(json!({ "name": "New", "ends_at": "2099-01-01T00:00:00Z", "percent": "10" })),
        row("list_promotions", "pricing.read").paged().account("?seller_id", Usual::Home).over("?seller_id"),
        row("end_promotion", "pricing.manage")
            .place("{id}", What::Promotion, Usual::Seat(Seat::Child))
            .account("/seller_id", Usual::SameAsId)
            .over("/seller_id")
            .step(Step::Of("{id}", "/seller_id"))
            .body(json!({})),
        row("redeem_promotion", "pricing.manage").account("/account_id", Usual::Home).over("/account_id").body(json!({ "code": "all" })),
    ]
}

fn prices() -> Vec<Row> {
    vec![
        row("quote_price", "pricing.read")
            .account("/account_id", Usual::Home)
            .over("/account_id")
            .body(json!({ "meter": "calls", "quantity": "10" })),
        row("resolve_price", "pricing.read").query("meter=calls").account("?account_id", Usual::Home).over("?account_id"),
        row("price_what_if", "pricing.read")
            .variant("of a card")
            .sale("/seller_id", "/card/account_id")
            .body(json!({ "month": "2026-11", "card": { "meter": "calls", "model": flat() } })),
        row("price_what_if", "pricing.read")
            .variant("of a markup")
            .sale("/seller_id", "/markup/account_id")
            .body(json!({ "month": "2026-11", "markup": { "percent": "10" } })),
    ]
}

fn bulk() -> Vec<Row> {
    let uploaded = |operation, body: Value| {
        let row = row(operation, "bulk.manage").variant("of an upload").place("/upload_id", What::Upload, Usual::Seat(Seat::Own));
        row.step(Step::Home("bulk.manage")).body(body)
    };
    let job = |operation, right| row(operation, right).place("{id}", What::Job, Usual::Seat(Seat::Own)).over("{id}");
    let steered = |operation| job(operation, "bulk.manage").body(json!({}));
    let allocating = |operation| steered(operation).and(&["credits.allocate"]).step(Step::Over("{id}", "credits.allocate"));
    vec![
        row("bulk_credits", "bulk.manage")
            .and(&["credits.allocate"])
            .account("/from", Usual::Home)
            .step(Step::Over("/from", "credits.allocate"))
            .step(Step::Home("bulk.manage"))
            .body(json!({ "rows": [{ "account_id": "acc_01hx3v9k2mfd8bq5r7w1z4n6ty", "amount": "1" }] })),
        uploaded("bulk_credits", json!({})).and(&["credits.allocate"]).step(Step::Home("credits.allocate")),
        uploaded("bulk_accounts", json!({})),
        uploaded("bulk_updates", json!({})),
        uploaded("bulk_notifications", json!({ "subject": "S", "text": "T" })),
        row("upload_bulk_rows", "bulk.manage").step(Step::Home("bulk.manage")).body(json!({ "format": "csv", "bytes": 1 })),
        row("list_bulk_jobs", "bulk.read").paged().step(Step::Home("bulk.read")),
        job("get_bulk_job", "bulk.read"),
        row("list_bulk_rows", "bulk.read").paged().place("{id}", What::Job, Usual::Seat(Seat::Own)).over("{id}"),
        job("get_bulk_result", "bulk.read").step(Step::Conflict),
        allocating("apply_bulk_job"),
        steered("pause_bulk_job"),
        allocating("resume_bulk_job"),
        steered("cancel_bulk_job"),
        allocating("retry_bulk_job").step(Step::Conflict),
        steered("undo_bulk_job").and(&["credits.reverse"]).step(Step::Over("{id}", "credits.reverse")).step(Step::Conflict),
    ]
}

fn usage_reports() -> Vec<Row> {
    let month = json!({ "format": "csv", "from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z" });
    vec![
        row("report_usage", "usage.read").paged().account("?account_id", Usual::Home).over("?account_id"),
        row("report_usage", "usage.read")
            .variant("of a subtree")
            .query("subtree=true&group_by=account")
            .account("?account_id", Usual::Home)
            .over("?account_id"),
        row("summarise_usage", "usage.read").account("?account_id", Usual::Home).over("?account_id"),
        row("forecast_usage", "usage.read").account("?account_id", Usual::Home).over("?account_id"),
        row("forecast_usage", "usage.read")
            .variant("of a meter")
            .query("meter=calls&horizon_days=7")
            .account("?account_id", Usual::Home)
            .over("?account_id"),
        row("export_usage", "usage.read").account("/account_id", Usual::Home).over("/account_id").body(month),
        row("list_usage_exports", "usage.read").paged().step(Step::Home("usage.read")),
        row("get_usage_export", "usage.read").place("{id}", What::Export, Usual::Seat(Seat::Own)).step(Step::AskedBy("{id}")).over("{id}"),
    ]
}

fn webhooks() -> Vec<Row> {
    let of = |operation, right| {
        let row = row(operation, right).place("{id}", What::Webhook, Usual::Seat(Seat::Own)).account("?account_id", Usual::Seat(Seat::Own));
        row.over("?account_id").step(Step::Of("{id}", "?account_id"))
    };
    let (read, manage) = ("webhooks.read", "webhooks.manage");
    let endpoint = || json!({ "url": "https://hooks.example.com/", "events": ["*"] });
    let delivery = |row: Row| row.place("{event_id}", What::Delivery, Usual::SameAsId).step(Step::Of("{event_id}", "{id}"));
    vec![
        row("create_webhook", manage).account("/account_id", Usual::Home).over("/account_id").body(endpoint()),
        row("list_webhooks", read).account("?account_id", Usual::Home).over("?account_id"),
        row("list_event_types", read).step(Step::Home(read)),
        of("get_webhook", read),
        of("update_webhook", manage).body(endpoint()),
        of("delete_webhook", manage),
        of("rotate_webhook_secret", manage),
        of("enable_webhook", manage),
        of("test_webhook", manage),
        row("list_webhook_deliveries", read)
            .paged()
            .place("{id}", What::Webhook, Usual::Seat(Seat::Own))
            .account("?account_id", Usual::Seat(Seat::Own))
            .over("?account_id")
            .step(Step::Of("{id}", "?account_id")),
        delivery(of("get_webhook_delivery", read)),
        delivery(of("replay_webhook_delivery", manage)),
        of("replay_webhook_deliveries", manage).body(json!({ "from": "2026-10-01T00:00:00Z" })),
    ]
}

fn topups() -> Vec<Row> {
    let child = Usual::Seat(Seat::Child);
    vec![
        row("get_auto_topup", "credits.read").account("?account_id", child).over("?account_id"),
        row("put_auto_topup", "credits.allocate")
            .account("/account_id", child)
            .over_and_above("/account_id")
            .body(json!({ "threshold": "0", "amount": "1", "source": "parent" })),
        row("put_auto_topup", "credits.purchase")
            .variant("of a package")
            .account("/account_id", child)
            .place("/source/package", What::Package, Usual::Seat(Seat::Own))
            .over("/account_id")
            .step(Step::SoldTo("/source/package", "/account_id"))
            .body(json!({ "threshold": "0", "source": {} })),
        row("delete_auto_topup", "credits.allocate").account("?account_id", child).over("?account_id"),
        row("list_auto_topup_runs", "credits.read").paged().account("?account_id", Usual::Home).over("?account_id"),
    ]
}

fn alerts() -> Vec<Row> {
    let rule = || json!({ "metric": "balance", "threshold": "0" });
    let one = |operation, right, account| {
        let row = row(operation, right).place("{id}", What::Alert, Usual::Seat(Seat::Child)).account(account, Usual::SameAsId);
        row.over(account).step(Step::Of("{id}", account))
    };
    vec![
        row("create_alert", "alerts.manage").account("/account_id", Usual::Home).over("/account_id").body(rule()),
        row("list_alerts", "alerts.read").paged().account("?account_id", Usual::Home).over("?account_id"),
        one("get_alert", "alerts.read", "?account_id"),
        one("put_alert", "alerts.manage", "/account_id").body(rule()),
        one("delete_alert", "alerts.manage", "?account_id"),
        row("get_alert_history", "alerts.read")
            .paged()
            .place("{id}", What::Alert, Usual::Seat(Seat::Child))
            .account("?account_id", Usual::SameAsId)
            .over("?account_id")
            .step(Step::Of("{id}", "?account_id")),
    ]
}

fn insights() -> Vec<Row> {
    let read = "insights.read";
    let below = |operation| row(operation, read).account("?account_id", Usual::Home).over("?account_id").hidden("?account_id");
    let grid = |operation| below(operation).account("?parent_id", Usual::Nothing).over("?parent_id").hidden("?parent_id");
    vec![
        below("get_insights_overview"),
        grid("list_insights_accounts"),
        grid("get_insights_accounts_csv"),
        below("get_insights_attribution"),
        below("get_insights_profitability"),
        below("get_insights_churn"),
        row("get_insights_acquisition", read).step(Step::Home(read)),
        row("record_spend", "insights.manage")
            .step(Step::Home("insights.manage"))
            .body(json!({ "channel": "search", "month": "2026-10", "amount": "1" })),
        row("list_spend", read).paged().step(Step::Home(read)),
        row("remove_spend", "insights.manage").place("{id}", What::Spend, Usual::Seat(Seat::Own)).step(Step::AskedBy("{id}")).over("{id}"),
        row("list_audit", read).paged().account("?account_id", Usual::Home).over("?account_id").hidden("?account_id"),
        below("list_audit").variant("of a subtree").query("subtree=true"),
    ]
}

fn billing() -> Vec<Row> {
    let (read, manage) = ("billing.read", "billing.manage");
    let fee = json!({ "fees": [{ "id": "base", "name": "Base", "amount": "1" }] });
    let profile =
        || row("put_billing_profile", manage).account("/account_id", Usual::Home).over("/account_id").step(Step::Billed("/account_id"));
    let one = |operation, right, what| row(operation, right).place("{id}", what, Usual::Seat(Seat::Child));
    vec![
        row("get_billing_settings", read).account("?account_id", Usual::Home).over("?account_id"),
        row("put_billing_settings", manage).sale("/account_id", "/fees/0/account_id").body(fee),
        row("get_billing_profile", read)
            .account("?account_id", Usual::Seat(Seat::Child))
            .over("?account_id")
            .step(Step::Billed("?account_id")),
        profile().body(json!({ "po_number": "7" })),
        profile().variant("what its seller sets").step(Step::FromAbove("/account_id", manage)).body(json!({ "terms_days": 7 })),
        row("list_charges", read).paged().account("?account_id", Usual::Home).over("?account_id"),
        row("create_charge", manage)
            .account("/account_id", Usual::Seat(Seat::Child))
            .over_and_above("/account_id")
            .body(json!({ "amount": "1", "text": "Setup" })),
        one("delete_charge", manage, What::Charge)
            .account("?account_id", Usual::SameAsId)
            .over_and_above("?account_id")
            .step(Step::Of("{id}", "?account_id")),
        row("list_invoices", read).paged().account("?account_id", Usual::Home).over("?account_id"),
        row("preview_invoice", read).account("?account_id", Usual::Seat(Seat::Child)).over("?account_id").step(Step::Billed("?account_id")),
        one("get_invoice", read, What::Invoice).over("{id}"),
        one("get_invoice_pdf", read, What::Invoice).over("{id}"),
        one("finalize_invoice", manage, What::Draft).over_and_above("{id}"),
        one("void_invoice", manage, What::Invoice).over_and_above("{id}"),
        one("write_off_invoice", manage, What::Invoice).over_and_above("{id}").step(Step::Conflict),
        row("put_processor", manage)
            .account("/account_id", Usual::Home)
            .over("/account_id")
            .body(json!({ "api_key": "sk_test_isolation", "webhook_secret": "whsec_isolation" })),
        row("delete_processor", manage).account("?account_id", Usual::Home).over("?account_id"),
        row("start_billing_run", manage)
            .account("/account_id", Usual::Home)
            .over("/account_id")
            .body(json!({ "month": "2026-10", "dry_run": true })),
        row("list_billing_runs", read).paged().account("?account_id", Usual::Home).over("?account_id"),
        one("get_billing_run", read, What::Run).over("{id}"),
        one("list_billing_run_rows", read, What::Run).paged().over("{id}"),
    ]
}

fn clocks() -> Vec<Row> {
    let manage = "billing.manage";
    let clock = |operation| {
        let row = row(operation, manage).step(Step::Operators(manage)).place("{id}", What::Clock, Usual::Nothing);
        row.step(Step::Nothing("{id}"))
    };
    vec![
        row("create_test_clock", manage)
            .step(Step::Operators(manage))
            .account("/account_id", Usual::Seat(Seat::Child))
            .over("/account_id")
            // Only one that has just been made is put on a clock.
            .step(Step::Conflict),
        row("list_test_clocks", manage).step(Step::Operators(manage)),
        clock("get_test_clock"),
        clock("delete_test_clock"),
        clock("advance_test_clock").body(json!({ "by_days": 1 })),
    ]
}

fn payments() -> Vec<Row> {
    let (read, manage) = ("billing.read", "billing.manage");
    let one = |operation, right, what| row(operation, right).place("{id}", what, Usual::Seat(Seat::Child));
    let listed = |operation| {
        let row = row(operation, read).paged().account("?account_id", Usual::Home).place("?invoice_id", What::Invoice, Usual::Nothing);
        row.over("?account_id").over("?invoice_id")
    };
    let billed =
        |operation, right, place| row(operation, right).account(place, Usual::Seat(Seat::Child)).over(place).step(Step::Billed(place));
    let pages = json!({ "success_url": "https://shop.example/", "cancel_url": "https://shop.example/" });
    let part = json!({ "lines": [{ "line": "usage:2026-09:sms", "amount": "1" }], "reason": "Outage" });
    vec![
        billed("list_payment_methods", read, "?account_id"),
        billed("set_up_payment_method", manage, "/account_id").step(Step::Conflict).body(pages),
        billed("set_default_payment_method", manage, "/account_id").step(Step::Conflict).body(json!({ "payment_method": "pm_1" })),
        billed("delete_payment_method", manage, "?account_id")
            .place("{id}", What::PaymentMethod, Usual::Seat(Seat::Child))
            .step(Step::Absent),
        one("pay_invoice", manage, What::Invoice).over("{id}").step(Step::Conflict).body(json!({ "with": "card" })),
        one("record_payment", manage, What::Invoice)
            .over_and_above("{id}")
            .body(json!({ "amount": "1", "method": "cash", "reference": "7" })),
        listed("list_payments"),
        one("get_payment", read, What::Payment).over("{id}"),
        one("refund_payment", manage, What::Payment).over_and_above("{id}").step(Step::Conflict).body(json!({ "reason": "Outage" })),
        one("retry_refunds", manage, What::Payment).over_and_above("{id}"),
        one("create_credit_note", manage, What::Invoice).over_and_above("{id}").body(part),
        listed("list_credit_notes"),
        one("get_credit_note", read, What::CreditNote).over("{id}"),
    ]
}

fn disputes() -> Vec<Row> {
    let (read, manage) = ("billing.read", "disputes.manage");
    let one = |operation, right| row(operation, right).place("{id}", What::Dispute, Usual::Seat(Seat::Child));
    let opened = json!({ "lines": [{ "line": "usage:2026-09:sms", "amount": "1" }], "reason": "other", "words": "Why?" });
    vec![
        row("open_dispute", manage).place("/invoice_id", What::Invoice, Usual::Seat(Seat::Child)).over("/invoice_id").body(opened),
        row("list_disputes", read).paged().account("?account_id", Usual::Home).over("?account_id"),
        one("get_dispute", read).over("{id}"),
        one("say_in_dispute", manage).over("{id}").body(json!({ "words": "So." })),
        one("take_up_dispute", manage).over_and_above("{id}"),
        one("resolve_dispute", manage).over_and_above("{id}").body(json!({ "outcome": "reject", "reason": "No" })),
        one("withdraw_dispute", manage).over("{id}").step(Step::Own("{id}")),
    ]
}
