//! The accounts that one event passes: from the one that used something up to the operator, each with its book.

use std::sync::Arc;

use crate::account::Kind;
use crate::id::{AccountId, PromotionId};
use crate::money::Currency;
use crate::pricing::book::PricingBook;
use crate::pricing::card::RateCard;
use crate::pricing::markup::Markup;
use crate::pricing::meter::{Meter, MeterKey};
use crate::pricing::promotion::Promotion;

/// One account of a chain.
#[derive(Debug, Clone)]
pub struct ChainAccount {
    /// Its id.
    pub id: AccountId,
    /// What it is.
    pub kind: Kind,
    /// Its book; an empty one if it never wrote any.
    pub book: Arc<PricingBook>,
}

/// An account and all of its ancestors, the account first and the operator last, in the account's currency.
#[derive(Debug, Clone)]
pub struct Chain {
    accounts: Vec<ChainAccount>,
    currency: Currency,
}

/// The accounts do not make a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No account at all.
    #[error("a chain needs an account")]
    Empty,
    /// An account stands above itself.
    #[error("account {0} stands above itself: prices would run in a circle")]
    Circle(AccountId),
    /// The operator is not the last, or not the only one.
    #[error("a chain ends at the operator, and only there")]
    NotRooted,
}

impl Chain {
    /// The chain of `accounts`: the using account first, then its parent, up to the operator.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn new(accounts: Vec<ChainAccount>, currency: Currency) -> Result<Self, ChainError> {
        for (at, account) in accounts.iter().enumerate() {
            if accounts.iter().take(at).any(|below| below.id == account.id) {
                return Err(ChainError::Circle(account.id.clone()));
            }
            if (account.kind == Kind::Operator) != (at + 1 == accounts.len()) {
                return Err(ChainError::NotRooted);
            }
        }
        if accounts.is_empty() { Err(ChainError::Empty) } else { Ok(Self { accounts, currency }) }
    }

    /// The accounts, the using one first.
    pub fn accounts(&self) -> &[ChainAccount] {
        &self.accounts
    }

    /// The currency of all of its prices.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The using account.
    pub fn account(&self) -> &ChainAccount {
        // `new` refuses an empty chain.
        &self.accounts[0]
    }

    /// The nearest meter of that key, the using account's own included, and where in the chain its owner stands.
    pub fn meter(&self, key: &MeterKey) -> Option<(&Meter, usize)> {
        self.accounts.iter().enumerate().find_map(|(at, account)| account.book.meter(key).map(|meter| (meter, at)))
    }

    /// The card of that id in one of its books.
    pub fn card(&self, id: &str) -> Option<&RateCard> {
        self.accounts
            .iter()
            .flat_map(|account| account.book.cards.iter().chain(account.book.terms.iter().flat_map(|terms| &terms.cards)))
            .find(|card| card.id.as_str() == id)
    }

    /// The markup of that id in one of its books.
    pub fn markup(&self, id: &str) -> Option<&Markup> {
        self.accounts
            .iter()
            .flat_map(|account| account.book.markups.iter().chain(account.book.terms.iter().flat_map(|terms| &terms.markups)))
            .find(|markup| markup.id.as_str() == id)
    }

    /// The promotion of that id in one of its books.
    pub fn promotion(&self, id: &PromotionId) -> Option<&Promotion> {
        self.accounts.iter().flat_map(|account| &account.book.promotions).find(|promotion| promotion.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::testing::{id, usd};

    #[test]
    fn a_chain_has_no_circle_and_ends_at_the_operator() {
        let account = |(n, kind): (usize, Kind)| ChainAccount { id: id(n), kind, book: Arc::default() };
        let chain = |accounts: &[(usize, Kind)]| Chain::new(accounts.iter().copied().map(account).collect(), usd()).map(|_| ());
        let (customer, reseller, operator) = (Kind::Customer, Kind::Reseller, Kind::Operator);
        assert_eq!(chain(&[(0, customer), (1, reseller), (2, operator)]), Ok(()));
        assert_eq!(chain(&[(0, customer), (1, reseller), (0, customer), (2, operator)]), Err(ChainError::Circle(id(0))));
        assert_eq!(chain(&[(1, reseller), (1, reseller), (2, operator)]), Err(ChainError::Circle(id(1))));
        assert_eq!(chain(&[(0, customer), (1, reseller)]), Err(ChainError::NotRooted));
        assert_eq!(chain(&[(0, customer), (2, operator), (1, reseller)]), Err(ChainError::NotRooted));
        assert_eq!(chain(&[]), Err(ChainError::Empty));
    }
}
