//! The accounts of a roster, filtered, sorted and cut to a page.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use memchr::memmem::Finder;
use tributary_domain::account::{Kind, Status};
use tributary_domain::id::AccountId;

use crate::view::{Row, View};

/// What a page is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// The name, folded.
    Name,
    /// This month's revenue.
    Revenue,
    /// Last month's.
    RevenueLast,
    /// This month's cost.
    Cost,
    /// This month's margin.
    Margin,
    /// The same in percent of revenue; accounts without revenue last.
    MarginPercent,
    /// This month's revenue against last month's; accounts without any then last.
    Change,
    /// By how much this month's revenue is above last month's, as money.
    Growth,
    /// Available credit.
    Balance,
    /// Held credit.
    Held,
    /// Revenue of the last fourteen whole days.
    Usage,
    /// When it had usage last; accounts that never had last.
    LastSeen,
    /// When it was made.
    CreatedAt,
    /// By how much revenue fell; accounts without any before last.
    Decay,
    /// Levels below the owner.
    Depth,
}

impl SortBy {
    /// Every order, with its word.
    pub const ALL: [(SortBy, &'static str); 15] = [
        (SortBy::Name, "name"),
        (SortBy::Revenue, "revenue"),
        (SortBy::RevenueLast, "revenue_last"),
        (SortBy::Cost, "cost"),
        (SortBy::Margin, "margin"),
        (SortBy::MarginPercent, "margin_percent"),
        (SortBy::Change, "change"),
        (SortBy::Growth, "growth"),
        (SortBy::Balance, "balance"),
        (SortBy::Held, "held"),
        (SortBy::Usage, "usage"),
        (SortBy::LastSeen, "last_seen"),
        (SortBy::CreatedAt, "created_at"),
        (SortBy::Decay, "decay"),
        (SortBy::Depth, "depth"),
    ];
}

/// An order: a word, with `-` before it for the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// Highest first.
    pub descending: bool,
}

/// The text names no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortError;

impl fmt::Display for SortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = SortBy::ALL.map(|(_, word)| word).join(", ");
        write!(f, "must be one of {words}, with a - before it for the highest first")
    }
}

impl FromStr for Sort {
    type Err = SortError;

    fn from_str(text: &str) -> Result<Self, SortError> {
        let (descending, word) = text.strip_prefix('-').map_or((false, text), |word| (true, word));
        let found = SortBy::ALL.iter().find(|(_, known)| *known == word);
        found.map(|(by, _)| Self { by: *by, descending }).ok_or(SortError)
    }
}

/// Which accounts are shown.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those below this one; below the owner if it is none.
    pub focus: Option<AccountId>,
    /// Nothing at or below one of these.
    pub hidden: HashSet<AccountId>,
    /// Only those whose name, external id or address holds this, folded; or whose id it is.
    pub q: Option<String>,
    /// Only of this state in force.
    pub status: Option<Status>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only right below this one.
    pub parent: Option<AccountId>,
    /// Only with this tag, and this value of it if one is named.
    pub tag: Option<(String, Option<String>)>,
    /// Only those at risk, or not.
    pub at_risk: Option<bool>,
}

/// The accounts that a filter lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Their rows, in no order.
    pub rows: Vec<usize>,
    /// How many there are without the filter: below the focus, and not hidden.
    pub total: usize,
}

/// Finds what a filter lets through.
pub fn matched(view: &View, filter: &Filter) -> Matched {
    let below = view.below(filter.focus.as_ref().unwrap_or(&view.owner), &filter.hidden);
    let finder = filter.q.as_ref().map(|q| (Finder::new(q.as_bytes()), q.parse::<AccountId>().ok().map(|id| id.as_u128())));
    let (mut rows, mut total) = (Vec::new(), 0);
    for at in below.iter().enumerate().filter_map(|(at, below)| below.then_some(at)) {
        total += 1;
        let row = view.row(at);
        let found = |(finder, id): &(Finder<'_>, Option<u128>)| *id == Some(view.id_number(at)) || finder.find(view.searched(at)).is_some();
        let tagged = |(name, value): &(String, Option<String>)| match (row.tag(name), value) {
            (Some(own), Some(value)) => own == value,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let shown = filter.status.is_none_or(|status| row.effective_status() == status)
            && filter.kind.is_none_or(|kind| row.kind() == kind)
            && filter.parent.as_ref().is_none_or(|parent| row.is_child_of(parent))
            && filter.at_risk.is_none_or(|at_risk| row.is_at_risk() == at_risk)
            && filter.tag.as_ref().is_none_or(tagged)
            && finder.as_ref().is_none_or(found);
        if shown {
            rows.push(at);
        }
    }
    Matched { rows, total }
}

/// Sorts rows and leaves those of a page. Rows of the same value stand in the order of their ids, whichever way values are sorted, so pages
/// of the same roster never overlap.
pub fn page(view: &View, mut rows: Vec<usize>, sort: Sort, offset: usize, limit: usize) -> Vec<usize> {
    if offset >= rows.len() {
        return Vec::new();
    }
    let end = offset.saturating_add(limit).min(rows.len());
    let order = |one: &usize, other: &usize| {
        let by_value = compare(view, sort, *one, *other);
        by_value.then_with(|| view.id_number(*one).cmp(&view.id_number(*other)))
    };
    // Only the rows up to the page's end are put in order.
    if end < rows.len() {
        rows.select_nth_unstable_by(end, order);
        rows.truncate(end);
    }
    if offset > 0 {
        rows.select_nth_unstable_by(offset, order);
        rows.drain(..offset);
    }
    rows.sort_unstable_by(order);
    rows
}

fn compare(view: &View, sort: Sort, one: usize, other: usize) -> Ordering {
    let turned = |order: Ordering| if sort.descending { order.reverse() } else { order };
    if sort.by == SortBy::Name {
        return turned(view.folded_name(one).cmp(view.folded_name(other)));
    }
    match (value(view.row(one), sort.by), value(view.row(other), sort.by)) {
        (Some(one), Some(other)) => turned(one.cmp(&other)),
        // What has no value stands last, whichever way.
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn value(row: Row<'_>, by: SortBy) -> Option<i128> {
    let (this, last) = (row.this(), row.last());
    // Shares are compared to more places than are shown.
    let share = |part: i128, whole: i128| (whole != 0).then(|| part.saturating_mul(1_000_000_000).div_euclid(whole.abs()));
    match by {
        SortBy::Name => None,
        SortBy::Revenue => Some(this.revenue.into()),
        SortBy::RevenueLast => Some(last.revenue.into()),
        SortBy::Cost => Some(this.cost.into()),
        SortBy::Margin => Some(this.margin()),
        SortBy::MarginPercent => share(this.margin(), this.revenue.into()),
        SortBy::Change => share(i128::from(this.revenue) - i128::from(last.revenue), last.revenue.into()),
        SortBy::Growth => Some(i128::from(this.revenue) - i128::from(last.revenue)),
        SortBy::Balance => Some(row.available().into()),
        SortBy::Held => Some(row.held().into()),
        SortBy::Usage => Some(row.decay().0.into()),
        SortBy::LastSeen => row.last_usage().map(|at| at.as_millisecond().into()),
        SortBy::CreatedAt => row.created().map(|at| at.as_millisecond().into()),
        SortBy::Decay => row.decay_percent(),
        SortBy::Depth => row.depth().map(i128::from),
    }
}
