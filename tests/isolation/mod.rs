//! Who sees and does what to whom: every endpoint, each place of its request where an id can be given, each relation of the
//! caller to what the id names, each role. The answers are held against a model (`model.rs`) and kept in `matrix.txt`, a
//! table that a reviewer reads; `UPDATE_GOLDEN=1 cargo test -p tributary-tests isolation` writes it anew.
//!
//! Of every answer, whatever it is: nothing in it belongs to an account outside of the caller's subtree, a refusal changed
//! nothing, and an id outside of the subtree is answered byte for byte as an id of nothing.

mod coverage;
mod model;
mod rows;
mod scene;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};
use tributary_api::endpoint::Access;
use tributary_api::{Endpoint, Idempotency};

use crate::golden::golden;
use crate::support::api::{Answer, Api, endpoints};
use crate::support::world::{column, every_row};
use model::{Aim, Filled, RIGHTS, Verdict, Who, verdict};
use rows::{Place, Row, Step, Usual, What, rows};
use scene::{Scene, Seat};

/// A table smaller than this has lost something.
const LEAST_CELLS: usize = 20_000;

/// A caller and its key.
struct Caller {
    who: Who,
    api: Api,
}

/// What was found, over all cells.
#[derive(Default)]
struct Findings {
    cells: usize,
    wrong: Vec<String>,
    /// What an absent id is answered, by operation and code.
    absent: BTreeMap<(&'static str, &'static str), String>,
    /// The letters of the table, caller by caller, by request, place and what is in it.
    letters: BTreeMap<(usize, usize, Aim), String>,
}

fn endpoint_of(row: &Row) -> Endpoint {
    let found = endpoints().into_iter().find(|endpoint| endpoint.operation == row.operation);
    found.unwrap_or_else(|| panic!("there is no endpoint {}", row.operation))
}

/// The id that names nothing, of the right shape.
fn absent(what: What) -> String {
    let prefix = match what {
        What::Account => "acc",
        What::Key => "key",
        What::Member => "mem",
        What::Role => "rol",
        What::Transfer | What::Issue => "txf",
        What::Hold => "hld",
        What::Package => "pkg",
        What::Batch => "bat",
        What::Card => "rcd",
        What::Promotion => "prm",
        What::Export => "exp",
        What::Webhook => "whk",
        What::Delivery => "evt",
        What::Job => "job",
        What::Upload => "upl",
        What::Alert => "alr",
        What::Spend => "spd",
        What::Charge => "chg",
        What::Invoice | What::Draft => "inv",
        What::Payment => "pay",
        What::CreditNote => "crn",
        What::Dispute => "dsp",
        What::Run => "run",
        What::PaymentMethod => "pm",
        What::Clock => "clk",
        What::Meter | What::Event | What::Cursor => return "nothing".to_owned(),
    };
    format!("{prefix}_01hx3v9k2mfd8bq5r7w1z4n6ty")
}

/// What a place is given in a request; `None` if there is no such thing in the scene.
fn text(scene: &Scene, cursors: &BTreeMap<Seat, String>, place: &Place, aim: Aim) -> Option<String> {
    let seat = match aim {
        Aim::Seat(seat) => seat,
        Aim::Absent => return Some(absent(place.what)),
        Aim::Malformed => return Some(absent(place.what).replace("4n6ty", "4n6t!")),
        Aim::Crossing => {
            return match place.what {
                What::Transfer => Some(scene.crossing_transfer.clone()),
                What::Hold => Some(scene.crossing_hold.clone()),
                What::Account | What::Key | What::Member | What::Role | What::Issue | What::Package | What::Cursor => None,
                What::Event | What::Batch | What::Export | What::Webhook | What::Delivery | What::Job | What::Upload | What::Alert => None,
                What::Spend => None,
                What::Charge | What::Invoice | What::Draft | What::Payment | What::CreditNote | What::Dispute => None,
                What::Run | What::PaymentMethod | What::Clock => None,
                What::Meter | What::Card | What::Promotion => None,
            };
        }
    };
    let hand = scene.hand(seat);
    match place.what {
        What::Account => Some(hand.id.clone()),
        What::Key => Some(hand.key.clone()),
        What::Member => Some(hand.member.clone()),
        What::Role => Some(hand.role.clone()),
        What::Transfer => hand.transfer.clone(),
        What::Issue => Some(hand.issue.clone()),
        What::Hold => hand.hold.clone(),
        What::Package => Some(hand.package.clone()),
        What::Event => hand.event.clone(),
        What::Batch => Some(hand.batch.clone()),
        What::Meter => Some(hand.meter.clone()),
        What::Card => Some(hand.card.clone()),
        What::Promotion => Some(hand.promotion.clone()),
        What::Export => Some(hand.export.clone()),
        What::Webhook => Some(hand.webhook.clone()),
        What::Delivery => Some(hand.delivery.clone()),
        What::Job => Some(hand.job.clone()),
        What::Upload => Some(hand.upload.clone()),
        What::Alert => Some(hand.alert.clone()),
        What::Spend => Some(hand.spend.clone()),
        What::Charge => hand.charge.clone(),
        What::Invoice => hand.invoice.clone(),
        What::Draft => hand.draft.clone(),
        What::Payment => hand.payment.clone(),
        What::CreditNote => hand.credit_note.clone(),
        What::Dispute => hand.dispute.clone(),
        What::Run => hand.run.clone(),
        What::PaymentMethod => Some("pm_1NkXyZ".to_owned()),
        What::Clock => Some(absent(What::Clock)),
        What::Cursor => cursors.get(&seat).cloned(),
    }
}

