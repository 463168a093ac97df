//! Invoices made from what is stored: who sells, under which terms, and what the meters are called.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tributary_api::App;
use tributary_domain::account::Account;
use tributary_domain::billing::bill::{Billing, Close};
use tributary_domain::billing::build::{Built, Input, MeterShown, build};
use tributary_domain::billing::cycle::Cycle;
use tributary_domain::billing::invoice::{Invoice, LedgerRange, LineKind, PartyShown};
use tributary_domain::billing::profile::{SellerSettings, Terms};
use tributary_domain::brand::brand_shown_by;
use tributary_domain::id::{AccountId, PromotionId};
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Picos, Quantity};
use tributary_domain::pricing::state::UsageState;
use tributary_store::error::StoreError;

/// All of a seller that its invoices need.
#[derive(Debug)]
pub struct Selling {
    /// How it bills.
    pub settings: SellerSettings,
    shown: PartyShown,
    meters: BTreeMap<MeterKey, MeterShown>,
    promotions: BTreeMap<PromotionId, String>,
}

/// Sellers that were read in this piece of work: four reads for each.
#[derive(Debug, Default)]
pub struct Sellers(HashMap<AccountId, Result<Arc<Selling>, StoreError>>);

impl Sellers {
    /// A seller, read once.
    ///
    /// # Errors
    /// Table errors, the same each time.
    pub async fn of(&mut self, app: &App, seller: &AccountId) -> Result<Arc<Selling>, StoreError> {
        if let Some(known) = self.0.get(seller) {
            return known.clone();
        }
        let read = Selling::read(app, seller).await.map(Arc::new);
        self.0.insert(seller.clone(), read.clone());
        read
    }
}

impl Selling {
    async fn read(app: &App, id: &AccountId) -> Result<Self, StoreError> {
        let account = app.store().account(id).await?;
        let settings = app.store().seller(id).await?.settings;
        let path: Vec<AccountId> = account.lineage.ids().chain([id]).cloned().collect();
        let accounts = app.store().accounts(&path).await?;
        let books = app.store().books(&path).await?;
        let (mut meters, mut promotions) = (BTreeMap::new(), BTreeMap::new());
        // From the root down, so that the nearest says what a meter is called.
        for book in path.iter().filter_map(|id| books.get(id)) {
            for meter in &book.meters {
                let shown = MeterShown { name: meter.name.to_string(), unit: meter.unit.to_string() };
                meters.insert(meter.key.clone(), shown);
            }
        }
        // Of a promotion from further up the buyer learns that it is one, no more.
        for (owner, book) in &books {
            let name = |name: String| if owner == id { name } else { "Promotion".to_owned() };
            promotions.extend(book.promotions.iter().map(|promotion| (promotion.id.clone(), name(promotion.name.to_string()))));
        }
        Ok(Self { shown: shown(&account, &accounts, &settings), settings, meters, promotions })
    }

    /// What is in force for one of its sub-accounts.
    pub fn terms(&self, account: &Account, billing: &Billing) -> Terms {
        billing.profile.terms(&self.settings, account)
    }

    /// The invoice of a period, if there is something to bill: a draft, the same from the same ledger and terms.
    ///
    /// # Errors
    /// When amounts leave their range.
    pub fn make(
        &self,
        account: &Account,
        billing: &Billing,
        close: &Close,
        (to_seq, state): (i64, &UsageState),
    ) -> Result<Built, StoreError> {
        let terms = self.terms(account, billing);
        let input = Input {
            account_id: &account.id,
            seller_id: &close.seller_id,
            currency: account.currency,
            funding: close.funding,
            period: close.period,
            whole: close.whole,
            part: close.part,
            continues: close.continues,
            cut: close.cut.is_some(),
            ledger: LedgerRange { from_seq: billing.watermark, to_seq },
            through: close.through,
            state,
            billed: &billing.billed,
            meters: &self.meters,
            promotions: &self.promotions,
            terms: &terms,
            charges: &billing.charges,
            seller: self.shown.clone(),
            buyer: buyer(account, billing),
            closed_at: close.closed_at,
        };
        Ok(build(&input)?)
    }

    /// What is billed with an invoice that was made before from other terms: its usage is the ledger's all the same, up to the entry that it says.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if its usage is not the ledger's.
    pub async fn made_before(
        &self,
        app: &App,
        account: &Account,
        billing: &Billing,
        close: &Close,
        kept: &Invoice,
    ) -> Result<Built, StoreError> {
        let upto = Close { before: jiff::Timestamp::MAX, at_most: Some(kept.ledger.to_seq), ..close.clone() };
        let (to_seq, state) = app.store().watermark(&account.id, &upto).await?;
        for through in [close.through, None, Some(Month::of(close.period.end).prev())] {
            let close = Close { through, ..close.clone() };
            let built = self.make(account, billing, &close, (to_seq, &state))?;
            if built.invoice.as_ref().map(usage).unwrap_or_default() == usage(kept) {
                return Ok(built);
            }
        }
        Err(StoreError::Corrupt(format!("invoice {} does not follow from its ledger", kept.id)))
    }
}

/// What an invoice says of usage.
fn usage(invoice: &Invoice) -> Vec<(&str, Picos, Option<Quantity>)> {
    let lines = invoice.lines.iter().filter(|line| line.kind == LineKind::Usage);
    lines.map(|line| (line.id.as_str(), line.exact, line.quantity)).collect()
}

/// The periods of an account.
pub fn cycle(account: &Account, billing: &Billing) -> Cycle {
    billing.profile.cycle(account)
}

/// The seller as its invoices show it, given the accounts from the root down to it, itself last.
pub fn shown(account: &Account, path: &[Account], settings: &SellerSettings) -> PartyShown {
    let (brand, seen) = (account.settings.brand.as_ref(), brand_shown_by(path));
    // Its own name and logo alone, where no account above decides them: inherited ones would tell from whom it buys.
    let own_name = brand.and_then(|brand| brand.name.as_ref()).map(ToString::to_string);
    let own_logo = account.portal.logo.clone();
    PartyShown {
        name: account.name.clone(),
        address: settings.address.clone(),
        tax_id: settings.tax_id.clone(),
        email: account.email.clone(),
        brand: own_name.filter(|name| name != account.name.as_str() && seen.as_ref().is_some_and(|seen| seen.name == *name)),
        color: seen.as_ref().and_then(|seen| seen.color.as_ref()).map(|color| color.as_str().to_owned()),
        logo: own_logo.filter(|logo| seen.as_ref().is_some_and(|seen| seen.logo.as_ref() == Some(logo))).map(|logo| logo.digest),
        footer: settings.footer.clone(),
        po_number: None,
    }
}

fn buyer(account: &Account, billing: &Billing) -> PartyShown {
    let profile = &billing.profile;
    PartyShown {
        name: account.name.clone(),
        address: profile.address.clone(),
        tax_id: profile.tax_id.clone(),
        email: account.email.clone(),
        brand: None,
        color: None,
        logo: None,
        footer: None,
        po_number: profile.po_number.clone(),
    }
}
