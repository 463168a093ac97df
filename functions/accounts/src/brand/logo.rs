//! `PUT` and `DELETE /reseller/accounts/{id}/brand/logo`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::brand::{Logo, LogoDigest, Portal};
use tributary_domain::event::RecordKind;
use tributary_domain::rights::Right;
use tributary_runtime::secrets::sha256;

use crate::brand::picture::{MAX_BYTES, normalised};
use crate::brand::{changed, portal_edit, refuse, seen, what};

/// A logo.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BrandLogo))]
pub struct LogoBody {
    /// A PNG, JPEG, WebP or GIF of at most 204800 bytes and 4096 pixels a side, as base64. Of one that moves, the first picture is taken.
    #[cfg_attr(feature = "openapi", schema(content_encoding = "base64", max_length = 273_068))]
    pub image: String,
}

/// Sets the logo. It is read, made at most 512 by 256 pixels, and written anew as PNG, so that nothing is left of what else was in the file.
///
/// # Errors
/// `validation_failed` for what is no such picture, `brand_locked`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`, `busy`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let LogoBody { image } = call.body()?;
    let wrong = |detail: String| Problem::field("/image", detail);
    let bytes =
        STANDARD.decode(image.trim()).map_err(|_| wrong("must be base64, with its padding and without a data: prefix".to_owned()))?;
    if bytes.len() > MAX_BYTES {
        return Err(wrong(format!("has {} bytes; a logo may have at most {MAX_BYTES}", bytes.len())));
    }
    // Pictures are work: nobody's is looked at who may not set one.
    seen(&call, Right::AccountsUpdate).await?;
    let picture = tokio::task::spawn_blocking(move || normalised(&bytes)).await;
    let picture = picture.map_err(|error| Problem::new(Code::Internal, error.to_string()))?.map_err(|error| wrong(error.to_string()))?;
    let logo = Logo { digest: LogoDigest::of(&sha256(&picture.png)), width: picture.width, height: picture.height };
    let edit = |account: &Account| {
        let portal = Portal { logo: Some(logo.clone()), ..account.portal.clone() };
        Ok(portal_edit(account, portal, RecordKind::BrandChanged, what("logo")))
    };
    // Nothing is kept of a picture that will not be set.
    refuse(&call, edit).await?;
    call.app.blobs().put(&logo.digest.blob_key(), picture.png, "image/png").await?;
    changed(&call, edit).await
}

/// Takes the logo away: the one of an account above is shown, or none. Unless another account has the same, its address finds nothing from then on.
///
/// # Errors
/// `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    changed(&call, |account| {
        let portal = Portal { logo: None, ..account.portal.clone() };
        Ok(portal_edit(account, portal, RecordKind::BrandChanged, what("logo")))
    })
    .await
}
