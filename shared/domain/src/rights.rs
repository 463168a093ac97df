//! Rights: what a caller may do where. One function decides, [`Grants::decide`].
//!
//! A key or member holds a role at one account and with it over that account's subtree. A deny names rights and an
//! account below; it takes them away there and in everything under it, whatever was granted. Deny wins.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, RoleId};
use crate::lineage::Lineage;
use crate::text::RoleName;

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// One named right.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Right {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
        }

        impl Right {
            /// Every right, in the order of the documentation.
            pub const ALL: &'static [Right] = &[$(Right::$name),+];

            /// The right's name on the wire.
            pub fn word(self) -> &'static str {
                match self { $(Right::$name => $word),+ }
            }
        }
    };
}

rights! {
    /// See accounts, their relationships and lists.
    AccountsRead = "accounts.read",
    /// Make sub-accounts.
    AccountsCreate = "accounts.create",
    /// Edit accounts.
    AccountsUpdate = "accounts.update",
    /// Suspend and reactivate sub-accounts.
    AccountsSuspend = "accounts.suspend",
    /// Close sub-accounts.
    AccountsClose = "accounts.close",
    /// Move sub-accounts to another parent.
    AccountsMove = "accounts.move",
    /// See balances, history, transfers and holds.
    CreditsRead = "credits.read",
    /// Move credit down the tree.
    CreditsAllocate = "credits.allocate",
    /// Move credit between any two accounts.
    CreditsTransfer = "credits.transfer",
    /// Send a transfer back.
    CreditsReverse = "credits.reverse",
    /// Hold, capture and release credit.
    CreditsHold = "credits.hold",
    /// Set how far an account's credit may go below zero. A limit is credit that nobody paid for, so like
    /// [`Right::CreditsIssue`] it is only ever held at the operator's account.
    CreditsLimit = "credits.limit",
    /// Bring credit into being. Only ever held at the operator's account.
    CreditsIssue = "credits.issue",
    /// Buy packages of credit.
    CreditsPurchase = "credits.purchase",
    /// See meters, prices, tiers, promotions and packages, as far as they concern the caller's own level.
    PricingRead = "pricing.read",
    /// Set meters, prices, markups, promotions, packages and how sub-accounts pay.
    PricingManage = "pricing.manage",
    /// See invoices, credit notes, payments, disputes and how billing is set.
    BillingRead = "billing.read",
    /// Set how sub-accounts are billed, run billing, charge, pay, void and correct invoices.
    BillingManage = "billing.manage",
    /// Open, answer and resolve disputes.
    DisputesManage = "disputes.manage",
    /// See usage, and what it costs at the caller's own level.
    UsageRead = "usage.read",
    /// Send usage.
    UsageWrite = "usage.write",
    /// Void and correct usage.
    UsageAdjust = "usage.adjust",
    /// See alerts, and with them the values that they told.
    AlertsRead = "alerts.read",
    /// Set and remove alerts. An alert tells values whatever else may be seen.
    AlertsManage = "alerts.manage",
    /// See webhook endpoints (never their secrets) and what was delivered to them.
    WebhooksRead = "webhooks.read",
    /// Make, change and remove webhook endpoints, and with them have sent out what events tell.
    WebhooksManage = "webhooks.manage",
    /// See bulk jobs and their rows.
    BulkRead = "bulk.read",
    /// Start and steer bulk jobs. What a job does needs the right of that, too.
    BulkManage = "bulk.manage",
    /// See what the subtree brings in, costs and keeps: overviews, profit, churn, acquisition, and who did what.
    InsightsRead = "insights.read",
    /// Write down what was spent on being found.
    InsightsManage = "insights.manage",
    /// See API keys (never their secrets).
    KeysRead = "keys.read",
    /// Make, rotate and revoke API keys.
    KeysManage = "keys.manage",
    /// See members and who may do what.
    MembersRead = "members.read",
    /// Add, change and remove members and denies.
    MembersManage = "members.manage",
    /// See custom roles.
    RolesRead = "roles.read",
    /// Make, change and remove custom roles.
    RolesManage = "roles.manage",
}

impl Right {
    /// Whether the right makes credit that nobody paid for: it counts only at the operator's account.
    pub fn is_operators(self) -> bool {
        matches!(self, Right::CreditsIssue | Right::CreditsLimit)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A set of rights, in the documentation's order.
pub type RightSet = BTreeSet<Right>;

/// The roles every account knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuiltInRole {
    /// Everything.
    Owner,
    /// Everything but closing accounts and setting credit limits.
    Admin,
    /// Credit, and what is needed to see whose it is.
    Billing,
    /// Looks, and edits accounts' details.
    Support,
    /// Looks.
    Viewer,
}

impl BuiltInRole {
    /// Every built-in role, strongest first.
    pub const ALL: [BuiltInRole; 5] =
        [BuiltInRole::Owner, BuiltInRole::Admin, BuiltInRole::Billing, BuiltInRole::Support, BuiltInRole::Viewer];

