//! `GET` and `PUT /reseller/accounts/{id}/brand`.

use tributary_api::{Call, Problem, Reply};
use tributary_domain::brand::Brand;
use tributary_domain::event::RecordKind;
use tributary_domain::rights::Right;
use tributary_store::brands::PortalEdit;

use crate::brand::{answer, changed, seen, what};

/// What an account shows, and what of it is its own.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let account = seen(&call, Right::AccountsRead).await?;
    answer(&call, &call.store().path_to(&account).await?)
}

/// Sets an account's own tokens, all of them. What an account above locked may stay as it is or be left out, and not be set anew.
///
/// # Errors
/// `brand_locked`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`, `validation_failed`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let brand: Brand = call.body()?;
    changed(&call, |account| {
        let edit =
            PortalEdit { brand: brand.clone(), portal: account.portal.clone(), kind: RecordKind::BrandChanged, detail: what("tokens") };
        Ok(Some(edit))
    })
    .await
}
