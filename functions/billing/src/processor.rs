//! `/reseller/billing/processor`: a seller's account at the payment processor. Its secrets are sealed, and never shown again.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, KeyMode, Problem, Reply};
use tributary_billing::processors::seal;
use tributary_domain::account::{Account, Kind};
use tributary_domain::billing::profile::{Processor, SellerSettings};
use tributary_domain::id::AccountId;
use tributary_domain::rights::Right;
use tributary_runtime::payments::stripe::Credentials;
use tributary_store::accounts::Authority;
use tributary_store::error::StoreError;

use crate::settings::SettingsView;
use crate::sight;

/// The longest credential.
const MAX_BYTES: usize = 255;

/// A seller's account at Stripe.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SetProcessor))]
pub struct ProcessorBody {
    /// Which seller; your own account unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The secret or restricted key, of this platform's mode.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ProcessorKey))]
    pub api_key: String,
    /// What its webhooks are signed with.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::WebhookSigningSecret))]
    pub webhook_secret: String,
    /// What pages may know of it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PublishableKey>))]
    pub publishable_key: Option<String>,
}

impl std::fmt::Debug for ProcessorBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessorBody").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// The word of a mode in the processor's keys.
fn mode_word(mode: KeyMode) -> &'static str {
    match mode {
        KeyMode::Live => "live",
        KeyMode::Test => "test",
    }
}

/// Whether a text is a kind, a mode if there is one, and what only the processor can read.
fn is_credential(text: &str, beginnings: &[String]) -> bool {
    let rest = beginnings.iter().find_map(|beginning| text.strip_prefix(beginning.as_str()));
    text.len() <= MAX_BYTES
        && rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

impl ProcessorBody {
    fn check(&self, mode: KeyMode) -> Result<(), Problem> {
        let mode = mode_word(mode);
        if !is_credential(&self.api_key, &[format!("sk_{mode}_"), format!("rk_{mode}_")]) {
            return Err(Problem::field(
                "/api_key",
                format!("must be a secret or restricted key of the {mode} mode: sk_{mode}_… or rk_{mode}_…"),
            ));
        }
        if !is_credential(&self.webhook_secret, &["whsec_".to_owned()]) {
            return Err(Problem::field("/webhook_secret", "must be the signing secret of a webhook endpoint: whsec_…"));
        }
        match &self.publishable_key {
            Some(key) if !is_credential(key, &[format!("pk_{mode}_")]) => {
                Err(Problem::field("/publishable_key", format!("must be a publishable key of the {mode} mode: pk_{mode}_…")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Sets where the cards of a seller's sub-accounts are charged.
///
/// # Errors
/// `validation_failed`, `parent_is_customer`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    let body: ProcessorBody = call.body()?;
    body.check(call.app.mode())?;
    let seller = seller(&call, body.account_id.clone()).await?;
    let credentials = Credentials { api_key: body.api_key, webhook_secret: body.webhook_secret };
    let sealed = seal(&call.app, &seller.id, &credentials, body.publishable_key)?;
    set(&call, seller, expected, Some(sealed)).await
}

/// Takes a seller's cards out of use. What was charged stays charged, and what its processor still tells is not taken any more.
///
/// # Errors
/// `parent_is_customer`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    call.no_body()?;
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let seller = seller(&call, id).await?;
    set(&call, seller, expected, None).await
}

async fn seller(call: &Call, id: Option<AccountId>) -> Result<Account, Problem> {
    let account = sight::account(call, id, Right::BillingManage).await?;
    match account.kind {
        Kind::Customer => Err(StoreError::ParentIsCustomer.into()),
        Kind::Operator | Kind::Reseller => Ok(account),
    }
}

async fn set(call: &Call, seller: Account, expected: Option<i64>, processor: Option<Processor>) -> Result<Reply, Problem> {
    let (may, act) = (call.caller()?.over(Right::BillingManage), call.act()?);
    let authority = Authority { home: call.home()?, may: &may };
    let change = |old: &SellerSettings| Ok(SellerSettings { processor: processor.clone(), ..old.clone() });
    let set = call.store().set_seller(&seller.id, expected, authority, &act, change).await?;
    let version = set.version;
    Ok(Reply::ok(&SettingsView::of(seller.id, set))?.etag(version))
}
