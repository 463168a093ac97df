//! Topping up: one level, and those above it that must draw first.

use tributary_api::App;
use tributary_domain::id::{AccountId, LotId, RequestId, TransferId};
use tributary_domain::ledger::LedgerId;
use tributary_domain::topup::MAX_CASCADE;
use tributary_store::error::StoreError;
use tributary_store::topups::{DrawIds, Need, ToppedUp};

use crate::{Looked, WatchError, act, card};

/// How often a draw is begun anew when others come first, or the level above drew.
const AGAIN: usize = 8;

/// Tops an account up if its setting says so. A parent that has too little draws first, under its own setting and caps, and so on
/// upward. What cannot be drawn is kept with its reason, and tried again later.
///
/// # Errors
/// [`WatchError`].
pub async fn top_up(app: &App, run: &RequestId, account: &AccountId, looked: &mut Looked) -> Result<(), WatchError> {
    draw(app, run, account, None, 0, looked).await
}

/// One level, for itself or for what is needed further down.
async fn draw(
    app: &App,
    run: &RequestId,
    account: &AccountId,
    need: Option<&Need>,
    depth: usize,
    looked: &mut Looked,
) -> Result<(), WatchError> {
    for _ in 0..AGAIN {
        let ids = DrawIds { transfer: TransferId::from_uuid(app.uuid()), lot: LotId::from_uuid(app.uuid()) };
        let short = match app.store().top_up(account, need, &ids, &act(app, run)).await? {
            ToppedUp::Drawn(transfer) => {
                looked.drawn += 1;
                tracing::info!(request_id = run.as_str(), account_id = %account, transfer_id = %transfer.id, "an account was topped up");
                return Ok(());
            }
            ToppedUp::Short(short) => short,
            ToppedUp::Charges(charge) => return card::charge(app, run, account, &charge, looked).await,
            ToppedUp::Nothing | ToppedUp::Forgot | ToppedUp::Waits(_) | ToppedUp::Stopped => return Ok(()),
        };
        if let Some((payer, needed)) = short.payer.as_ref().filter(|_| depth < MAX_CASCADE) {
            Box::pin(draw(app, run, payer, Some(needed), depth + 1, looked)).await?;
            // It may be another watcher who drew there meanwhile.
            if app.store().head(&LedgerId::Account(payer.clone())).await?.available >= needed.floor {
                continue;
            }
        }
        if let Some(state) = app.store().keep_short(&short, &act(app, run)).await? {
            looked.short += 1;
            let (reason, stopped) = (short.reason.word(), state.stopped_at.is_some());
            tracing::warn!(request_id = run.as_str(), account_id = %account, reason, stopped, "an account could not be topped up");
            return Ok(());
        }
    }
    Err(StoreError::Busy.into())
}
