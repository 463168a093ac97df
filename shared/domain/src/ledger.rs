//! The ledger: for each account one chain of entries, numbered from 1 without gaps, each carrying the state after it.
//! The newest entry *is* the balance. An entry is appended only if its number is free, so two writers can never both
//! build on the same state (see `docs/adr/0002-entries-are-the-balance.md`).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::account::{Funding, Kind, Status};
use crate::id::{AccountId, HoldId, TransferId};
use crate::lineage::Lineage;
use crate::lot::Lots;
use crate::money::{Currency, Micros, Overflow};
use crate::text::Reference;

/// How many ledgers share the work of one system ledger, so that no single chain serves the whole platform.
pub const SYSTEM_STRIPES: u8 = 16;

/// Whose chain of entries it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerId {
    /// An account's credit.
    Account(AccountId),
    /// A system ledger, which makes every sum zero.
    System(System),
}

/// A system ledger: what it counts, in which currency, and its stripe (0 to [`SYSTEM_STRIPES`] − 1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct System {
    /// What it counts.
    pub book: Book,
    /// The currency's code.
    pub currency: String,
    /// Which stripe.
    pub stripe: u8,
}

/// What a system ledger counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Book {
    /// Credit brought into being; its balance is minus all credit ever issued.
    Issued,
    /// Credit used up.
    Consumed,
    /// Credit whose time was over.
    Expired,
    /// Credit that a bulk job has taken from its payer and not handed out yet.
    Escrow,
}

impl Book {
    /// Every book.
    pub const ALL: [Book; 4] = [Book::Issued, Book::Consumed, Book::Expired, Book::Escrow];

    /// The book's name.
    pub fn word(self) -> &'static str {
        match self {
            Book::Issued => "issued",
            Book::Consumed => "consumed",
            Book::Expired => "expired",
            Book::Escrow => "escrow",
        }
    }
}

impl LedgerId {
    /// The system ledger that stands opposite to `account`: the stripe follows from the account's id, so one account
    /// always meets the same one.
    pub fn system(book: Book, currency: Currency, account: &AccountId) -> Self {
        LedgerId::System(System { book, currency: currency.code().to_owned(), stripe: stripe_of(account.as_str(), SYSTEM_STRIPES) })
    }

    /// The account, if it is an account's ledger.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            LedgerId::Account(id) => Some(id),
            LedgerId::System(_) => None,
        }
    }

    /// The name shown to people: the account's id, or `system.issued` without currency and stripe.
    pub fn public(&self) -> String {
        match self {
            LedgerId::Account(id) => id.to_string(),
            LedgerId::System(system) => format!("system.{}", system.book.word()),
        }
    }
}

/// Spreads names over `stripes` numbers, the same name always to the same one (FNV-1a, 64 bits).
pub fn stripe_of(name: &str, stripes: u8) -> u8 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    u8::try_from((hash ^ (hash >> 32)) % u64::from(stripes.max(1))).unwrap_or(0)
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LedgerId::Account(id) => write!(f, "{id}"),
            LedgerId::System(s) => write!(f, "sys_{}_{}_{:02}", s.book.word(), s.currency, s.stripe),
        }
    }
}

/// A stored ledger id could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored ledger id {0:?} is malformed")]
pub struct LedgerIdError(String);

impl FromStr for LedgerId {
    type Err = LedgerIdError;

