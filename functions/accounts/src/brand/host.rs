//! `PUT`, `DELETE /reseller/accounts/{id}/brand/host`, and `POST …/host/verify`.
//!
//! Any account may say that a host is its own; that alone does nothing, and keeps nobody else from saying the same. Only who has put the
//! account's record into the host's DNS gets it, and while they have it nobody else does.

use serde::Deserialize;
use serde_json::json;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::brand::{Claim, HostName, HostStatus, Portal, may_be_claimed};
use tributary_domain::event::RecordKind;
use tributary_domain::rights::Right;
use tributary_store::brands::PortalEdit;
use tributary_store::error::StoreError;

use crate::brand::{changed, portal_edit, seen, sells, what};

/// Random bytes of a claim's token.
const TOKEN_BYTES: usize = 20;

/// A host that is said to be the account's own.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BrandHost))]
pub struct HostBody {
    /// The name alone: no scheme, no port, no path, no IP address. International names are kept as ASCII.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 200, example = "portal.corner.example"))]
    pub host: HostName,
}

/// Claims a host. The one it had is detached at once; the same again changes nothing.
///
/// # Errors
/// `validation_failed` for the platform's own, `conflict` of a customer, `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let HostBody { host } = call.body()?;
    if !may_be_claimed(&host, &[call.app.own_host(), call.app.pages_host()].into_iter().flatten().collect::<Vec<_>>()) {
        return Err(Problem::field("/host", "cannot be claimed: it is the platform's, a provider's, or of no host on the internet"));
    }
    let token = token(&call)?;
    changed(&call, |account| {
        sells(account)?;
        if account.portal.host.as_ref().is_some_and(|claim| claim.host == host) {
            return Ok(None);
        }
        Ok(claimed(account, Some(Claim::pending(host.clone(), token.clone()))))
    })
    .await
}

/// Detaches the host at once: from the answer on it shows nothing. Without one, nothing changes.
///
/// # Errors
/// `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    changed(&call, |account| Ok(claimed(account, None))).await
}

/// Looks the host's TXT record up. Once it is there, the host shows the account's brand; again changes nothing.
///
/// # Errors
/// `host_not_verified`, `host_taken`, `conflict` without a host, `busy` if no name server answers, `precondition_failed`, `account_closed`,
/// `not_found`, `forbidden`.
pub async fn verify(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let Some(claim) = seen(&call, Right::AccountsUpdate).await?.portal.host else {
        return Err(StoreError::Conflict("the account has claimed no host").into());
    };
    let records = call.app.dns().txt(&claim.txt_name()).await?;
    let Some(proved) = claim.proved_by(&records, call.app.now()) else {
        let detail =
            format!("{} has no TXT record \"{}\". New records can take some minutes to be seen.", claim.txt_name(), claim.txt_value());
        return Err(Problem::new(Code::HostNotVerified, detail).with("txt_name", claim.txt_name()).with("txt_value", claim.txt_value()));
    };
    changed(&call, |account| match &account.portal.host {
        Some(now) if now.host == proved.host && now.status == HostStatus::Verified => Ok(None),
        Some(now) if *now == claim => {
            let portal = Portal { host: Some(proved.clone()), ..account.portal.clone() };
            Ok(portal_edit(account, portal, RecordKind::HostVerified, json!({ "host": proved.host })))
        }
        Some(_) | None => Err(StoreError::Conflict("another host was claimed meanwhile")),
    })
    .await
}

/// The edit that puts another claim, or none, in place of the one there is.
fn claimed(account: &Account, claim: Option<Claim>) -> Option<PortalEdit> {
    let detached = account.portal.verified_host().cloned();
    let portal = Portal { host: claim, ..account.portal.clone() };
    match detached {
        Some(host) => portal_edit(account, portal, RecordKind::HostDetached, json!({ "host": host })),
        None => portal_edit(account, portal, RecordKind::BrandChanged, what("host")),
    }
}

fn token(call: &Call) -> Result<String, Problem> {
    let mut bytes = [0; TOKEN_BYTES];
    call.app.ids().fill(&mut bytes).map_err(|error| Problem::new(Code::Busy, error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