    /// The role's name on the wire.
    pub fn word(self) -> &'static str {
        match self {
            BuiltInRole::Owner => "owner",
            BuiltInRole::Admin => "admin",
            BuiltInRole::Billing => "billing",
            BuiltInRole::Support => "support",
            BuiltInRole::Viewer => "viewer",
        }
    }

    /// The role of that name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether the role carries the right. [`Right::CreditsIssue`] is carried in name by owner and billing; it counts
    /// only at the operator's account (see [`Grants::decide`]).
    pub fn carries(self, right: Right) -> bool {
        use BuiltInRole::{Admin, Billing, Owner, Support, Viewer};
        match right {
            Right::AccountsRead
            | Right::CreditsRead
            | Right::PricingRead
            | Right::UsageRead
            | Right::AlertsRead
            | Right::BulkRead
            | Right::InsightsRead
            | Right::BillingRead => {
                matches!(self, Owner | Admin | Billing | Support | Viewer)
            }
            Right::KeysRead | Right::MembersRead | Right::RolesRead | Right::WebhooksRead => {
                matches!(self, Owner | Admin | Support | Viewer)
            }
            Right::AccountsUpdate => matches!(self, Owner | Admin | Support),
            Right::DisputesManage => matches!(self, Owner | Admin | Billing | Support),
            Right::AccountsCreate | Right::AccountsSuspend | Right::AccountsMove => matches!(self, Owner | Admin),
            Right::CreditsAllocate
            | Right::CreditsTransfer
            | Right::CreditsReverse
            | Right::CreditsHold
            | Right::CreditsPurchase
            | Right::UsageWrite
            | Right::UsageAdjust
            | Right::AlertsManage
            | Right::BillingManage
            | Right::InsightsManage
            | Right::BulkManage => matches!(self, Owner | Admin | Billing),
            Right::PricingManage | Right::WebhooksManage | Right::KeysManage | Right::MembersManage | Right::RolesManage => {
                matches!(self, Owner | Admin)
            }
            Right::AccountsClose | Right::CreditsLimit => matches!(self, Owner),
            Right::CreditsIssue => matches!(self, Owner | Billing),
        }
    }

    /// The rights the role carries.
    pub fn rights(self) -> RightSet {
        Right::ALL.iter().copied().filter(|right| self.carries(*right)).collect()
    }
}

/// A role as a grant names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleRef {
    /// One of the roles every account knows.
    BuiltIn(BuiltInRole),
    /// A custom role, by the account that defined it.
    Custom {
        /// The account that defined the role.
        account_id: AccountId,
        /// The role.
        role_id: RoleId,
        /// Its name when it was granted, for showing.
        name: RoleName,
    },
}

impl RoleRef {
    /// The role's name on the wire.
    pub fn word(&self) -> &str {
        match self {
            RoleRef::BuiltIn(role) => role.word(),
            RoleRef::Custom { name, .. } => name.as_str(),
        }
    }
}

/// Rights taken away at an account and below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deny {
    /// Where the deny begins.
    pub account_id: AccountId,
    /// What it takes away.
    pub rights: RightSet,
}

/// The most denies one key or member carries.
pub const MAX_DENIES: usize = 50;

/// What a key or member holds, resolved: its home account, the rights its role carries there, and its denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// The account at which the role is held.
    pub home: AccountId,
    /// The home account is the operator's.
    pub home_is_operator: bool,
    /// The role, by name.
    pub role: String,
    /// The rights the role carries.
    pub rights: RightSet,
    /// What was taken away below.
    pub denies: Vec<Deny>,
}

/// Why a right is held or not at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The role at `home` carries it.
    Granted,
    /// The role does not carry it.
    NotInRole,
    /// It counts only at the operator's account.
    OperatorOnly,
    /// A deny at this account took it away.
    DeniedAt(AccountId),
    /// The target is not in the home account's subtree.
    OutsideSubtree,
}

impl Verdict {
    /// Whether the right is held.
    pub fn allows(&self) -> bool {
        matches!(self, Verdict::Granted)
    }
}

