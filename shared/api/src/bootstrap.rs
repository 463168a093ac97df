//! The operator's account and the keys that no other key grants: its first one, and one in place of lost ones.

use tributary_domain::id::{AccountId, EventId, KeyId, RequestId};
use tributary_domain::money::{Currency, CurrencyError};
use tributary_domain::rights::{BuiltInRole, RoleRef};
use tributary_domain::text::Name;
use tributary_store::bootstrap::operator_account;
use tributary_store::events::Act;
use tributary_store::principals::ApiKey;

use crate::app::App;
use crate::keys;
use crate::problem::Problem;

/// A key made here, with its secret, which nothing keeps.
#[derive(Clone)]
pub struct MadeKey {
    /// The key.
    pub key: ApiKey,
    /// Its secret.
    pub secret: String,
}

impl std::fmt::Debug for MadeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MadeKey({}, secret hidden)", self.key.id)
    }
}

/// Makes the operator's account with an owner key; `None` if there is an operator.
///
/// # Errors
/// `validation_failed` for a bad name or currency; store errors.
pub async fn operator(app: &App, name: &str, currency: &str, request: &RequestId) -> Result<Option<MadeKey>, Problem> {
    let name = Name::parse(name).map_err(|error| Problem::field("/name", error.to_string()))?;
    let currency: Currency = currency.parse().map_err(|error: CurrencyError| Problem::field("/currency", error.to_string()))?;
    if app.store().operator().await?.is_some() {
        return Ok(None);
    }
    let id = AccountId::from_uuid(app.uuid());
    let made = owner_key(app, &id, "First operator key")?;
    let account = operator_account(id, name, currency, made.key.created_at);
    let stored = app.store().make_operator(&account, &made.key, &act(app, &made.key, request)).await?;
    Ok(stored.then_some(made))
}

/// Makes another owner key of the operator's account; `None` if there is no operator yet.
///
/// # Errors
/// `validation_failed` for a bad name; store errors.
pub async fn operator_key(app: &App, name: &str, request: &RequestId) -> Result<Option<MadeKey>, Problem> {
    let Some(id) = app.store().operator().await? else { return Ok(None) };
    let made = owner_key(app, &id, name)?;
    app.store().add_operator_key(&made.key, &act(app, &made.key, request)).await?;
    Ok(Some(made))
}

fn owner_key(app: &App, operator: &AccountId, name: &str) -> Result<MadeKey, Problem> {
    let (secret, kept) = keys::fresh(app, None)?;
    let key = ApiKey {
        id: KeyId::from_uuid(app.uuid()),
        account_id: operator.clone(),
        at_operator: true,
        name: Name::parse(name).map_err(|error| Problem::field("/name", error.to_string()))?,
        role: RoleRef::BuiltIn(BuiltInRole::Owner),
        denies: Vec::new(),
        secrets: vec![kept],
        created_at: app.now(),
        expires_at: None,
        revoked_at: None,
        clock: None,
        version: 1,
    };
    Ok(MadeKey { key, secret })
}

/// The new key is its own maker: no credential asked.
fn act(app: &App, key: &ApiKey, request: &RequestId) -> Act {
    Act { event: EventId::from_uuid(app.uuid()), actor: key.id.clone().into(), request: request.clone(), now: key.created_at }
}
