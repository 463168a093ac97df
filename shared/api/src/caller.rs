//! The caller: who a credential stands for, and what they may do. The tenant comes from here, never from a body.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use tributary_domain::id::{AccountId, ClockId, KeyId};
use tributary_domain::lineage::Lineage;
use tributary_domain::rights::{Grants, Right, Verdict};
use tributary_store::authentication::Authenticated;
use tributary_store::error::Denied;
use tributary_store::heads::Heads;
use tributary_store::principals::{ApiKey, Grantor};
use tributary_store::roles::CustomRole;

use crate::app::App;
use crate::clocks;
use crate::code::Code;
use crate::keys::well_formed;
use crate::problem::Problem;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key used.
    pub key_id: KeyId,
    /// The caller's account.
    pub account_id: AccountId,
    /// What the key holds.
    pub grants: Grants,
    /// The test clock that its account is on.
    pub clock: Option<ClockId>,
    hash: String,
    version: i64,
    role: Option<CustomRole>,
}

/// One answer for a missing, malformed, unknown, expired and revoked key.
fn unauthorized() -> Problem {
    Problem::new(Code::Unauthorized, "Send a valid API key as `Authorization: Bearer rk_…`.")
}

impl Caller {
    /// Finds the caller, and the app at the time that counts for it: one read, one more for a custom role, and one for who is on a test clock or names one.
    ///
    /// # Errors
    /// `unauthorized`, `validation_failed` for a test clock that is not the caller's; store errors.
    pub async fn identify(app: &App, headers: &HeaderMap) -> Result<(Self, App), Problem> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(unauthorized)?;
        let (scheme, secret) = header.split_once(' ').ok_or_else(unauthorized)?;
        let secret = secret.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || !well_formed(secret, app.mode()) {
            return Err(unauthorized());
        }
        let (caller, key) = Self::found(app, &app.secrets().hash_key(secret)).await?;
        let named = headers.get(clocks::HEADER).map(|value| value.to_str().unwrap_or_default());
        let app = clocks::time_of(app, &caller, named).await?;
        // Its time may be over by its own clock.
        if key.is_over(&caller.hash, app.now()) { Err(unauthorized()) } else { Ok((caller, app)) }
    }

    /// The caller of a credential that was seen before, as it is now: one read, one more for a custom role.
    ///
    /// # Errors
    /// `unauthorized` if it was revoked meanwhile; store errors.
    pub async fn of_credential(app: &App, hash: &str) -> Result<Self, Problem> {
        Ok(Self::found(app, hash).await?.0)
    }

    /// The app at the time that counts for the caller: one read if it is on a test clock.
    ///
    /// # Errors
    /// Store errors.
    pub async fn time(&self, app: &App) -> Result<App, Problem> {
        clocks::time_of(app, self, None).await
    }

    async fn found(app: &App, hash: &str) -> Result<(Self, ApiKey), Problem> {
        let Authenticated { key, grants, role } = app.store().authenticate(hash, app.now()).await?.ok_or_else(unauthorized)?;
        let (key_id, account_id, clock) = (key.id.clone(), key.account_id.clone(), key.clock.clone());
        Ok((Self { key_id, account_id, grants, clock, hash: hash.to_owned(), version: key.version, role }, key))
    }

    /// The decision of `right` over a target.
    pub fn over(&self, right: Right) -> impl Fn(&AccountId, &Lineage) -> Result<(), Denied> + Sync + '_ {
        move |target, lineage| self.decide(right, target, lineage)
    }

    /// The decision of `right` over a target that only an account above may do it to: nobody raises their own limit or
    /// lifts their own suspension.
    pub fn from_above(&self, right: Right) -> impl Fn(&AccountId, &Lineage) -> Result<(), Denied> + Sync + '_ {
        move |target, lineage| {
            self.decide(right, target, lineage)?;
            match lineage.above() {
                Some((parent, above)) if target != &self.account_id => self.decide(right, &parent, &above),
                Some(_) | None => Err(Denied::Lacks(right)),
            }
        }
    }

    /// The decision of `right` over every account of a movement of credit; system ledgers are nobody's.
    pub fn over_heads(&self, right: Right) -> impl Fn(&Heads) -> Result<(), Denied> + Sync + '_ {
        move |heads| {
            let mut lacks = Ok(());
            for head in heads.values() {
                let Some(account) = head.ledger.account() else { continue };
                // Absent outranks lacking: a foreign account must not be told from an absent one by what comes first.
                match self.decide(right, account, &head.lineage) {
                    Err(Denied::Absent) => return Err(Denied::Absent),
                    Err(other) => lacks = Err(other),
                    Ok(()) => {}
                }
            }
            lacks
        }
    }

    fn decide(&self, right: Right, target: &AccountId, lineage: &Lineage) -> Result<(), Denied> {
        match self.grants.decide(right, target, lineage) {
            Verdict::Granted => Ok(()),
            Verdict::OutsideSubtree => Err(Denied::Absent),
            Verdict::NotInRole | Verdict::OperatorOnly | Verdict::DeniedAt(_) => Err(Denied::Lacks(right)),
        }
    }

    /// What the credential is kept under: no secret, but nothing to show either.
    pub fn credential(&self) -> &str {
        &self.hash
    }

    /// What a grant by this caller rests on.
    pub fn grantor(&self) -> Grantor<'_> {
        Grantor { hash: &self.hash, version: self.version, role: self.role.as_ref() }
    }
}
