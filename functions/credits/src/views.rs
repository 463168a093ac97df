//! What the API shows of credit.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::hold::{Hold, HoldStatus};
use tributary_domain::id::{AccountId, HoldId, LotId, PackageId, TransferId};
use tributary_domain::ledger::{Entry, EntryKind, LedgerId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::text::{Name, Reference};
use tributary_domain::transfer::{DoneLeg, Purchased, Transfer};

/// A movement of credit with one leg.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Transfer))]
pub struct TransferView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TransferId))]
    pub id: TransferId,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EntryKind))]
    pub kind: EntryKind,
    /// The debited account, or `system.issued`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LedgerName))]
    pub from: String,
    /// The credited account, or `system.consumed`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LedgerName))]
    pub to: String,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Available credit of `from` after it; null for a system ledger, and for an account whose balance is not shown to you.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub from_balance: Option<Micros>,
    /// Available credit of `to` after it; null for a system ledger, and for an account whose balance is not shown to you.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub to_balance: Option<Micros>,
    /// The caller's note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>, required))]
    pub reference: Option<Reference>,
    /// The transfer that this one sent back.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub reverses: Option<TransferId>,
    /// What a purchase bought, or what had been bought by the purchase that this one sent back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = PurchasedView, required = false))]
    pub purchase: Option<PurchasedView>,
    /// When it was done.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

/// What was bought.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Purchased))]
pub struct PurchasedView {
    /// The package; null for loose credits.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PackageId>, required))]
    pub package_id: Option<PackageId>,
    /// Its name then; null for loose credits.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>, required))]
    pub name: Option<Name>,
    /// How many of it; 1 for loose credits.
    pub quantity: u32,
    /// The credits that are paid for, of all together.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credits: Micros,
    /// The credits on top, of all together.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub bonus: Micros,
    /// The price of all together, which the buyer owes its parent outside of the ledger.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price: Micros,
    /// The lot that they are in; null if they do not expire.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::LotId>, required))]
    pub lot_id: Option<LotId>,
    /// From when what is left of them expires; null: never.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub expires_at: Option<Timestamp>,
}

impl PurchasedView {
    fn of(bought: &Purchased) -> Self {
        Self {
            package_id: bought.package_id.clone(),
            name: bought.name.clone(),
            quantity: bought.quantity,
            credits: bought.credits,
            bonus: bought.bonus,
            price: bought.price,
            lot_id: bought.lot_id.clone(),
            expires_at: bought.expires_at,
        }
    }
}

/// A movement of credit with several legs.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TransferInLegs))]
pub struct LegsView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TransferId))]
    pub id: TransferId,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EntryKind))]
    pub kind: EntryKind,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The legs, in the order asked for.
    pub legs: Vec<LegView>,
    /// The caller's note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>, required))]
    pub reference: Option<Reference>,
    /// The transfer that this one sent back.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub reverses: Option<TransferId>,
    /// When it was done.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

/// One leg.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Leg))]
pub struct LegView {
    /// The debited account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LedgerName))]
    pub from: String,
    /// The credited account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LedgerName))]
    pub to: String,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// Available credit of `from` after this leg.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub from_balance: Option<Micros>,
    /// Available credit of `to` after this leg.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub to_balance: Option<Micros>,
}

impl LegView {
    fn of(leg: &DoneLeg, visible: &dyn Fn(&LedgerId) -> bool) -> Self {
        Self {
            from: leg.from.public(),
            to: leg.to.public(),
            amount: leg.amount,
            from_balance: visible(&leg.from).then_some(leg.from_balance),
            to_balance: visible(&leg.to).then_some(leg.to_balance),
        }
    }
}

/// A transfer as it is shown: flat with one leg, a list with several.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AnyTransfer))]
pub enum AnyTransferView {
    /// One leg.
    One(TransferView),
    /// Several legs.
    Legs(LegsView),
}

/// Every account's balance, no system ledger's.
fn accounts(ledger: &LedgerId) -> bool {
    ledger.account().is_some()
}

impl AnyTransferView {
    /// A transfer asked for with one leg, all of it the caller's to see.
    pub fn one(transfer: &Transfer) -> Self {
        Self::seen(transfer, &accounts)
    }

    /// A transfer asked for with legs, all of it the caller's to see.
    pub fn legs(transfer: &Transfer) -> Self {
        Self::with_legs(transfer, &accounts)
    }

    /// A transfer with the balances of the ledgers that are `visible`.
    pub fn seen(transfer: &Transfer, visible: &dyn Fn(&LedgerId) -> bool) -> Self {
        let [leg] = transfer.legs.as_slice() else {
            return Self::with_legs(transfer, visible);
        };
        let leg = LegView::of(leg, visible);
        AnyTransferView::One(TransferView {
            id: transfer.id.clone(),
            kind: transfer.kind,
            from: leg.from,
            to: leg.to,
            amount: leg.amount,
            currency: transfer.currency,
            from_balance: leg.from_balance,
            to_balance: leg.to_balance,
            reference: transfer.reference.clone(),
            reverses: transfer.reverses.clone(),
            purchase: transfer.purchase.as_ref().map(PurchasedView::of),
            created_at: transfer.created_at,
        })
    }

