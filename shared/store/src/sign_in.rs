//! Links to sign in: who may be sent one, and that each is taken once. What is asked for an address that nobody has costs the same
//! calls and writes as for one that a member has, so that the answer's time tells nothing plainly.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as detail;
use tributary_domain::account::Account;
use tributary_domain::brand::{HostName, Slug};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::session::{ASKED_BY_SOURCE, ASKED_OF_ADDRESS, Asks, COUNTED_OVER_S, LINK_LASTS_S, MAILED, MAILED_IN_ALL, TooOften};
use tributary_domain::text::Email;

use crate::Store;
use crate::account_items;
use crate::accounts::REPLANS;
use crate::codec::{Reader, json, put, time};
use crate::commit::{Part, Tx, patiently};
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::grants::closed;
use crate::keys;
use crate::principals::Member;
use crate::table::{Cond, Index, Item, Key, Query, SortRange, Value, Write, s};

/// How many memberships of an address are read at once: each with its account.
const READ_AT_ONCE: usize = 50;
/// The most memberships of an address that are looked through. Anybody with accounts may make an address a member of them.
const LOOKED_THROUGH: usize = 1_000;
/// The most memberships among which a person chooses.
pub const MOST_CHOICES: usize = 100;

/// Under which name a portal was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortalName {
    /// In the address.
    Slug(Slug),
    /// By a host of its own.
    Host(HostName),
}

/// A portal at which somebody wants to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedAt {
    /// Its name.
    pub name: PortalName,
    /// Whose it is; `None` if nobody's, and then nobody is written to.
    pub of: Option<AccountId>,
}

/// A request for a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAsked<'a> {
    /// The address.
    pub email: &'a Email,
    /// What stands, where it is counted, for the address and who asks together, for who asks, and for the address.
    pub digests: [&'a str; 3],
    /// The hash of the link's token.
    pub hash: &'a str,
    /// The portal that it leads to, if it leads to one.
    pub portal: Option<&'a AskedAt>,
}

/// A link that can be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Whose address it was sent to.
    pub email: Email,
    /// Whose portal it leads to: it signs in there, and at the accounts below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<AccountId>,
}

impl Store {
    /// Makes a link for an address and has it mailed, if the address is a member's there and not too many were. Four calls, whoever's it is.
    ///
    /// # Errors
    /// Inner: [`TooOften`], after one read. Outer: table errors.
    pub async fn ask_link(&self, asked: &LinkAsked<'_>, act: &Act) -> Result<Result<(), TooOften>, StoreError> {
        let counted = asked.digests.map(keys::sign_in_asks);
        for _ in 0..REPLANS {
            let items = patiently(&self.patience, || self.table.batch_get(&counted)).await?;
            let mut tx = Tx::default();
            let mut mailed = true;
            for (at, most) in [ASKED_OF_ADDRESS, ASKED_BY_SOURCE, MAILED_IN_ALL].into_iter().enumerate() {
                // Of the address count only those that are mailed: a stranger's others take none from whom it is for.
                if at == 2 && !mailed {
                    break;
                }
                let (asks, as_read) = asks_of(items.get(at).and_then(Option::as_ref))?;
                match asks.asked(act.now, most) {
                    Ok(asks) => {
                        mailed &= at != 0 || asks.count() <= MAILED;
                        tx.push(Part::Setting, counting(&counted[at], &asks, as_read, act.now)?);
                    }
                    // Who asks is not told what others asked.
                    Err(_) if at == 2 => mailed = false,
                    Err(too_often) => return Ok(Err(too_often)),
                }
            }
            let at_portal =
                |account: &Account| asked.portal.is_none_or(|portal| portal.of.as_ref().is_some_and(|of| is_within(account, of)));
            let member = self.memberships(asked.email, at_portal, 1).await?.pop().filter(|_| mailed);
            push_link(&mut tx, asked, member.map(|(member, _)| member).as_ref(), act)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Ok(())),
                Err(refused) if refused.guard().is_some() => return Ok(Ok(())),
                // Somebody asked at the same time: counted anew.
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }

