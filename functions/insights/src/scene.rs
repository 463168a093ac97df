//! What every view begins with: whose roster, and which part of it.

use std::collections::HashSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tributary_api::params::Params;
use tributary_api::{Call, Caller, Code, Problem, Reply};
use tributary_domain::account::Kind;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{Head, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Currency;
use tributary_domain::pricing::month::Month;
use tributary_domain::rights::{Right, Verdict};
use tributary_insights::figures::{Figures, Total, month_number, month_of};
use tributary_insights::grid::Filter;
use tributary_insights::read::{Roster, roster};
use tributary_insights::sums::Slots;
use tributary_insights::view::{Row, View};
use tributary_metering::aggregates::sums::Sums;
use tributary_runtime::secrets::digest;
use tributary_store::aggregates::{Slot, StoredSums};
use tributary_store::error::{Denied, StoreError};

/// The most months of one answer.
pub const MOST_MONTHS: i32 = 36;
/// The most accounts whose sums are read for one answer; only the operator has more than one.
const MOST_LEDGERS: usize = 1000;
/// How many of them are read at the same time.
const PARALLEL: usize = 32;
/// A key that is denied one of these at an account sees nothing of it here.
const SEEN_BY: [Right; 4] = [Right::InsightsRead, Right::AccountsRead, Right::CreditsRead, Right::UsageRead];

/// The part of the caller's roster that is asked for.
#[derive(Debug)]
pub struct Scene {
    /// The caller's account: all amounts are what it is paid and pays.
    pub home: AccountId,
    /// The account whose subtree is shown.
    pub focus: AccountId,
    /// That account's newest entry.
    pub head: Head,
    /// The caller's roster.
    pub roster: Roster,
    /// What the caller may not see.
    pub hidden: HashSet<AccountId>,
}

/// Whether a caller may see an account here: it holds `insights.read` there, and none of what else is shown of it is denied to it there or above.
/// What is denied is not only left out of lists: naming the account does not show it either.
pub fn over(caller: &Caller) -> impl Fn(&AccountId, &Lineage) -> Result<(), Denied> + Sync + '_ {
    move |target, lineage| {
        caller.over(Right::InsightsRead)(target, lineage)?;
        let denied = |right: &&Right| matches!(caller.grants.decide(**right, target, lineage), Verdict::DeniedAt(_));
        SEEN_BY.iter().find(denied).map_or(Ok(()), |right| Err(Denied::Lacks(*right)))
    }
}

/// The newest entry of the account asked for, if the caller may see it: one read. A caller without sub-accounts sees nothing but its own.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn head_of(call: &Call, focus: &AccountId) -> Result<Head, Problem> {
    let may = over(call.caller()?);
    let mut head = call.store().head(&LedgerId::Account(focus.clone())).await?;
    match may(focus, &head.lineage) {
        Ok(()) => Ok(head),
        // It may have been moved here a moment ago.
        Err(Denied::Absent) => {
            head.lineage = call.store().resolved_lineage(&head.lineage).await?;
            may(focus, &head.lineage)?;
            Ok(head)
        }
        Err(lacks @ Denied::Lacks(_)) => Err(lacks.into()),
    }
}

impl Scene {
    /// The scene at an account, the caller's own unless it is named: two reads of the table, and a blob that the process may know.
    ///
    /// # Errors
    /// `not_found`, `forbidden`, `busy`.
    pub async fn at(call: &Call, focus: Option<AccountId>) -> Result<Self, Problem> {
        let home = call.home()?.clone();
        let focus = focus.unwrap_or_else(|| home.clone());
        let head = head_of(call, &focus).await?;
        Self::with(call, home, focus, head).await
    }

    /// The same, of a head that was read.
    ///
    /// # Errors
    /// `busy`.
    pub async fn with(call: &Call, home: AccountId, focus: AccountId, head: Head) -> Result<Self, Problem> {
        // A customer has no sub-accounts, and so no roster: there is nothing in it, of cost neither.
        let roster = match head.kind == Kind::Customer && focus == home {
            true => Roster::none(&home, call.app.now()),
            false => roster(&call.app, &home).await?,
        };
        let denied = |deny: &&tributary_domain::rights::Deny| SEEN_BY.iter().any(|right| deny.rights.contains(right));
        let hidden = call.caller()?.grants.denies.iter().filter(denied).map(|deny| deny.account_id.clone()).collect();
        Ok(Self { home, focus, head, roster, hidden })
    }

    /// The rows.
    pub fn view(&self) -> &View {
        &self.roster.view
    }

    /// The currency of every amount: rows of another are in no sum.
    pub fn currency(&self) -> Currency {
        self.head.currency
    }

    /// Whether a row is in sums.
    pub fn counts(&self, row: &Row<'_>) -> bool {
        row.currency() == Some(self.currency())
    }

    /// A filter that lets through what is below the focus.
    pub fn filter(&self) -> Filter {
        Filter { focus: Some(self.focus.clone()), hidden: self.hidden.clone(), ..Filter::default() }
    }

