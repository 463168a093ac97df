//! What is answered of sessions.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::session::SignedIn;
use tributary_api::time::millis;
use tributary_api::{App, Caller, KeyMode};
use tributary_domain::account::{Account, Kind, Locale, TimeZoneName};
use tributary_domain::id::{AccountId, ActorId, SessionId};
use tributary_domain::money::Currency;
use tributary_domain::rights::RightSet;
use tributary_domain::session::Session;
use tributary_domain::text::{Email, Name};

/// A session, to whom it belongs.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CurrentSession))]
pub struct SessionView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::SessionId))]
    pub id: SessionId,
    /// What every request of the session that is no GET carries as `X-CSRF-Token`.
    pub csrf_token: String,
    /// When it ends unless it is used again.
    #[serde(serialize_with = "millis")]
    pub expires_at: Timestamp,
    /// The account at which who is signed in holds a role.
    pub account: SessionAccount,
    /// Who is signed in.
    pub who: Who,
    /// What they may do at that account now.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Right>))]
    pub rights: RightSet,
    /// Whether the platform moves real money.
    pub mode: Mode,
}

/// The account of a session.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionAccount {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub id: AccountId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Kind))]
    pub kind: Kind,
    /// Its currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The account above it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required = true))]
    pub parent_id: Option<AccountId>,
    /// The time zone in which its days begin.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TimeZoneName>, required = true))]
    pub time_zone: Option<TimeZoneName>,
    /// Its language.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Locale>, required = true))]
    pub locale: Option<Locale>,
}

/// Who is signed in.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SignedInAs))]
pub struct Who {
    /// Whether an API key or a member.
    pub kind: WhoKind,
    /// The key's or member's id.
    pub id: String,
    /// What it or they are called.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>, required = true))]
    pub name: Option<Name>,
    /// Where the member is reached.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Email>, required = true))]
    pub email: Option<Email>,
    /// The role held.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleWord))]
    pub role: String,
}

/// Whether an API key or a member.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SignedInKind))]
#[serde(rename_all = "snake_case")]
pub enum WhoKind {
    /// An API key.
    Key,
    /// A member.
    Member,
}

/// Whether the platform moves real money.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PlatformMode))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It does not.
    Test,
    /// It does.
    Live,
}

/// A session in a list.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ListedSession))]
pub struct ListedView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::SessionId))]
    pub id: SessionId,
    /// When it began.
    #[serde(serialize_with = "millis")]
    pub created_at: Timestamp,
    /// When it was last used, to five minutes.
    #[serde(serialize_with = "millis")]
    pub last_seen_at: Timestamp,
    /// When it ends unless it is used again.
    #[serde(serialize_with = "millis")]
    pub expires_at: Timestamp,
    /// What the browser called itself.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The answer to who has sessions ended.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedOut {
    /// How many sessions ended.
    pub signed_out: usize,
}

/// The answer to who asks for a link: the same whoever's the address is.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkSent {
    /// True: if the address is known, a mail is on its way.
    pub sent: bool,
}

/// The accounts of which the owner of an address is a member.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChooseAccount {
    /// Them. Ask again with the `account_id` of one; the link is still good.
    pub choose: Vec<Choice>,
}

/// An account that can be chosen.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AccountChoice))]
pub struct Choice {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
}

impl SessionView {
    /// The view of a caller's own session.
    pub fn of(app: &App, caller: &Caller, signed_in: &SignedIn, account: Account) -> Self {
        Self {
            id: signed_in.session.id.clone(),
            csrf_token: signed_in.csrf_token.clone(),
            expires_at: signed_in.session.expires_at(),
            who: Who {
                kind: match caller.actor {
                    ActorId::Key(_) => WhoKind::Key,
                    ActorId::Member(_) => WhoKind::Member,
                },
                id: caller.actor.to_string(),
                name: caller.name.clone(),
                email: caller.email.clone(),
                role: caller.grants.role.clone(),
            },
            rights: caller.grants.rights_at(&account.id, &account.lineage),
            mode: match app.mode() {
                KeyMode::Test => Mode::Test,
                KeyMode::Live => Mode::Live,
            },
            account: SessionAccount {
                parent_id: account.lineage.parent().cloned(),
                id: account.id,
                name: account.name,
                kind: account.kind,
                currency: account.currency,
                time_zone: account.settings.time_zone,
                locale: account.settings.locale,
            },
        }
    }
}

impl ListedView {
    /// The view of one session, to who has the session `current`.
    pub fn of(session: &Session, current: &SessionId) -> Self {
        Self {
            id: session.id.clone(),
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at(),
            user_agent: session.user_agent.clone(),
            current: &session.id == current,
        }
    }
}
