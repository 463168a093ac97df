//! `/reseller/disputes`: what a buyer does not accept of an invoice, what both say of it, and how it ends.

use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_billing::Desk;
use tributary_billing::disputes::{Resolving, is_banks, resolve as bring_to_its_end};
use tributary_domain::billing::credit_note::GivenAs;
use tributary_domain::billing::dispute::{Dispute, DisputeState, EvidenceLink, Message, Origin, Resolution, Statement};
use tributary_domain::id::{AccountId, DisputeId};
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_store::disputes::{DisputesOf, Opening};
use tributary_store::error::{Denied, StoreError};
use tributary_store::idempotency::Outcome;
use tributary_store::table::Position;

use crate::credit_notes::parts;
use crate::dispute_views::{DisputeView, OpenBody, ResolveBody, SayBody, SummaryView, Verdict};
use crate::sight;
use crate::views::Side;

/// The most pages of the table looked through for one page of those that are asked for; its cursor goes on.
const MOST_PAGES: usize = 5;

/// A dispute, and on which side of it the caller stands.
struct Seen {
    dispute: Dispute,
    sells: bool,
}

async fn seen(call: &Call, right: Right) -> Result<Seen, Problem> {
    let dispute = call.store().dispute(&call.id("id")?).await?;
    let sells = sight::sells(call, &dispute.account_id, &dispute.seller_id, right).await?;
    Ok(Seen { dispute, sells })
}

fn answer(dispute: &Dispute, sells: bool) -> Result<Reply, Problem> {
    Ok(Reply::ok(&DisputeView::of(dispute, sells))?.etag(dispute.version))
}

fn message(call: &Call, from: &AccountId, text: Statement, links: Vec<EvidenceLink>) -> Result<Message, Problem> {
    let links = links.into_iter().map(EvidenceLink::into_reference).collect();
    Ok(Message { account_id: from.clone(), by: Some(call.caller()?.actor.to_string()), text, links, at: call.app.now() })
}

/// Opens a dispute over parts of an invoice's lines: by its buyer, or for it by its seller. They are out of collection until it ends.
///
/// # Errors
/// `validation_failed` for more than is left of a line, `conflict` of an invoice that is a draft or void, `limit_reached` for too many links,
/// `idempotency_key_reused`, `not_found`, `forbidden`.
pub async fn open(call: Call) -> Result<Reply, Problem> {
    let scope = call.required_scope()?;
    let body: OpenBody = call.body()?;
    let asked = parts(body.lines)?;
    let invoice = call.store().invoice(&body.invoice_id).await?;
    let sells = sight::sells(&call, &invoice.account_id, &invoice.seller_id, Right::DisputesManage).await?;
    let from = if sells { &invoice.seller_id } else { &invoice.account_id };
    let opening = Opening {
        id: DisputeId::from_uuid(call.app.uuid()),
        asked,
        reason: body.reason,
        origin: Origin::Customer,
        evidence: message(&call, from, body.words, body.links)?,
    };
    let desk = Desk::for_call(&call)?;
    let opened = call.store().open_dispute(&invoice.id, &opening, Some(&scope), &|| desk.act()).await?;
    let replayed = matches!(opened, Outcome::Replayed(_));
    let dispute = opened.into_inner();
    let location = format!("/reseller/disputes/{}", dispute.id);
    let reply = Reply::created(&DisputeView::of(&dispute, sells))?.etag(dispute.version);
    Ok(reply.location(&location).replayed(replayed))
}

/// Lists disputes of what an account bought, or sold, newest first.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?;
    let side: Side = params.word("side")?.unwrap_or_default();
    let state: Option<DisputeState> = params.word("state")?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let mut start: Option<Position> = scope.open(&call.app, cursor)?;
    let account = sight::account(&call, id, Right::BillingRead).await?;
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let of = match side {
            Side::Bought => DisputesOf::Account(&account.id),
            Side::Sold => DisputesOf::Seller(&account.id),
        };
        let (page, next) = call.store().disputes(of, start, limit - found.len()).await?;
        found.extend(page.into_iter().filter(|dispute| state.is_none_or(|state| state == dispute.state)));
        start = next;
        if start.is_none() || found.len() >= limit {
            break;
        }
    }
    match side {
        Side::Bought => {
            let sellers = sight::visible_sellers(&call, &account, found.iter().map(|dispute| dispute.seller_id.clone()).collect()).await?;
            found.retain(|dispute| sellers.contains(&dispute.seller_id));
        }
        Side::Sold => {
            let denied = sight::denied_buyers(&call, &account.id, found.iter().map(|dispute| dispute.account_id.clone()).collect()).await?;
            found.retain(|dispute| !denied.contains(&dispute.account_id));
        }
    }
    Reply::ok(&PageView { data: found.iter().map(SummaryView::of).collect(), next_cursor: scope.seal(&call.app, start.as_ref())? })
}