    fn from_str(text: &str) -> Result<Self, LedgerIdError> {
        let malformed = || LedgerIdError(text.to_owned());
        let Some(rest) = text.strip_prefix("sys_") else {
            return text.parse().map(LedgerId::Account).map_err(|_| malformed());
        };
        let mut parts = rest.split('_');
        let (Some(book), Some(currency), Some(stripe), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        let book = Book::ALL.into_iter().find(|b| b.word() == book).ok_or_else(malformed)?;
        Ok(LedgerId::System(System { book, currency: currency.to_owned(), stripe: stripe.parse().map_err(|_| malformed())? }))
    }
}

impl Serialize for LedgerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LedgerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The state of a ledger after its newest entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose ledger.
    pub ledger: LedgerId,
    /// The newest entry's number; 0 for a system ledger nothing was written to yet.
    pub seq: i64,
    /// The account's ancestors; the root lineage for the operator and for system ledgers.
    pub lineage: Lineage,
    /// How often the account itself was moved.
    pub generation: u32,
    /// What the account is; system ledgers count as the operator's.
    pub kind: Kind,
    /// The account's own state.
    pub status: Status,
    /// The ledger's currency.
    pub currency: Currency,
    /// Credit free to spend (may be below zero down to −`credit_limit`; a system ledger's has no floor).
    pub available: Micros,
    /// Credit held for open holds.
    pub held: Micros,
    /// How far `available` may go below zero.
    pub credit_limit: Micros,
    /// How the account pays its parent for usage.
    pub funding: Funding,
    /// The part of its credit that expires.
    pub lots: Lots,
    /// The newest entry that carries the account's usage; 0 if there is none.
    pub usage_seq: i64,
    /// When the newest entry was written. Along one ledger it never falls, whatever the writers' clocks say.
    pub at: Timestamp,
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Credit given down the tree.
    Allocation,
    /// Credit moved between two accounts of one subtree.
    Transfer,
    /// Credit brought into being.
    Issue,
    /// A transfer sent back.
    Reversal,
    /// What was left when an account was closed, sent to its parent.
    Sweep,
    /// Credit set aside.
    Hold,
    /// Held credit spent.
    Capture,
    /// Held credit set free.
    Release,
    /// Held credit set free because its time was over.
    Expiry,
    /// A package of credit bought from the parent.
    Purchase,
    /// Credit drawn from the parent because there was little left.
    AutoTopup,
    /// Credit of a lot that was not spent in its time.
    LotExpired,
    /// Usage: what sub-accounts paid the account, less what it pays itself.
    Usage,
    /// Usage voided or corrected.
    UsageAdjustment,
    /// What a bulk job will hand out, taken from its payer at once.
    BulkEscrow,
    /// What a bulk job did not hand out, sent back.
    BulkReturn,
    /// An invoice paid from credit: to the seller.
    InvoicePayment,
    /// A credit note of a paid invoice, given as credit by the seller.
    CreditNote,
    /// Credit bought with a card.
    CardTopup,
    /// The ledger began.
    Opened,
    /// The account was suspended.
    Suspended,
    /// The account was reactivated.
    Reactivated,
    /// The account was closed.
    Closed,
    /// The account was moved to another parent.
    Moved,
    /// The stored ancestors were brought up to date after an ancestor's move.
    Relocated,
    /// The credit limit was set.
    LimitSet,
    /// How the account pays for usage was set.
    FundingSet,
}

impl EntryKind {
    /// The kinds that move credit: these are what a history shows.
    pub const MONEY: [EntryKind; 19] = [
        EntryKind::Allocation,
        EntryKind::Transfer,
        EntryKind::Issue,
        EntryKind::Reversal,
        EntryKind::Sweep,
        EntryKind::Hold,
        EntryKind::Capture,
        EntryKind::Release,
        EntryKind::Expiry,
        EntryKind::Purchase,
        EntryKind::AutoTopup,
        EntryKind::LotExpired,
        EntryKind::Usage,
        EntryKind::UsageAdjustment,
        EntryKind::BulkEscrow,
        EntryKind::BulkReturn,
        EntryKind::InvoicePayment,
        EntryKind::CreditNote,
        EntryKind::CardTopup,
    ];