    fn with_legs(transfer: &Transfer, visible: &dyn Fn(&LedgerId) -> bool) -> Self {
        AnyTransferView::Legs(LegsView {
            id: transfer.id.clone(),
            kind: transfer.kind,
            currency: transfer.currency,
            legs: transfer.legs.iter().map(|leg| LegView::of(leg, visible)).collect(),
            reference: transfer.reference.clone(),
            reverses: transfer.reverses.clone(),
            created_at: transfer.created_at,
        })
    }
}

/// A transfer looked up, with what became of it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FoundTransfer))]
pub struct FoundTransferView {
    /// The transfer.
    #[serde(flatten)]
    pub transfer: AnyTransferView,
    /// The transfer that sent it back.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub reversed_by: Option<TransferId>,
}

/// A balance.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Balance))]
pub struct BalanceView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Free to spend, before the credit limit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub available: Micros,
    /// Set aside by open holds.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub held: Micros,
    /// How far available may go below zero.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credit_limit: Micros,
    /// Available plus credit limit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub spendable: Micros,
    /// The whole subtree, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = SubtreeBalanceView, required = false))]
    pub subtree: Option<SubtreeBalanceView>,
}

/// Credit that expires.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Lot))]
pub struct LotView {
    /// Its id, which the purchase named.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LotId))]
    pub id: LotId,
    /// What is left of it, credit that is held included.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub left: Micros,
    /// From when what is left expires.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub expires_at: Timestamp,
}

/// Which of an account's credit expires.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Lots))]
pub struct LotsView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The lots, the next to be spent first; at most 20.
    pub lots: Vec<LotView>,
    /// What is in lots, all together.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub expiring: Micros,
    /// Credit that does not expire, available and held; it is spent last. Below zero it is the account's debt.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub lasting: Micros,
    /// What of both is held by open holds.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub held: Micros,
}

/// Sums over a subtree, of the accounts that keep the root's currency.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SubtreeBalance))]
pub struct SubtreeBalanceView {
    /// Accounts, the root included.
    pub accounts: usize,
    /// Available credit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub available: Micros,
    /// Held credit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub held: Micros,
}

/// An entry of a history.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Entry))]
pub struct EntryView {
    /// Its id: the account's and its number.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EntryId))]
    pub id: String,
    /// The transfer it belongs to; null for holds set aside or set free.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub transfer_id: Option<TransferId>,
    /// The hold it belongs to.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::HoldId>, required))]
    pub hold_id: Option<HoldId>,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EntryKind))]
    pub kind: EntryKind,
    /// Change of available credit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// Change of held credit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub held_amount: Micros,
    /// Available credit after it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub balance_after: Micros,
    /// Held credit after it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub held_after: Micros,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The other account, or `system.issued`, `system.consumed`, `system.expired`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::LedgerName>, required))]
    pub counterparty: Option<String>,
    /// The caller's note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>, required))]
    pub reference: Option<Reference>,
    /// When it was written.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

impl EntryView {
    /// An entry as shown.
    pub fn of(entry: &Entry) -> Self {
        Self {
            id: format!("ent_{}_{}", entry.after.ledger, entry.after.seq),
            transfer_id: entry.transfer_id.clone(),
            hold_id: entry.hold_id.clone(),
            kind: entry.kind,
            amount: entry.amount,
            held_amount: entry.held_amount,
            balance_after: entry.after.available,
            held_after: entry.after.held,
            currency: entry.after.currency,
            counterparty: entry.counterparty.as_ref().map(|ledger| ledger.public()),
            reference: entry.reference.clone(),
            created_at: entry.after.at,
        }
    }
}

/// A hold.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Hold))]
pub struct HoldView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::HoldId))]
    pub id: HoldId,
    /// Whose credit is set aside.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Who receives what is captured; null: it is consumed.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub to: Option<AccountId>,
    /// How much is set aside.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// How much was captured.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub captured: Micros,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Its state.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::HoldStatus))]
    pub status: HoldStatus,
    /// The movement of the capture; only in the capture's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TransferId, required = false))]
    pub transfer_id: Option<TransferId>,
    /// The caller's note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>, required))]
    pub reference: Option<Reference>,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// From when it cannot be captured.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub expires_at: Timestamp,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    pub ended_at: Option<Timestamp>,
}

impl HoldView {
    /// A hold as shown.
    pub fn of(hold: &Hold, transfer_id: Option<TransferId>) -> Self {
        Self {
            id: hold.id.clone(),
            account_id: hold.account_id.clone(),
            to: hold.to.clone(),
            amount: hold.amount,
            captured: hold.captured,
            currency: hold.currency,
            status: hold.status,
            transfer_id,
            reference: hold.reference.clone(),
            created_at: hold.created_at,
            expires_at: hold.expires_at,
            ended_at: hold.ended_at,
        }
    }
}
