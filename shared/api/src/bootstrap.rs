//! The operator's account and first key, made once.

use tributary_domain::id::{AccountId, EventId, KeyId};
use tributary_domain::money::Currency;
use tributary_domain::rights::{BuiltInRole, RoleRef};
use tributary_domain::text::Name;
use tributary_store::bootstrap::operator_account;
use tributary_store::events::Act;
use tributary_store::principals::ApiKey;

use crate::app::App;
use crate::keys;
use crate::problem::Problem;

/// Makes the operator's account with an owner key, whose secret is returned this once; `None` if there is an operator.
///
/// # Errors
/// `validation_failed` for a bad name or currency; store errors.
pub async fn operator(app: &App, name: &str, currency: &str) -> Result<Option<String>, Problem> {
    if app.store().operator().await?.is_some() {
        return Ok(None);
    }
    let name = Name::parse(name).map_err(|error| Problem::field("/name", error.to_string()))?;
    let currency: Currency =
        currency.parse().map_err(|error: tributary_domain::money::CurrencyError| Problem::field("/currency", error.to_string()))?;
    let (now, id) = (app.now(), AccountId::from_uuid(app.uuid()));
    let account = operator_account(id.clone(), name, currency, now);
    let (secret, kept) = keys::fresh(app, None)?;
    let key = ApiKey {
        id: KeyId::from_uuid(app.uuid()),
        account_id: id,
        at_operator: true,
        name: Name::parse("First operator key").map_err(|error| Problem::field("/name", error.to_string()))?,
        role: RoleRef::BuiltIn(BuiltInRole::Owner),
        denies: Vec::new(),
        secrets: vec![kept],
        created_at: now,
        expires_at: None,
        revoked_at: None,
        version: 1,
    };
    let act = Act { event: EventId::from_uuid(app.uuid()), actor: key.id.clone(), now };
    Ok(app.store().make_operator(&account, &key, &act).await?.then_some(secret))
}
