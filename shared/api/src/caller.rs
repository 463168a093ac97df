//! The caller: who a credential stands for, and what they may do. The tenant comes from here, never from a body.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use tributary_domain::id::{AccountId, ActorId, ClockId};
use tributary_domain::lineage::Lineage;
use tributary_domain::rights::{Grants, Right, Verdict};
use tributary_domain::session::Standing;
use tributary_domain::text::{Email, Name};
use tributary_store::authentication::{Authenticated, Found};
use tributary_store::error::Denied;
use tributary_store::heads::Heads;
use tributary_store::principals::Grantor;
use tributary_store::roles::CustomRole;
use tributary_store::sessions::KeptSession;

use crate::app::App;
use crate::clocks;
use crate::code::Code;
use crate::keys::well_formed;
use crate::problem::Problem;
use crate::session::{self, SignedIn};

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key or member.
    pub actor: ActorId,
    /// The caller's account.
    pub account_id: AccountId,
    /// What the key or member holds.
    pub grants: Grants,
    /// The test clock that its account is on.
    pub clock: Option<ClockId>,
    /// What the key or member is called.
    pub name: Option<Name>,
    /// Where the member is reached.
    pub email: Option<Email>,
    /// The session, if a browser's cookie is the credential.
    pub signed_in: Option<SignedIn>,
    standing: Standing,
    version: i64,
    role: Option<CustomRole>,
}

/// One answer for a missing, malformed, unknown, expired and revoked credential.
pub fn unauthorized() -> Problem {
    Problem::new(Code::Unauthorized, "Send a valid API key as `Authorization: Bearer rk_…`, or sign in.")
}

impl Caller {
    /// Finds the caller, and the app at the time that counts for it. By an API key: one read. By a session's cookie, where no `Authorization`
    /// is sent: two, and a write when its last use was noted more than five minutes ago. One more for a custom role, and one for who is
    /// on a test clock or names one.
    ///
    /// # Errors
    /// `unauthorized`, `csrf_failed`, `validation_failed` for a test clock that is not the caller's; store errors.
    pub async fn identify(app: &App, method: &Method, headers: &HeaderMap) -> Result<(Self, App), Problem> {
        match headers.get(AUTHORIZATION) {
            Some(header) => {
                let (scheme, secret) = header.to_str().ok().and_then(|header| header.split_once(' ')).ok_or_else(unauthorized)?;
                if !scheme.eq_ignore_ascii_case("bearer") {
                    return Err(unauthorized());
                }
                let (caller, app, _) = Self::of_key(app, secret.trim(), headers).await?;
                Ok((caller, app))
            }
            None => Self::of_session(app, method, headers).await,
        }
    }

    /// The caller of an API key's secret, the app at its time, and what it is found by later.
    ///
    /// # Errors
    /// As [`Caller::identify`].
    pub async fn of_key(app: &App, secret: &str, headers: &HeaderMap) -> Result<(Self, App, Standing), Problem> {
        if !well_formed(secret, app.mode()) {
            return Err(unauthorized());
        }
        let standing = Standing::Key(app.secrets().hash_key(secret));
        let (caller, app) = Self::now(app, &standing, headers).await?;
        Ok((caller, app, standing))
    }

    async fn of_session(app: &App, method: &Method, headers: &HeaderMap) -> Result<(Self, App), Problem> {
        let presented = session::presented(app, headers).ok_or_else(unauthorized)?;
        // A session goes by the time of the browser's world, whatever test clock its account is on.
        let now = app.platform_now();
        let kept = presented.kept(app, now).await?.ok_or_else(unauthorized)?;
        presented.refuse_forged(app, method, headers)?;
        let (mut caller, theirs) = Self::now(app, &kept.session.standing, headers).await?;
        let mut session = kept.session;
        if let Some(seen) = session.seen(now) {
            let kept = KeptSession { session: seen.clone(), hash: kept.hash };
            // Signed out meanwhile.
            if !app.store().keep_session_seen(&kept).await? {
                return Err(unauthorized());
            }
            session = seen;
        }
        caller.signed_in = Some(SignedIn { session, csrf_token: presented.csrf_token(app) });
        Ok((caller, theirs))
    }

    /// The caller that stands on this now, and the app at its time.
    async fn now(app: &App, standing: &Standing, headers: &HeaderMap) -> Result<(Self, App), Problem> {
        let (caller, found) = Self::found(app, standing).await?;
        let named = headers.get(clocks::HEADER).map(|value| value.to_str().unwrap_or_default());
        let app = clocks::time_of(app, &caller, named).await?;
        // Its time may be over by its own clock.
        if found.is_over(standing, app.now()) { Err(unauthorized()) } else { Ok((caller, app)) }
    }

    /// The caller of a credential that was seen before, as it is now: one read, one more for a custom role.
    ///
    /// # Errors
    /// `unauthorized` if it was revoked or removed meanwhile; store errors.
    pub async fn of_credential(app: &App, credential: &str) -> Result<Self, Problem> {
        let Ok(standing) = credential.parse();
        Ok(Self::found(app, &standing).await?.0)
    }

    /// The app at the time that counts for the caller: one read if it is on a test clock.
    ///
    /// # Errors
    /// Store errors.
    pub async fn time(&self, app: &App) -> Result<App, Problem> {
        clocks::time_of(app, self, None).await
    }

    async fn found(app: &App, standing: &Standing) -> Result<(Self, Found), Problem> {
        let authenticated = app.store().authenticate(standing, app.now()).await?.ok_or_else(unauthorized)?;
        let Authenticated { found, grants, role } = authenticated;
        let (name, email) = match &found {
            Found::Key(key) => (Some(key.name.clone()), None),
            Found::Member(member) => (member.name.clone(), Some(member.email.clone())),
        };
        let caller = Self {
            actor: found.actor(),
            account_id: found.account_id().clone(),
            grants,
            clock: found.clock().cloned(),
            name,
            email,
            signed_in: None,
            standing: standing.clone(),
            version: found.version(),
            role,
        };
        Ok((caller, found))
    }

    /// The session of a caller who is signed in.
    ///
    /// # Errors
    /// `unauthorized` for one with an API key.
    pub fn signed_in(&self) -> Result<&SignedIn, Problem> {
        self.signed_in.as_ref().ok_or_else(|| Problem::new(Code::Unauthorized, "Sign in: this needs a session, not an API key."))
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

    /// What work that goes on after the request finds the caller by: no secret, but nothing to show either.
    pub fn credential(&self) -> String {
        self.standing.to_string()
    }

    /// What a grant by this caller rests on.
    pub fn grantor(&self) -> Grantor<'_> {
        Grantor { standing: &self.standing, version: self.version, role: self.role.as_ref() }
    }
}