    /// The kind's name on the wire.
    pub fn word(self) -> &'static str {
        match self {
            EntryKind::Allocation => "allocation",
            EntryKind::Transfer => "transfer",
            EntryKind::Issue => "issue",
            EntryKind::Reversal => "reversal",
            EntryKind::Sweep => "sweep",
            EntryKind::Hold => "hold",
            EntryKind::Capture => "capture",
            EntryKind::Release => "release",
            EntryKind::Expiry => "expiry",
            EntryKind::Purchase => "purchase",
            EntryKind::AutoTopup => "auto_topup",
            EntryKind::LotExpired => "lot_expired",
            EntryKind::Usage => "usage",
            EntryKind::UsageAdjustment => "usage_adjustment",
            EntryKind::BulkEscrow => "bulk_escrow",
            EntryKind::BulkReturn => "bulk_return",
            EntryKind::InvoicePayment => "invoice_payment",
            EntryKind::CreditNote => "credit_note",
            EntryKind::CardTopup => "card_topup",
            EntryKind::Opened => "opened",
            EntryKind::Suspended => "suspended",
            EntryKind::Reactivated => "reactivated",
            EntryKind::Closed => "closed",
            EntryKind::Moved => "moved",
            EntryKind::Relocated => "relocated",
            EntryKind::LimitSet => "limit_set",
            EntryKind::FundingSet => "funding_set",
        }
    }

    /// Whether the kind moves credit.
    pub fn is_money(self) -> bool {
        Self::MONEY.contains(&self)
    }

    /// Whether a debit of this kind is spending, which a suspension stops. Credit that returns to where it came from
    /// is not, nor is paying an invoice: a suspension because of a debt would never end.
    pub fn is_spending(self) -> bool {
        matches!(
            self,
            EntryKind::Allocation
                | EntryKind::Transfer
                | EntryKind::Hold
                | EntryKind::Capture
                | EntryKind::Purchase
                | EntryKind::AutoTopup
                | EntryKind::Usage
                | EntryKind::BulkEscrow
                | EntryKind::CardTopup
        )
    }
}

/// One entry of a ledger. Never changed, never removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub kind: EntryKind,
    /// The transfer it belongs to.
    pub transfer_id: Option<TransferId>,
    /// The hold it belongs to.
    pub hold_id: Option<HoldId>,
    /// Change of `available`.
    pub amount: Micros,
    /// Change of `held`.
    pub held_amount: Micros,
    /// The other side.
    pub counterparty: Option<LedgerId>,
    /// The caller's note.
    pub reference: Option<Reference>,
    /// The state after it, its own number and time included.
    pub after: Head,
}

/// Why credit cannot move as asked. In the order in which they are checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreditError {
    /// From and to are one account.
    #[error("credit cannot be moved from an account to itself")]
    SameAccount,
    /// The accounts keep different currencies.
    #[error("the accounts keep different currencies: {from} and {to}")]
    CurrencyMismatch {
        /// Currency of the debited account.
        from: Currency,
        /// Currency of the credited account.
        to: Currency,
    },
    /// An allocation must go down the tree.
    #[error("an allocation goes down the tree: {to} is not below {from}")]
    NotBelow {
        /// The debited account.
        from: AccountId,
        /// The credited account.
        to: AccountId,
    },
    /// The account is closed.
    #[error("account {0} is closed")]
    Closed(AccountId),
    /// The account, or an ancestor of it, is suspended.
    #[error("account {0} is suspended, or stands below a suspended account, and cannot spend")]
    Suspended(AccountId),
    /// Too little credit.
    #[error("account {account} can spend {spendable} {currency}, which is less than {required}")]
    Insufficient {
        /// The account.
        account: AccountId,
        /// Its available credit.
        available: Micros,
        /// Its available credit plus its credit limit.
        spendable: Micros,
        /// What was asked for.
        required: Micros,
        /// The currency.
        currency: Currency,
    },
    /// A purchase cannot be sent back whole any more.
    #[error("part of the purchase has been spent or has expired")]
    LotUsed,
    /// The account keeps as many lots as it can.
    #[error("account {0} has credit left of {max} purchases that expire, the most there may be", max = crate::lot::MAX_LOTS)]
    TooManyLots(AccountId),
    /// A balance would leave the range of 64-bit micro-units.
    #[error("a balance would become too large to keep")]
    Overflow,
}

impl From<Overflow> for CreditError {
    fn from(_: Overflow) -> Self {
        CreditError::Overflow
    }
}

