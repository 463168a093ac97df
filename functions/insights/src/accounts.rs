//! `GET /reseller/insights/accounts`: the grid.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::params::Params;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Kind, Status};
use tributary_domain::id::AccountId;
use tributary_domain::money::Currency;
use tributary_domain::text::{SearchText, fold};
use tributary_insights::figures::{change, percent, shown};
use tributary_insights::grid::{Filter, Sort, SortBy, matched, page};
use tributary_insights::view::Row;

use crate::scene::{Scene, head_of, unless_known};

/// The furthest that a page begins.
const MOST_OFFSET: usize = 1_000_000;

/// An account, and what it is worth to yours.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAccount))]
pub struct AccountView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its seller's own id for it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub external_id: Option<String>,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Kind))]
    pub kind: Kind,
    /// Its own state.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountStatus))]
    pub status: Status,
    /// The state in force, of what is suspended in your subtree above it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountStatus))]
    pub effective_status: Status,
    /// The account right above it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub parent_id: Option<AccountId>,
    /// That account's name.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub parent_name: Option<String>,
    /// Levels below your account.
    pub depth: u8,
    /// Its volume tier.
    pub tier: String,
    /// Its currency: of its credit and of all amounts here.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>, required))]
    pub currency: Option<Currency>,
    /// Credit free to spend.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub available: String,
    /// Credit held.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub held: String,
    /// What your account is paid this month for its usage and that of all below it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub revenue: String,
    /// The same of last month.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub revenue_last: String,
    /// By how many percent this month is above it; null where that was nothing.
    #[cfg_attr(feature = "openapi", schema(required, example = "12.50"))]
    pub change_percent: Option<String>,
    /// What your account pays for it itself, this month.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub cost: String,
    /// What it keeps.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub margin: String,
    /// The same in percent of the revenue; null without.
    #[cfg_attr(feature = "openapi", schema(required, example = "20.00"))]
    pub margin_percent: Option<String>,
    /// When usage of it, or of what is below it, was counted last.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last_usage_at: Option<Timestamp>,
    /// By how many percent its revenue of the last fourteen whole days is below that of the fourteen before; null if there was none then.
    #[cfg_attr(feature = "openapi", schema(required, example = "62.50"))]
    pub decay: Option<String>,
    /// That is half or more.
    pub at_risk: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub created_at: Option<Timestamp>,
}

impl From<Row<'_>> for AccountView {
    fn from(row: Row<'_>) -> Self {
        let (this, last, (recent, before)) = (row.this(), row.last(), row.decay());
        Self {
            id: row.id(),
            name: row.name().to_owned(),
            external_id: row.external_id().map(str::to_owned),
            kind: row.kind(),
            status: row.status(),
            effective_status: row.effective_status(),
            parent_id: row.parent_id(),
            parent_name: row.parent().map(|parent| parent.name().to_owned()),
            depth: row.depth().unwrap_or_default(),
            tier: row.tier().to_owned(),
            currency: row.currency(),
            available: shown(row.available().into()),
            held: shown(row.held().into()),
            revenue: shown(this.revenue.into()),
            revenue_last: shown(last.revenue.into()),
            change_percent: change(this.revenue.into(), last.revenue.into()),
            cost: shown(this.cost.into()),
            margin: shown(this.margin()),
            margin_percent: percent(this.margin(), this.revenue.into()),
            last_usage_at: row.last_usage(),
            decay: if before > 0 { percent(i128::from(before) - i128::from(recent), before.into()) } else { None },
            at_risk: row.is_at_risk(),
            tags: row.tags().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            created_at: row.created(),
        }
    }
}

/// A page of the grid.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAccounts))]
pub struct AccountsView {
    /// The rows.
    pub data: Vec<AccountView>,
    /// How many accounts there are below.
    pub total: usize,
    /// How many of them the filters let through.
    pub matched: usize,
    /// When something was last told of these accounts; figures of days, and decay, may be five minutes older.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub as_of: Timestamp,
    /// Where the next page begins; null after the last.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_offset: Option<usize>,
}

/// What is asked for: which accounts, in which order.
#[derive(Debug)]
pub struct Asked {
    /// Below which account.
    pub focus: Option<AccountId>,
    filter: Filter,
    /// In which order.
    pub sort: Sort,
}

impl Asked {
    /// Reads the parameters that grid and file share.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn read(params: &mut Params) -> Result<Self, Problem> {
        let focus = params.parsed::<AccountId>("account_id")?;
        let q = params.word::<SearchText>("q")?.map(|q| fold(q.as_str()));
        let at_risk = params.flag("at_risk")?.then_some(true);
        let tag = params.text("tag").map(|tag| match tag.split_once(':') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (tag, None),
        });
        let filter = Filter {
            q,
            status: params.word("status")?,
            kind: params.word("kind")?,
            parent: params.parsed("parent_id")?,
            tag,
            at_risk,
            ..Filter::default()
        };
        let sort = match params.text("sort") {
            None => Sort { by: SortBy::Name, descending: false },
            Some(text) => {
                text.parse().map_err(|error: tributary_insights::grid::SortError| Problem::field("/query/sort", error.to_string()))?
            }
        };
        Ok(Self { focus, filter, sort })
    }

    /// The scene that is asked for. Whose sub-accounts are asked for is looked at as any account is: one read more.
    ///
    /// # Errors
    /// `not_found`, `forbidden`, `busy`.
    pub async fn scene(&self, call: &Call) -> Result<Scene, Problem> {
        let home = call.home()?.clone();
        let focus = self.focus.clone().unwrap_or_else(|| home.clone());
        let head = head_of(call, &focus).await?;
        if let Some(parent) = &self.filter.parent {
            head_of(call, parent).await?;
        }
        Scene::with(call, home, focus, head).await
    }

    /// The filter in a scene.
    pub fn filter(&self, scene: &Scene) -> Filter {
        let Filter { focus, hidden, .. } = scene.filter();
        Filter { focus, hidden, ..self.filter.clone() }
    }
}

/// How many rows are left out before a page.
pub(crate) fn offset(params: &mut Params) -> Result<usize, Problem> {
    match params.text("offset") {
        None => Ok(0),
        Some(text) => text
            .parse()
            .ok()
            .filter(|offset| *offset <= MOST_OFFSET)
            .ok_or_else(|| Problem::field("/query/offset", format!("must be a whole number from 0 to {MOST_OFFSET}"))),
    }
}

/// A page of the accounts below, filtered and sorted over all of them. Two reads of the table, whatever their number. Answered 304 to who
/// has its `ETag`.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `busy`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let asked = Asked::read(&mut params)?;
    let limit = params.limit()?;
    let skipped = offset(&mut params)?;
    params.done()?;
    let scene = asked.scene(&call).await?;
    let tag = scene.tag(&call, &format!("{asked:?}\n{limit}\n{skipped}"));
    unless_known(&call, &tag, || {
        let found = matched(scene.view(), &asked.filter(&scene));
        let count = found.rows.len();
        let rows = page(scene.view(), found.rows, asked.sort, skipped, limit);
        let next_offset = Some(skipped + limit).filter(|next| *next < count);
        let data = rows.into_iter().map(|at| scene.view().row(at).into()).collect();
        Reply::ok(&AccountsView { data, total: found.total, matched: count, as_of: scene.roster.as_of, next_offset })
    })
}