/// What is tried in a place.
fn aims(place: &Place) -> Vec<Aim> {
    let mut aims = vec![Aim::Absent];
    aims.extend(Seat::ALL.map(Aim::Seat));
    if matches!(place.what, What::Transfer | What::Hold) {
        aims.push(Aim::Crossing);
    }
    // A malformed id further down a path is told from an absent one before the account is looked at, and says nothing of it.
    if place.what != What::Cursor && (place.name == "{id}" || !place.name.starts_with('{')) {
        aims.push(Aim::Malformed);
    }
    aims
}

/// What is in each place while `tried` is given `aim`.
fn filled(row: &Row, tried: &Place, aim: Aim, home: Seat) -> Filled {
    let usual = |place: &Place| match place.usual {
        Usual::Seat(seat) => Some(Aim::Seat(seat)),
        Usual::Home => Some(Aim::Seat(home)),
        Usual::SameAsId if tried.name == "{id}" && matches!(aim, Aim::Absent | Aim::Malformed) => Some(Aim::Absent),
        Usual::SameAsId if tried.name == "{id}" => Some(aim),
        Usual::SameAsId => Some(Aim::Seat(Seat::Child)),
        Usual::Nothing => None,
    };
    row.places.iter().filter_map(|place| Some((place.name, if place.name == tried.name { aim } else { usual(place)? }))).collect()
}

/// The request: its path with the query, and its body. `None` if the scene lacks what a place names.
fn request(
    scene: &Scene,
    cursors: &BTreeMap<Seat, String>,
    row: &Row,
    endpoint: &Endpoint,
    filled: &Filled,
    tried: &str,
) -> Option<(String, Value)> {
    let (mut path, mut query) = (endpoint.path.to_owned(), form_urlencoded::Serializer::new(String::new()));
    let mut body = row.body.clone();
    query.extend_pairs(form_urlencoded::parse(row.query.as_bytes()));
    for place in &row.places {
        // What is the caller's own unless given is given only where it is tried.
        let given = filled.get(place.name).filter(|_| place.name == tried || place.usual != Usual::Home);
        let Some(aim) = given else { continue };
        let id = text(scene, cursors, place, *aim)?;
        match (place.name.strip_prefix('?'), place.name.strip_prefix('/')) {
            (Some(name), _) => drop(query.append_pair(name, &id)),
            (None, Some(pointer)) => *member(&mut body, pointer) = json!(id),
            (None, None) => path = path.replace(place.name, &id),
        }
    }
    let query = query.finish();
    Some((if query.is_empty() { path } else { format!("{path}?{query}") }, body))
}

/// The member of a body that `legs/0/from` names, made if it is not there.
fn member<'a>(body: &'a mut Value, pointer: &str) -> &'a mut Value {
    pointer.split('/').fold(body, |value, step| match step.parse::<usize>() {
        Ok(index) => &mut value[index],
        Err(_) => &mut value[step],
    })
}