/// One dispute, with what was said.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let Seen { dispute, sells } = seen(&call, Right::BillingRead).await?;
    answer(&dispute, sells)
}

/// Adds a message or evidence, from either side.
///
/// # Errors
/// `conflict` of one that has ended, `limit_reached`, `precondition_failed`, `not_found`, `forbidden`.
pub async fn say(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    let body: SayBody = call.body()?;
    let Seen { dispute, sells } = seen(&call, Right::DisputesManage).await?;
    let from = if sells { &dispute.seller_id } else { &dispute.account_id };
    let (said, desk) = (message(&call, from, body.words, body.links)?, Desk::for_call(&call)?);
    answer(&call.store().say_in_dispute(&dispute.id, &said, expected, &|| desk.act()).await?, sells)
}

/// Its seller begins to look at it, and has as long again to answer.
///
/// # Errors
/// `conflict` of one that has ended, `precondition_failed`, `not_found`, `forbidden`.
pub async fn take_up(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    call.no_body()?;
    let dispute = sold(&call).await?;
    let desk = Desk::for_call(&call)?;
    answer(&call.store().take_up_dispute(&dispute.id, expected, &|| desk.act()).await?, true)
}

/// The dispute, if the caller stands at or above its seller.
async fn sold(call: &Call) -> Result<Dispute, Problem> {
    let Seen { dispute, sells } = seen(call, Right::DisputesManage).await?;
    if sells { Ok(dispute) } else { Err(Denied::Lacks(Right::DisputesManage).into()) }
}

/// Brings it to its end, by its seller.
///
/// # Errors
/// `conflict` of one that has ended, or that a bank opened; `validation_failed` for more than is disputed, `seller_out_of_credit`,
/// `idempotency_key_reused`, `not_found`, `forbidden`.
pub async fn resolve(call: Call) -> Result<Reply, Problem> {
    let scope = call.required_scope()?;
    let body: ResolveBody = call.body()?;
    let resolution = match (body.outcome, body.lines) {
        (Verdict::Accept, None) => Resolution::AcceptAll,
        (Verdict::Reject, None) => Resolution::Reject,
        (Verdict::AcceptPart, Some(lines)) => Resolution::Accept(parts(lines)?),
        (Verdict::AcceptPart, None) => return Err(Problem::field("/lines", "is required to accept a part")),
        (Verdict::Accept | Verdict::Reject, Some(_)) => return Err(Problem::field("/lines", "is to accept a part alone")),
    };
    let dispute = sold(&call).await?;
    not_a_banks(&dispute)?;
    let resolving = Resolving { resolution, given_as: body.given_as.into(), reason: body.reason, pass_up: body.pass_up };
    let further_up = further_up(&call, &dispute.seller_id).await?;
    let may = |seller: &AccountId| further_up.contains(seller);
    let ended = bring_to_its_end(&Desk::for_call(&call)?, &dispute.id, &resolving, Some(&scope), &may).await?;
    let replayed = matches!(ended, Outcome::Replayed(_));
    Ok(answer(&ended.into_inner(), true)?.replayed(replayed))
}

/// The accounts above a seller at which the caller may resolve disputes, too.
async fn further_up(call: &Call, seller: &AccountId) -> Result<Vec<AccountId>, Problem> {
    let mut lineage = call.store().account(seller).await?.lineage;
    let (may, mut found) = (call.caller()?.over(Right::DisputesManage), Vec::new());
    while let Some((id, above)) = lineage.above() {
        if may(&id, &above).is_ok() {
            found.push(id);
        }
        lineage = above;
    }
    Ok(found)
}

fn not_a_banks(dispute: &Dispute) -> Result<(), Problem> {
    if is_banks(dispute) { Err(StoreError::Conflict("the payer's bank opened it, and says how it ends").into()) } else { Ok(()) }
}

/// Its buyer takes it back.
///
/// # Errors
/// `conflict` of one that has ended, or that a bank opened; `precondition_failed`, `not_found`, `forbidden`.
pub async fn withdraw(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let Seen { dispute, sells } = seen(&call, Right::DisputesManage).await?;
    if sells {
        return Err(Denied::Lacks(Right::DisputesManage).into());
    }
    call.refuse_stale(dispute.version)?;
    not_a_banks(&dispute)?;
    let reason = Reference::parse("Withdrawn").map_err(|error| Problem::field("", error.to_string()))?;
    let resolving = Resolving { resolution: Resolution::Withdraw, given_as: GivenAs::Credit, reason, pass_up: false };
    let ended = bring_to_its_end(&Desk::for_call(&call)?, &dispute.id, &resolving, None, &|_| false).await?;
    answer(&ended.into_inner(), false)
}