    /// The accounts below the focus that the caller may see.
    pub fn below(&self) -> Vec<Row<'_>> {
        let below = self.view().below(&self.focus, &self.hidden);
        below.iter().enumerate().filter(|(_, below)| **below).map(|(at, _)| self.view().row(at)).collect()
    }

    /// Those of them right below it.
    pub fn children(&self) -> Vec<Row<'_>> {
        self.below().into_iter().filter(|row| row.is_child_of(&self.focus)).collect()
    }

    /// What the caller's account is paid and pays for the focus and everything below it, by `of` of a row. The operator has no ledger of usage:
    /// its figures are those of the accounts right below it together.
    pub fn figures(&self, of: impl Fn(&Row<'_>) -> Figures) -> Total {
        let mut total = Total::default();
        if self.head.kind == Kind::Operator {
            let paying = self.view().rows().filter(|row| row.depth() == Some(1) && self.counts(row));
            paying.for_each(|row| total.add(of(&row)));
        } else if let Some(row) = self.view().find(&self.focus) {
            total.add(of(&row));
        }
        total
    }

    /// The accounts whose sums together are the focus's: of the operator all that are right below it, each of which is read.
    ///
    /// # Errors
    /// `limit_reached` for more than can be read while somebody waits.
    pub fn ledgers(&self) -> Result<Vec<AccountId>, Problem> {
        let ledgers: Vec<AccountId> = match self.head.kind {
            Kind::Operator => self.view().rows().filter(|row| row.depth() == Some(1) && self.counts(row)).map(|row| row.id()).collect(),
            Kind::Reseller => vec![self.focus.clone()],
            Kind::Customer => Some(self.focus.clone()).filter(|focus| *focus != self.home).into_iter().collect(),
        };
        if ledgers.len() > MOST_LEDGERS {
            let text = "This is put together of at most 1000 accounts right below the operator; ask for one of them, as `account_id`.";
            return Err(Problem::new(Code::LimitReached, text).with("limit", MOST_LEDGERS));
        }
        Ok(ledgers)
    }

    /// The kept sums of those accounts from one slot to another, with whose they are: a query for each.
    ///
    /// # Errors
    /// `limit_reached`; table errors; sums that do not read.
    pub async fn sums(&self, call: &Call, first: Slot, last: Slot) -> Result<Vec<(AccountId, Slot, Sums)>, Problem> {
        sums_of(call, self.ledgers()?, first, last).await
    }

    /// The tag of an answer to this query.
    pub fn tag(&self, call: &Call, query: &str) -> String {
        // What is overdue and what a day's end changes moves on with the hour.
        let hour = Slot::of(tributary_store::aggregates::Size::Hour, call.app.now());
        let mut hidden: Vec<&str> = self.hidden.iter().map(AccountId::as_str).collect();
        hidden.sort_unstable();
        let text = format!("{}\n{}\n{}\n{hour}\n{hidden:?}\n{query}", self.roster.tag, self.head.ledger, self.head.seq);
        format!("\"{}\"", digest(text.as_bytes()).get(..32).unwrap_or_default())
    }
}

/// The kept sums of some accounts from one slot to another: a query for each, some at the same time.
///
/// # Errors
/// Table errors; sums that do not read.
pub async fn sums_of(call: &Call, accounts: Vec<AccountId>, first: Slot, last: Slot) -> Result<Vec<(AccountId, Slot, Sums)>, Problem> {
    let one = async |account: AccountId| -> Result<Vec<(AccountId, Slot, Sums)>, StoreError> {
        let found = call.store().sums_between(&account, first, last).await?;
        let decoded = |(slot, stored): (Slot, StoredSums)| match Sums::decode(&stored.doc) {
            Ok(sums) => Ok((account.clone(), slot, sums)),
            Err(why) => Err(StoreError::Corrupt(format!("the sums of {account}: {why}"))),
        };
        found.into_iter().map(decoded).collect()
    };
    let found: Vec<Vec<_>> = stream::iter(accounts.into_iter().map(one)).buffer_unordered(PARALLEL).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Answers 304 to who has this tag, else what `answer` makes.
///
/// # Errors
/// Those of `answer`.
pub fn unless_known(call: &Call, tag: &str, answer: impl FnOnce() -> Result<Reply, Problem>) -> Result<Reply, Problem> {
    if call.header("if-none-match") == Some(tag) { Ok(Reply::not_modified(tag)) } else { Ok(answer()?.header("etag", tag)) }
}

/// The figures of a row in a month, as it is kept.
pub fn in_month(months: &Slots, row: &Row<'_>, month: i32) -> Figures {
    months.get(row.id().as_u128(), month).map(|kept| kept.figures).unwrap_or_default()
}

/// The months `from` and `to`, both included; `usual` of them up to the running one unless they are given.
///
/// # Errors
/// `validation_failed`.
pub fn months_of(params: &mut Params, now: jiff::Timestamp, usual: i32) -> Result<(Month, Month), Problem> {
    let this = Month::of(now);
    let to = params.parsed::<Month>("to")?.unwrap_or(this);
    let from = params.parsed::<Month>("from")?.unwrap_or_else(|| month_of(month_number(to) - usual + 1));
    if to > this {
        return Err(Problem::field("/query/to", "must not be a month to come"));
    }
    let count = month_number(to) - month_number(from) + 1;
    if !(1..=MOST_MONTHS).contains(&count) {
        return Err(Problem::field("/query/from", format!("must be at most {MOST_MONTHS} months before `to`, and not after it")));
    }
    Ok((from, to))
}