    /// The link whose token has this hash, strongly consistent: one read. `None` if there is none, it was used or is old.
    ///
    /// # Errors
    /// Table errors.
    pub async fn link(&self, hash: &str, now: Timestamp) -> Result<Option<Link>, StoreError> {
        let key = keys::sign_in_link(hash);
        let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok(None) };
        if !item.contains_key("doc") || Reader(&item).time("until")? <= now {
            return Ok(None);
        }
        Reader(&item).json("doc").map(Some)
    }

    /// Where an address is a member, the longest first, of the accounts that count, at most `most`; closed accounts are left out. Found through an
    /// index, and decided by the members and accounts themselves: a query and a read for each fifty that are looked through.
    ///
    /// # Errors
    /// Table errors.
    pub async fn memberships(
        &self,
        email: &Email,
        counts: impl Fn(&Account) -> bool + Send,
        most: usize,
    ) -> Result<Vec<(Member, Account)>, StoreError> {
        let (mut found, mut start, mut looked) = (Vec::new(), None, 0);
        loop {
            let query = Query::index(Index::Gsi1, keys::address_index(email), SortRange::Every).limit(READ_AT_ONCE).after(start);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            let listed = page.items.iter().map(|item| Reader(item).json("doc")).collect::<Result<Vec<Member>, _>>()?;
            looked += listed.len();
            let live = self.members_and_accounts(&listed).await?.into_iter();
            found.extend(live.filter(|(member, account)| same(&member.email, email) && counts(account)));
            found.truncate(most);
            match page.next {
                Some(next) if found.len() < most && looked < LOOKED_THROUGH => start = Some(next),
                _ => return Ok(found),
            }
        }
    }

    async fn members_and_accounts(&self, listed: &[Member]) -> Result<Vec<(Member, Account)>, StoreError> {
        if listed.is_empty() {
            // Nobody's takes as long to find out as somebody's.
            let nobody = [keys::sign_in_link(""), keys::sign_in_decoy("")];
            return patiently(&self.patience, || self.table.batch_get(&nobody)).await.map(|_| Vec::new());
        }
        // An address is a member of an account once, so no key is there twice.
        let wanted: Vec<Key> =
            listed.iter().flat_map(|member| [keys::member(&member.account_id, &member.id), keys::account(&member.account_id)]).collect();
        let unique: BTreeMap<&Key, ()> = wanted.iter().map(|key| (key, ())).collect();
        let unique: Vec<Key> = unique.into_keys().cloned().collect();
        let items = patiently(&self.patience, || self.table.batch_get(&unique)).await?;
        let items: BTreeMap<Key, Item> = unique.into_iter().zip(items).filter_map(|(key, item)| Some((key, item?))).collect();
        let mut found = Vec::new();
        for pair in wanted.chunks(2) {
            let [Some(member), account] = [items.get(&pair[0]), items.get(&pair[1])] else { continue };
            if let Some(account) = account.filter(|item| matches!(closed(Some(item)), Ok(false))) {
                found.push((Reader(member).json("doc")?, account_items::decode(account)?));
            }
        }
        Ok(found)
    }
}

/// The write that takes a link: it can happen once.
pub(crate) fn taken(hash: &str, now: Timestamp) -> Write {
    let good = Cond::All(vec![Cond::Has("doc"), Cond::Ge("until", Value::N(now.as_millisecond() + 1))]);
    Write::delete(keys::sign_in_link(hash), good)
}

/// Whether an account is another, or below it.
pub fn is_within(account: &Account, other: &AccountId) -> bool {
    account.id == *other || account.lineage.has(other)
}

fn same(one: &Email, other: &Email) -> bool {
    one.as_str().to_lowercase() == other.as_str().to_lowercase()
}

/// What was counted, and the condition under which it still is all.
fn asks_of(item: Option<&Item>) -> Result<(Asks, Cond), StoreError> {
    match item {
        Some(item) => Ok((Reader(item).json("doc")?, Cond::Eq("ver", Value::N(Reader(item).number("ver")?)))),
        None => Ok((Asks::default(), Cond::NotExists)),
    }
}

fn counting(key: &Key, asks: &Asks, as_read: Cond, now: Timestamp) -> Result<Write, StoreError> {
    let version = match &as_read {
        Cond::Eq(_, Value::N(version)) => version + 1,
        _ => 1,
    };
    let mut item = Item::new();
    put(&mut item, "doc", json(asks)?);
    put(&mut item, "ver", Value::N(version));
    put(&mut item, "ttl", Value::N(now.as_second() + COUNTED_OVER_S + 1));
    Ok(Write { cond: Some(as_read), ..Write::put(key.clone(), item) })
}

/// Adds the link and the record that has it mailed; for nobody, as many writes that lead nowhere.
fn push_link(tx: &mut Tx, asked: &LinkAsked<'_>, member: Option<&Member>, act: &Act) -> Result<(), StoreError> {
    let until = Timestamp::from_millisecond(act.now.as_millisecond() + LINK_LASTS_S * 1_000).unwrap_or(Timestamp::MAX);
    let mut item = Item::new();
    put(&mut item, "until", time(until));
    put(&mut item, "ttl", Value::N(until.as_second() + 1));
    let Some(member) = member else {
        tx.push(Part::Guard, Write::create(keys::sign_in_link(asked.hash), item.clone()));
        tx.push(Part::Plain, Write::create(keys::sign_in_decoy(asked.hash), item));
        return Ok(());
    };
    let under = asked.portal.and_then(|portal| portal.of.clone());
    put(&mut item, "doc", json(&Link { email: asked.email.clone(), under })?);
    put(&mut item, "acc", s(member.account_id.as_str()));
    tx.push(Part::Guard, Write::create(keys::sign_in_link(asked.hash), item));
    let (slug, host) = match asked.portal.map(|portal| &portal.name) {
        Some(PortalName::Slug(slug)) => (Some(slug), None),
        Some(PortalName::Host(host)) => (None, Some(host)),
        None => (None, None),
    };
    let said = detail!({ "member_id": member.id, "slug": slug, "host": host, "until": format!("{until:.3}") });
    push_event(tx, Part::Plain, act, &member.account_id, RecordKind::SignInAsked, &said)
}
