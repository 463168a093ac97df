//! `GET /reseller/insights/acquisition`: what a new account costs, and when it is paid back.

use std::collections::BTreeMap;

use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::div_half_even;
use tributary_insights::figures::{Total, month_number, ratio, shown};

use crate::accounts::offset;
use crate::scene::{Scene, months_of};
use crate::spend::USUAL_MONTHS;
use crate::views::{AboutView, ProfitView};

/// The tags that say where an account comes from.
const CHANNEL: &str = "channel";
const CAMPAIGN: &str = "campaign";

/// What accounts of one channel and campaign cost and bring in.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAcquired))]
pub struct AcquiredView {
    /// What was spent in these months.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub spend: String,
    /// Direct sub-accounts made in these months.
    pub accounts: usize,
    /// The spending for each of them; null without any.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub cac: Option<String>,
    /// What they brought in in these months, cost, and left.
    #[serde(flatten)]
    pub profit: ProfitView,
    /// After how many months their margin pays the spending back, if it goes on as it was from the month each was made; null without margin.
    #[cfg_attr(feature = "openapi", schema(required, example = "7.25"))]
    pub payback_months: Option<String>,
}

/// A channel and campaign.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAcquisitionRow))]
pub struct RowView {
    /// The channel; null of accounts without that tag.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub channel: Option<String>,
    /// The campaign; null without one.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub campaign: Option<String>,
    /// The figures.
    #[serde(flatten)]
    pub acquired: AcquiredView,
}

/// What new accounts cost.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAcquisition))]
pub struct AcquisitionView {
    /// Whose, in which currency, as of when.
    #[serde(flatten)]
    pub about: AboutView,
    /// The first month.
    #[cfg_attr(feature = "openapi", schema(example = "2026-01"))]
    pub from: String,
    /// The last.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub to: String,
    /// By channel and campaign, what most was spent on first.
    pub rows: Vec<RowView>,
    /// How many rows there are.
    pub total_rows: usize,
    /// Where the next page begins; null after the last.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_offset: Option<usize>,
    /// The rows of all pages together.
    pub total: AcquiredView,
}

/// Sums of one channel and campaign.
#[derive(Debug, Clone, Copy, Default)]
struct Acquired {
    spend: i128,
    accounts: usize,
    total: Total,
    /// How many months each account was there, together.
    months: i128,
}

impl Acquired {
    fn add(&mut self, other: Acquired) {
        self.spend += other.spend;
        self.accounts += other.accounts;
        self.total.revenue += other.total.revenue;
        self.total.cost += other.total.cost;
        self.months += other.months;
    }

    fn view(self) -> AcquiredView {
        let accounts = i128::try_from(self.accounts).unwrap_or(i128::MAX);
        // Spending over what one month of all of them leaves: margin · accounts ÷ account months.
        let a_month = self.total.margin().saturating_mul(accounts);
        let paid_back = a_month > 0 && self.months > 0;
        AcquiredView {
            spend: shown(self.spend),
            accounts: self.accounts,
            cac: (accounts > 0).then(|| shown(div_half_even(self.spend, accounts))),
            profit: self.total.into(),
            payback_months: if paid_back { ratio(self.spend.saturating_mul(self.months), a_month, 1) } else { None },
        }
    }
}

/// What the accounts that were made in some months cost and bring in, by channel and campaign: a page of the rows; the sum is of all of them.
///
/// # Errors
/// `forbidden`, `validation_failed`, `limit_reached`, `busy`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (from, to) = months_of(&mut params, call.app.now(), USUAL_MONTHS)?;
    let limit = params.limit()?;
    let skipped = offset(&mut params)?;
    params.done()?;
    let scene = Scene::at(&call, None).await?;
    let kept = scene.roster.months(&call.app).await?;
    let mut by_channel = BTreeMap::<(Option<String>, Option<String>), Acquired>::new();
    for spend in call.store().every_spend(&scene.home, (from, to)).await? {
        let key = (Some(spend.channel.to_string()), spend.campaign.map(|campaign| campaign.to_string()));
        by_channel.entry(key).or_default().spend += i128::from(spend.amount.micros().get());
    }
    let (first, last) = (month_number(from), month_number(to));
    for row in scene.children().into_iter().filter(|row| scene.counts(row)) {
        let Some(made) = row.created().map(|at| month_number(Month::of(at))).filter(|made| (first..=last).contains(made)) else { continue };
        let key = (row.tag(CHANNEL).map(str::to_owned), row.tag(CHANNEL).and_then(|_| row.tag(CAMPAIGN)).map(str::to_owned));
        let sum = by_channel.entry(key).or_default();
        sum.accounts += 1;
        sum.months += i128::from(last - made + 1);
        kept.between(row.id().as_u128(), first, last + 1).for_each(|month| sum.total.add(month.figures));
    }
    let mut total = Acquired::default();
    by_channel.values().for_each(|acquired| total.add(*acquired));
    let mut all: Vec<_> = by_channel.into_iter().collect();
    // Rows of the same spending stay in the order of their channel and campaign.
    all.sort_by_key(|(_, acquired)| std::cmp::Reverse(acquired.spend));
    let total_rows = all.len();
    let row = |((channel, campaign), acquired): ((Option<String>, Option<String>), Acquired)| RowView {
        channel,
        campaign,
        acquired: acquired.view(),
    };
    Reply::ok(&AcquisitionView {
        about: AboutView { account_id: scene.home.clone(), currency: scene.currency(), as_of: scene.roster.as_of },
        from: from.to_string(),
        to: to.to_string(),
        rows: all.into_iter().skip(skipped).take(limit).map(row).collect(),
        total_rows,
        next_offset: skipped.checked_add(limit).filter(|next| *next < total_rows),
        total: total.view(),
    })
}