async fn send(api: &Api, endpoint: &Endpoint, path: &str, body: &Value) -> Answer {
    let ask = api.call(endpoint.method.clone(), path);
    let ask = if body.is_null() { ask } else { ask.json(body) };
    match endpoint.idempotency {
        Idempotency::Required | Idempotency::Accepted => ask.idem(&api.unique("idem")),
        Idempotency::Unused => ask,
    }
    .send()
    .await
}

/// Status, headers in order of their names, and body, without the request's id.
fn normal(answer: &Answer) -> String {
    let mut headers: Vec<String> = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    let id = answer.header("x-request-id");
    assert!(!id.is_empty(), "{}: no request id", answer.name);
    format!("{}\n{}\n\n{}", answer.status, headers.join("\n"), answer.text).replace(id, "req_")
}

/// What the contract shows of accounts outside of the subtree, and nothing else: the id of the own account's parent, which is also
/// the seller of what the own account may buy, and by whom it is billed, with its name; and of credit that moves across the border, the id at the other end, to whom sees the account at this end.
fn without_what_the_contract_shows(value: &mut Value, home: &str) {
    match value {
        Value::Object(members) => {
            if members.get("id").and_then(Value::as_str) == Some(home) {
                members.remove("parent_id");
            }
            if members.get("account_id").and_then(Value::as_str) == Some(home) {
                let packages = members.get_mut("packages").and_then(Value::as_array_mut).into_iter().flatten();
                packages.filter_map(Value::as_object_mut).for_each(|package| drop(package.remove("seller_id")));
                members.remove("seller_id");
                members.remove("seller");
            }
            for name in ["from", "to", "counterparty"] {
                members.remove(name);
            }
            members.values_mut().for_each(|member| without_what_the_contract_shows(member, home));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| without_what_the_contract_shows(item, home)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The first text of somebody else's in an answer.
fn leak<'a>(answer: &Answer, home: &str, secrets: &'a [(Seat, String)]) -> Option<&'a (Seat, String)> {
    let mut shown = answer.json.clone();
    without_what_the_contract_shows(&mut shown, home);
    let mut texts = if answer.json.is_null() { answer.text.clone() } else { shown.to_string() };
    for (name, value) in &answer.headers {
        write!(texts, "\n{name}: {}", String::from_utf8_lossy(value.as_bytes())).expect("a text takes all");
    }
    secrets.iter().find(|(_, secret)| texts.contains(secret.as_str()))
}

fn letter(verdict: Verdict) -> char {
    match verdict {
        None => 'A',
        Some((_, "forbidden")) => 'F',
        Some((_, "grant_exceeds_own")) => 'E',
        Some((_, "not_found")) => 'N',
        Some((_, "invalid_cursor")) => 'C',
        Some((_, "validation_failed")) => 'V',
        Some((_, "account_suspended")) => 'S',
        Some(_) => 'R',
    }
}

impl Findings {
    /// Tries each place of one request with everything, as each caller. `base` is left as it is.
    async fn try_row(&mut self, number: usize, row: &Row, base: &Scene, callers: &[Caller], suspended: Option<Seat>) {
        let endpoint = endpoint_of(row);
        let cursors = cursors(base, row, &endpoint).await;
        let mut now = base.fork();
        for caller in callers {
            let home = base.id(caller.who.home);
            let secrets = base.secrets_from(Some(caller.who.home));
            for (at, place) in row.places.iter().enumerate() {
                for aim in aims(place) {
                    let filled = filled(row, place, aim, caller.who.home);
                    let Some((path, body)) = request(base, &cursors, row, &endpoint, &filled, place.name) else {
                        self.letters.entry((number, at, aim)).or_default().push('-');
                        continue;
                    };
                    let wanted = verdict(row, &filled, &caller.who, suspended);
                    let (api, before) = (now.target.nobody.as_who(&caller.api), now.changes());
                    let answer = send(&api, &endpoint, &path, &body).await;
                    let changed = now.changes() != before;
                    let faults = self.faults(row.operation, aim, wanted, &answer, changed, leak(&answer, home, &secrets));
                    let who = (caller.who.name, caller.who.home.word());
                    self.wrong.extend(faults.into_iter().map(|fault| {
                        format!(
                            "{} {} as {who:?}, {} names {aim:?}: {fault}\n  {} {body}\n  {}",
                            row.operation, row.variant, place.name, answer.name, answer.text
                        )
                    }));
                    self.cells += 1;
                    self.letters.entry((number, at, aim)).or_default().push(letter(wanted));
                    if changed {
                        now = base.fork();
                    }
                }
            }
        }
    }

    fn faults(
        &mut self,
        operation: &'static str,
        aim: Aim,
        wanted: Verdict,
        answer: &Answer,
        changed: bool,
        leak: Option<&(Seat, String)>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let got =
            if (200..300).contains(&answer.status) { None } else { Some((answer.status, answer["code"].as_str().unwrap_or_default())) };
        if got != wanted {
            faults.push(format!("wanted {wanted:?}, got {got:?}"));
        }
        if let Some((seat, text)) = leak {
            faults.push(format!("shows {text:?} of {}", seat.word()));
        }
        if wanted.is_some() && changed {
            faults.push("was to be refused, and changed something".to_owned());
        }
        if let Some((_, code @ ("not_found" | "invalid_cursor"))) = wanted {
            let normal = normal(answer);
            let absent =
                self.absent.entry((operation, code)).or_insert_with(|| if aim == Aim::Absent { normal.clone() } else { String::new() });
            if *absent != normal {
                faults.push(format!("differs from the answer for an absent id:\n{normal}\nabsent:\n{absent}"));
            }
        }
        faults
    }
}

/// A cursor of the same list for the owner of each seat who is given one: of the very same request where it reaches that
/// far, else of its own list.
async fn cursors(scene: &Scene, row: &Row, endpoint: &Endpoint) -> BTreeMap<Seat, String> {
    let mut cursors = BTreeMap::new();
    if !row.places.iter().any(|place| place.what == What::Cursor) {
        return cursors;
    }
    for seat in Seat::ALL {
        let list = if Seat::Own.within(seat) { Seat::Own } else { seat };
        // A list below a thing of an account is asked for with whose it is.
        let below = |what: What| row.places.iter().any(|place| place.what == what);
        let (id, more) = match endpoint.path.starts_with("/reseller/webhooks/") {
            true => (scene.hand(list).webhook.as_str(), format!("&account_id={}", scene.id(list))),
            false if below(What::Run) => (scene.hand(list).run.as_deref().unwrap_or_default(), String::new()),
            false if below(What::Job) => (scene.hand(list).job.as_str(), String::new()),
            false if below(What::Alert) => (scene.hand(seat).alert.as_str(), String::new()),
            false => (scene.id(list), String::new()),
        };
        let path = endpoint.path.replace("{id}", id);
        let page = scene.owner(seat).get(&format!("{path}?limit=1{more}")).send().await.is(200);
        let cursor = page["next_cursor"].as_str().or_else(|| page["children"]["next_cursor"].as_str());
        cursors.extend(cursor.map(|cursor| (seat, cursor.to_owned())));
    }
    cursors
}

/// A caller for each built-in role that is asked for, for exactly what the request needs, for its one right alone, for every
/// other right, and an owner who is denied the right at the child. All at `home`.
async fn callers(scene: &Scene, row: &Row, home: Seat, built_in: &[&'static str]) -> Vec<Caller> {
    let every: BTreeSet<&'static str> = RIGHTS.iter().map(|(right, _)| *right).collect();
    let of_role = |name: &str| RIGHTS.iter().filter(|(_, roles)| roles.contains(&name[..1])).map(|(right, _)| *right).collect();
    let mut callers = Vec::new();
    for name in built_in {
        let (_, api) = scene.key(home, name).await;
        callers.push(Caller { who: Who { name, home, rights: of_role(name), deny: None }, api });
    }
    let bare = BTreeSet::from([row.right]);
    let exact = bare.iter().chain(row.and).copied().collect();
    let without = every.difference(&bare).copied().collect();
    for (name, rights) in [("exact", exact), ("bare", bare.clone()), ("without", without)] {
        let rights: BTreeSet<&'static str> = rights;
        let role = scene.role(home, name, &rights.iter().copied().collect::<Vec<_>>()).await;
        let (_, api) = scene.key(home, &role).await;
        callers.push(Caller { who: Who { name, home, rights, deny: None }, api });
    }
    for right in bare.iter().chain(row.hidden_by) {
        let (key, api) = scene.key(home, "owner").await;
        let path = format!("/reseller/accounts/{}/keys/{key}/denies/{}", scene.id(home), scene.id(Seat::Child));
        scene.target.operator.put(&path, json!({ "rights": [right] })).send().await.is(200);
        callers.push(Caller { who: Who { name: "denied", home, rights: every.clone(), deny: Some((Seat::Child, right)) }, api });
    }
    callers
}

fn own_owner(scene: &Scene) -> Vec<Caller> {
    let rights = RIGHTS.iter().map(|(right, _)| *right).collect();
    vec![Caller { who: Who { name: "owner", home: Seat::Own, rights, deny: None }, api: scene.owner(Seat::Own) }]
}

/// The owner of the seat that everything is seen from, as a person with a browser.
async fn own_member(scene: &Scene) -> Vec<Caller> {
    let rights = RIGHTS.iter().map(|(right, _)| *right).collect();
    vec![Caller { who: Who { name: "member", home: Seat::Own, rights, deny: None }, api: scene.browser(Seat::Own).await }]
}

const RESELLER: &[&str] = &["owner", "admin", "billing", "support", "viewer"];
const OPERATOR: &[&str] = &["owner", "billing", "viewer"];

#[tokio::test]
async fn every_id_in_every_place_is_answered_by_where_it_stands_and_shows_nothing_of_anybody_else() {
    let scene = Scene::new().await;
    let (own, above) = (scene.fork(), scene.fork());
    for (world, seat) in [(&own, Seat::Own), (&above, Seat::Parent)] {
        world.target.operator.delete(&format!("/reseller/accounts/{}", scene.id(seat))).send().await.is(200);
    }
    let (mut reseller, mut operator) = (Findings::default(), Findings::default());
    let rows = rows();
    for (number, row) in rows.iter().enumerate() {
        let base = scene.fork();
        let tried = callers(&base, row, Seat::Own, RESELLER).await;
        reseller.try_row(number, row, &base, &tried, None).await;
        reseller.try_row(number, row, &own, &own_owner(&own), Some(Seat::Own)).await;
        reseller.try_row(number, row, &above, &own_owner(&above), Some(Seat::Parent)).await;
        let base = scene.fork();
        let tried = callers(&base, row, Seat::Operator, OPERATOR).await;
        operator.try_row(number, row, &base, &tried, None).await;
    }
    let cells = reseller.cells + operator.cells;
    eprintln!("isolation: {cells} cells of {} requests", rows.len());
    let wrong: Vec<String> = [reseller.wrong.clone(), operator.wrong.clone()].concat();
    assert!(
        wrong.is_empty(),
        "{} of {cells} cells are wrong, the first of them:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(25)].join("\n")
    );
    assert!(cells >= LEAST_CELLS, "{cells} cells; there were at least {LEAST_CELLS}");
    golden("isolation/matrix.txt", &table(&rows, &reseller, &operator));
}

#[tokio::test]
async fn a_session_reaches_what_a_key_of_the_same_role_reaches_and_nothing_else() {
    let scene = Scene::new().await;
    let member = own_member(&scene).await;
    let (mut with_session, mut with_key, rows) = (Findings::default(), Findings::default(), rows());
    for (number, row) in rows.iter().enumerate() {
        with_session.try_row(number, row, &scene, &member, None).await;
        with_key.try_row(number, row, &scene, &own_owner(&scene), None).await;
    }
    eprintln!("isolation: {} cells with a session", with_session.cells);
    let wrong = &with_session.wrong;
    assert!(wrong.is_empty(), "{} cells are wrong, the first of them:\n{}", wrong.len(), wrong[..wrong.len().min(25)].join("\n"));
    assert_eq!(with_session.letters, with_key.letters);
    assert_eq!(with_session.absent, with_key.absent, "an absent thing looks the same to both");
}

const LEGEND: &str = "\
Who may reach what, through which place of a request. Each line is a place where an id can be given; each column says what
stands there, seen from the caller; each letter is one caller. One letter alone: all callers are answered alike.

A  answered (2xx)                      N  404 not_found, byte for byte as for an absent id
F  403 forbidden                       E  403 grant_exceeds_own
C  400 invalid_cursor                  V  400 validation_failed
S  422 account_suspended               R  refused by a rule of the request (409, 422), after the right was found
-  there is no such thing

exact: a role of exactly the rights that are needed.  bare: a role of the one right that names the route.  without: a role of
every other right.  denied: an owner's key to which the right is denied at the child; of insights three more, denied
accounts.read, credits.read and usage.read there, which they show.
crossing: a transfer or hold across the border of the caller's subtree, of which one end is in it.
";

fn table(rows: &[Row], reseller: &Findings, operator: &Findings) -> String {
    let mut text = LEGEND.to_owned();
    let names = |built_in: &[&str]| [built_in, &["exact", "bare", "without", "denied"]].concat().join(", ");
    let suspended = "an owner whose account is suspended, an owner below a suspended account";
    for (head, found) in [
        (format!("Callers at a reseller in the middle of its tree: {}, {suspended}", names(RESELLER)), reseller),
        (format!("Callers at the operator's account: {}", names(OPERATOR)), operator),
    ] {
        write!(text, "\n{head}\n\n").expect("a text takes all");
        text.push_str(&block(rows, found));
    }
    text
}

/// What the table has columns for.
fn columns() -> Vec<Aim> {
    Seat::ALL.into_iter().map(Aim::Seat).chain([Aim::Crossing, Aim::Absent, Aim::Malformed]).collect()
}

fn block(rows: &[Row], found: &Findings) -> String {
    let head = |aim: &Aim| match aim {
        Aim::Seat(seat) => seat.word(),
        Aim::Crossing => "crossing",
        Aim::Absent => "absent",
        Aim::Malformed => "malformed",
    };
    let mut lines = vec![
        ["route".to_owned(), "place".to_owned()].into_iter().chain(columns().iter().map(|aim| head(aim).to_owned())).collect::<Vec<_>>(),
    ];
    for (number, row) in rows.iter().enumerate() {
        let endpoint = endpoint_of(row);
        let variant = if row.variant.is_empty() { String::new() } else { format!(" ({})", row.variant) };
        for (at, place) in row.places.iter().enumerate() {
            let cell = |aim: &Aim| found.letters.get(&(number, at, *aim)).map_or("-", String::as_str);
            let name = [format!("{} {}{variant}", endpoint.method, endpoint.path), place.name.to_owned()];
            lines.push(name.into_iter().chain(columns().iter().map(|aim| shortest(cell(aim)).to_owned())).collect());
        }
    }
    let widths: Vec<usize> = (0..lines[0].len()).map(|at| lines.iter().map(|line| line[at].len()).max().unwrap_or_default()).collect();
    let line = |cells: &Vec<String>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}

/// One letter for all callers, where all are answered alike.
fn shortest(letters: &str) -> &str {
    let mut chars = letters.chars();
    let first = chars.next();
    if chars.all(|one| Some(one) == first) { &letters[..letters.len().min(1)] } else { letters }
}

/// A request of each row that an owner may make, as far as the scene has it.
fn plain(scene: &Scene, row: &Row, endpoint: &Endpoint) -> (String, Value) {
    let Some(first) = row.places.iter().find(|place| place.what != What::Cursor) else {
        // A list of the caller's own.
        return request(scene, &BTreeMap::new(), row, endpoint, &Filled::new(), "").expect("it needs nothing");
    };
    let usual = match first.usual {
        Usual::Seat(seat) => seat,
        Usual::Home | Usual::SameAsId | Usual::Nothing => Seat::Own,
    };
    let filled = filled(row, first, Aim::Seat(usual), Seat::Own);
    request(scene, &BTreeMap::new(), row, endpoint, &filled, first.name).expect("it is there")
}

#[tokio::test]
async fn a_key_that_is_taken_no_more_is_answered_as_no_key_at_all_and_says_nothing() {
    let scene = Scene::new().await;
    let secrets = scene.secrets_from(None);
    let (mut cells, mut answers, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for row in rows() {
        let endpoint = endpoint_of(&row);
        let (path, body) = plain(&scene, &row, &endpoint);
        for dead in &scene.dead {
            let ask = scene.target.nobody.call(endpoint.method.clone(), &path).json(&body).idem("again");
            let ask = match &dead.header {
                Some(header) => ask.header("authorization", header.as_bytes()),
                None => ask,
            };
            let before = scene.changes();
            let answer = ask.send().await;
            cells += 1;
            let leaked = leak(&answer, "", &secrets).is_some();
            if (answer.status, answer["code"].as_str(), scene.changes(), leaked) != (401, Some("unauthorized"), before, false) {
                wrong.push(format!("{} with {}: {} {}", answer.name, dead.what, answer.status, answer.text));
            }
            answers.insert(normal(&answer));
        }
    }
    eprintln!("isolation: {cells} cells of dead keys");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(answers.len(), 1, "one answer for every reason: {answers:#?}");
    assert!(cells >= 500, "{cells} cells");
}

#[tokio::test]
async fn a_list_holds_what_is_in_the_subtree_and_not_denied_and_nothing_else() {
    let scene = Scene::new().await;
    let api = scene.owner(Seat::Own);
    let (key, denied) = scene.key(Seat::Own, "owner").await;
    let path = format!("/reseller/accounts/{}/keys/{key}/denies/{}", scene.id(Seat::Own), scene.id(Seat::Child));
    scene.target.operator.put(&path, json!({ "rights": ["accounts.read", "credits.read"] })).send().await.is(200);
    let below = |with_child: bool| {
        let seats = Seat::ALL.into_iter().filter(move |seat| seat.within(Seat::Own) && (with_child || !seat.within(Seat::Child)));
        seats.map(|seat| scene.id(seat).to_owned()).collect::<BTreeSet<String>>()
    };
    for (api, with_child) in [(&api, true), (&denied, false)] {
        for sort in ["created_at", "-created_at", "name", "-name"] {
            let rows = every_row(api, &format!("/reseller/accounts?subtree=true&sort={sort}"), 1).await;
            let tills = rows.iter().filter(|row| row["name"].as_str().is_some_and(|name| name.ends_with("-till")));
            let (tills, listed): (usize, BTreeSet<String>) = (tills.count(), column(&rows, "id").into_iter().collect());
            let wanted = below(with_child);
            // The root of a list is not in it; each seat but the leaf has a till.
            assert_eq!(wanted.difference(&listed).collect::<Vec<_>>(), [scene.id(Seat::Own)], "{sort}");
            assert_eq!(listed.len(), wanted.len() - 1 + tills, "{sort}: {rows:#?}");
            assert_eq!(tills, wanted.len() - 1, "{sort}");
        }
        let path = format!("/reseller/accounts/{}/relationships", scene.id(Seat::Own));
        let shown = api.get(&path).send().await.is(200);
        assert_eq!(shown["subtree"]["accounts"], below(with_child).len() * 2 - 2, "{}", shown.text);
        assert_eq!((&shown["parent"], &shown["ancestors"]), (&Value::Null, &json!([])));
        let moved = api.get(&format!("/reseller/accounts/{}/relationships", scene.id(Seat::Leaf))).send().await.is(200);
        assert_eq!(moved["moves"][0]["from_parent_id"], Value::Null, "{}", moved.text);
        assert_eq!(moved["moves"][0]["to_parent_id"], scene.id(Seat::Own), "{}", moved.text);
    }
    for (what, path) in [
        ("keys", format!("/reseller/accounts/{}/keys", scene.id(Seat::Child))),
        ("members", format!("/reseller/accounts/{}/members", scene.id(Seat::Child))),
        ("roles", format!("/reseller/accounts/{}/roles", scene.id(Seat::Child))),
        ("holds", format!("/reseller/credits/holds?account_id={}", scene.id(Seat::Child))),
    ] {
        let rows = every_row(&api, &path, 1).await;
        assert!(!rows.is_empty() && column(&rows, "account_id").iter().all(|id| id == scene.id(Seat::Child)), "{what}: {rows:#?}");
    }
}

#[tokio::test]
async fn of_a_transfer_across_the_border_only_the_own_ends_are_shown() {
    let scene = Scene::new().await;
    let shown = scene.owner(Seat::Own).get(&format!("/reseller/credits/transfers/{}", scene.crossing_transfer)).send().await.is(200);
    let legs = shown["legs"].as_array().expect("legs");
    let ends = |at: usize| (legs[at]["from"].as_str(), legs[at]["to"].as_str());
    assert_eq!(legs.len(), 2, "the leg to the sibling is not shown: {}", shown.text);
    assert_eq!(ends(0), (Some(scene.id(Seat::Parent)), Some(scene.id(Seat::Child))));
    assert_eq!((legs[0]["from_balance"].is_null(), legs[0]["to_balance"].is_null()), (true, false), "{}", shown.text);
    assert_eq!(ends(1), (Some(scene.id(Seat::Child)), Some(scene.id(Seat::Leaf))));
}

#[tokio::test]
async fn an_idempotency_key_of_one_account_is_nothing_to_another() {
    let scene = Scene::new().await;
    let pay = |seat: Seat, below: Seat| {
        let body = json!({ "account_id": scene.id(below), "amount": "1" });
        scene.owner(seat).post("/reseller/credits/allocate", body).idem("shared").send()
    };
    let first = pay(Seat::Parent, Seat::Child).await.is(201);
    let second = pay(Seat::Own, Seat::Child).await.is(201);
    assert_eq!(second.header("idempotent-replayed"), "");
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn the_first_answer_is_not_given_again_to_another_key_that_lacks_the_right() {
    let scene = Scene::new().await;
    let mut tried = 0;
    for row in rows() {
        let endpoint = endpoint_of(&row);
        if endpoint.idempotency == Idempotency::Unused || row.right == "credits.issue" || row.and.contains(&"credits.issue") {
            continue;
        }
        let world = scene.fork();
        let without: Vec<&str> = RIGHTS.iter().map(|(right, _)| *right).filter(|right| *right != row.right).collect();
        let role = world.role(Seat::Own, "without", &without).await;
        let (_, lacking) = world.key(Seat::Own, &role).await;
        let (path, mut body) = plain(&world, &row, &endpoint);
        if row.operation == "create_hold" {
            body["expires_at"] = json!(world.target.time_in_s(60));
        }
        let limited = row.variant == "credit_limit" || row.steps.iter().any(|step| matches!(step, Step::Conflict));
        let ask = |api: &Api| {
            let ask = api.call(endpoint.method.clone(), &path).idem("again");
            if body.is_null() { ask.send() } else { ask.json(&body).send() }
        };
        let first = ask(&world.owner(Seat::Own)).await;
        assert_eq!((200..300).contains(&first.status), !limited, "{} {}", first.name, first.text);
        // Also when what was asked could not be asked now: its time is over.
        for seconds in [0, 3600] {
            assert!(world.target.advance_s(seconds, "a replay later"));
            let before = world.changes();
            let again = ask(&lacking).await.refused(403, "forbidden");
            assert_eq!(world.changes(), before, "{}", again.name);
            tried += 1;
        }
    }
    assert!(tried >= 26, "{tried} replays");
}

#[tokio::test]
async fn what_is_public_says_the_same_to_everyone_and_nothing_of_anybody() {
    let scene = Scene::new().await;
    let secrets = scene.secrets_from(None);
    // What a mail's link opens is that of one address: see `tests/mail`. What a logo's digest finds is that logo: see `tests/flows/branding.rs`. What a payment processor tells is signed: see `tests/flows/payments.rs`.
    // What signing in says is in `tests/flows/sessions.rs`.
    let others = ["take_processor_event", "ask_sign_in_link", "begin_session"];
    let public = |endpoint: &Endpoint| {
        endpoint.access == Access::Public
            && !endpoint.path.contains("{token}")
            && !endpoint.path.contains("{digest}")
            && !others.contains(&endpoint.operation)
    };
    for endpoint in endpoints().into_iter().filter(public) {
        let path = endpoint.path.replace("{code}", "not_found");
        let (before, mut answers) = (scene.changes(), BTreeSet::new());
        for api in [scene.target.nobody.clone(), scene.owner(Seat::Own), scene.target.operator.clone()] {
            let answer = api.call(endpoint.method.clone(), &path).send().await.is(200);
            // Under the platform's own host anybody sees the operator's name, and no id of it.
            let name =
                |seat: Seat, text: &str| endpoint.operation == "portal_brand" && seat == Seat::Operator && text == Seat::Operator.mark();
            let hidden: Vec<_> = secrets.iter().filter(|(seat, text)| !name(*seat, text)).cloned().collect();
            assert_eq!(leak(&answer, "", &hidden), None, "{}", answer.name);
            answers.insert(normal(&answer));
        }
        assert_eq!((answers.len(), scene.changes()), (1, before), "{path}");
    }
}