impl Head {
    /// The state of a system ledger that nothing was written to yet.
    pub fn empty_system(ledger: LedgerId, currency: Currency) -> Self {
        Self {
            ledger,
            seq: 0,
            lineage: Lineage::root(),
            generation: 0,
            kind: Kind::Operator,
            status: Status::Active,
            currency,
            available: Micros::ZERO,
            held: Micros::ZERO,
            credit_limit: Micros::ZERO,
            funding: Funding::Prepaid,
            lots: Lots::default(),
            usage_seq: 0,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// What can be spent: available plus credit limit, never shown below zero.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn spendable(&self) -> Result<Micros, Overflow> {
        self.available.plus(self.credit_limit).map(|sum| sum.max(Micros::ZERO))
    }

    /// The entry that says `kind` happened, after changing the state by `change`. Credit that leaves is taken from the lots
    /// first, the one that expires next before all others, but for what `change` itself took out of a lot or put into one;
    /// credit that is only held stays in its lot.
    ///
    /// # Errors
    /// [`Overflow`] of the number or of a balance.
    pub fn state_entry(&self, kind: EntryKind, now: Timestamp, change: impl FnOnce(&mut Head)) -> Result<Entry, Overflow> {
        let mut after = self.clone();
        after.seq = self.seq.checked_add(1).ok_or(Overflow)?;
        after.at = now.max(self.at);
        change(&mut after);
        let spent = self.available.plus(self.held)?.minus(after.available.plus(after.held)?)?;
        let taken = self.lots.total()?.minus(after.lots.total()?)?;
        after.lots.spend(spent.minus(taken)?);
        Ok(Entry {
            kind,
            transfer_id: None,
            hold_id: None,
            amount: Micros::ZERO,
            held_amount: Micros::ZERO,
            counterparty: None,
            reference: None,
            after,
        })
    }

    /// Refuses a debit of `required` that this account may not make: closed, suspended, too little.
    ///
    /// # Errors
    /// [`CreditError::Closed`], [`CreditError::Suspended`], [`CreditError::Insufficient`], [`CreditError::Overflow`].
    pub fn may_debit(&self, kind: EntryKind, required: Micros) -> Result<(), CreditError> {
        let LedgerId::Account(account) = &self.ledger else {
            return Ok(());
        };
        match self.status {
            Status::Closed => return Err(CreditError::Closed(account.clone())),
            Status::Suspended if kind.is_spending() => return Err(CreditError::Suspended(account.clone())),
            Status::Suspended | Status::Active => {}
        }
        // A sweep takes what is there, and capturing takes what was already set aside.
        let spendable = self.spendable()?;
        if required > spendable {
            let (available, currency) = (self.available, self.currency);
            return Err(CreditError::Insufficient { account: account.clone(), available, spendable, required, currency });
        }
        Ok(())
    }

    /// Refuses a credit to a closed account.
    ///
    /// # Errors
    /// [`CreditError::Closed`].
    pub fn may_credit(&self) -> Result<(), CreditError> {
        match (&self.ledger, self.status) {
            (LedgerId::Account(account), Status::Closed) => Err(CreditError::Closed(account.clone())),
            (LedgerId::Account(_), Status::Active | Status::Suspended) | (LedgerId::System(_), _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn ledger_ids_read_back() {
        let account = AccountId::from_uuid(Uuid::from_u128(9));
        let usd: Currency = "USD".parse().expect("a currency");
        for ledger in [
            LedgerId::Account(account.clone()),
            LedgerId::system(Book::Issued, usd, &account),
            LedgerId::system(Book::Consumed, usd, &account),
        ] {
            assert_eq!(ledger.to_string().parse::<LedgerId>(), Ok(ledger));
        }
        assert!("sys_issued_USD".parse::<LedgerId>().is_err());
    }

    #[test]
    fn stripes_spread_evenly_enough() {
        let mut counts = [0_u32; 16];
        for n in 0..16_000_u128 {
            let id = AccountId::from_uuid(Uuid::from_u128(n << 64));
            counts[usize::from(stripe_of(id.as_str(), 16))] += 1;
        }
        assert!(counts.iter().all(|c| (700..1300).contains(c)), "{counts:?}");
    }
}