impl Grants {
    /// Decides one right over the account `target`, whose ancestors are `lineage`. The one place where rights are
    /// decided.
    pub fn decide(&self, right: Right, target: &AccountId, lineage: &Lineage) -> Verdict {
        if target != &self.home && !lineage.has(&self.home) {
            return Verdict::OutsideSubtree;
        }
        if right.is_operators() && !self.home_is_operator {
            return Verdict::OperatorOnly;
        }
        let denied = |deny: &&Deny| deny.rights.contains(&right) && (target == &deny.account_id || lineage.has(&deny.account_id));
        if let Some(deny) = self.denies.iter().find(denied) {
            return Verdict::DeniedAt(deny.account_id.clone());
        }
        if self.rights.contains(&right) { Verdict::Granted } else { Verdict::NotInRole }
    }

    /// The rights held over `target`.
    pub fn rights_at(&self, target: &AccountId, lineage: &Lineage) -> RightSet {
        Right::ALL.iter().copied().filter(|right| self.decide(*right, target, lineage).allows()).collect()
    }

    /// Which of `wanted` are not held over `target`, and so may not be granted there.
    pub fn lacking(&self, wanted: &RightSet, target: &AccountId, lineage: &Lineage) -> RightSet {
        // Making credit counts only at the root; anywhere below, a role may carry it in name.
        let counts = |right: &Right| !right.is_operators() || lineage.depth() == 0;
        wanted.iter().copied().filter(counts).filter(|right| !self.decide(*right, target, lineage).allows()).collect()
    }
}

impl Grants {
    /// The denies of this caller that take away a right of `wanted` where `theirs` does not: whoever holds `wanted` with
    /// no other denies than `theirs` could do more below than the caller may.
    pub fn not_denied_too(&self, wanted: &RightSet, theirs: &[Deny]) -> Vec<Deny> {
        let also_denied = |at: &AccountId, right: &Right| theirs.iter().any(|deny| &deny.account_id == at && deny.rights.contains(right));
        let missing = |deny: &Deny| {
            let rights: RightSet =
                deny.rights.iter().copied().filter(|right| wanted.contains(right) && !also_denied(&deny.account_id, right)).collect();
            Deny { account_id: deny.account_id.clone(), rights }
        };
        self.denies.iter().map(missing).filter(|deny| !deny.rights.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(n))
    }

    fn grants(role: BuiltInRole, home: AccountId, denies: Vec<Deny>) -> Grants {
        Grants { home, home_is_operator: false, role: role.word().to_owned(), rights: role.rights(), denies }
    }

    #[test]
    fn a_role_reaches_its_home_and_everything_below_and_nothing_else() {
        let owner = grants(BuiltInRole::Owner, id(1), vec![]);
        let below = Lineage::root().child(&id(0), 0).and_then(|l| l.child(&id(1), 0)).expect("shallow");
        let beside = Lineage::root().child(&id(0), 0).expect("shallow");
        assert!(owner.decide(Right::CreditsTransfer, &id(2), &below).allows());
        assert!(owner.decide(Right::CreditsTransfer, &id(1), &beside).allows());
        assert_eq!(owner.decide(Right::AccountsRead, &id(3), &beside), Verdict::OutsideSubtree);
        assert_eq!(owner.decide(Right::CreditsIssue, &id(1), &beside), Verdict::OperatorOnly);
    }

    #[test]
    fn a_deny_below_wins_there_and_under_it_only() {
        let deny = Deny { account_id: id(2), rights: [Right::CreditsTransfer].into() };
        let owner = grants(BuiltInRole::Owner, id(1), vec![deny]);
        let at_home = Lineage::root();
        let at_two = at_home.child(&id(1), 0).expect("shallow");
        let under_two = at_two.child(&id(2), 0).expect("shallow");
        assert!(owner.decide(Right::CreditsTransfer, &id(1), &at_home).allows());
        assert_eq!(owner.decide(Right::CreditsTransfer, &id(2), &at_two), Verdict::DeniedAt(id(2)));
        assert_eq!(owner.decide(Right::CreditsTransfer, &id(3), &under_two), Verdict::DeniedAt(id(2)));
        assert!(owner.decide(Right::CreditsRead, &id(3), &under_two).allows());
        assert_eq!(
            owner.lacking(&[Right::CreditsTransfer, Right::CreditsRead].into(), &id(3), &under_two),
            [Right::CreditsTransfer].into()
        );
    }

    #[test]
    fn each_role_carries_a_subset_of_the_next_stronger_but_for_money_and_support() {
        let carries = |role: BuiltInRole| role.rights();
        assert!(carries(BuiltInRole::Viewer).is_subset(&carries(BuiltInRole::Support)));
        for role in BuiltInRole::ALL {
            assert!(carries(role).is_subset(&carries(BuiltInRole::Owner)));
        }
        assert!(!carries(BuiltInRole::Admin).contains(&Right::CreditsLimit));
    }
}
