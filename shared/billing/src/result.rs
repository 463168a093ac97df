//! What a run that was asked for says of each account: what is on its invoice of the month, or would be, and how that differs from what is there.

use futures::stream::{self, StreamExt as _};
use tributary_api::App;
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::billing::run::{Asked, Chunk, Row, RowLine, RowState, Run};
use tributary_domain::id::{AccountId, RunId};
use tributary_domain::money::Micros;
use tributary_store::error::StoreError;

use crate::chunk::{Going, Outcome};
use crate::run::Failure;

const PARALLEL: usize = 16;

/// The key of the blob with the rows of a chunk.
pub fn blob(run: &RunId, number: u32) -> String {
    format!("billing/runs/{run}/{number:06}.json")
}

/// Keeps the rows of a chunk.
///
/// # Errors
/// When the blobs do not answer.
pub async fn keep(app: &App, run: &Run, number: u32, rows: &[Row]) -> Result<(), Failure> {
    Ok(app.blobs().put(&blob(&run.id, number), serde_json::to_vec(rows)?, "application/json").await?)
}

/// The rows of a chunk, by account; none if it is not done.
///
/// # Errors
/// When the blobs do not answer.
pub async fn rows(app: &App, run: &RunId, number: u32) -> Result<Vec<Row>, Failure> {
    let Some(bytes) = app.blobs().get(&blob(run, number)).await? else { return Ok(Vec::new()) };
    Ok(serde_json::from_slice(&bytes)?)
}

/// The rows of a chunk, and the month's invoices as they are or would be: one query an account.
pub(crate) async fn of_chunk(
    app: &App,
    run: &Run,
    asked: &Asked,
    chunk: &Chunk,
    outcome: &Outcome,
) -> Result<(Vec<Row>, Vec<Invoice>), StoreError> {
    let there: Vec<_> = chunk.accounts.iter().map(|id| app.store().invoices_labelled(id, asked.month, asked.month)).collect();
    let there: Vec<_> = stream::iter(there).buffered(PARALLEL).collect().await;
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for (id, there) in chunk.accounts.iter().zip(there) {
        let failed = outcome.failed.iter().find(|failed| failed.account_id == *id);
        match (outcome.accounts.get(id), there, failed) {
            (Some(going), Ok(there), None) => {
                let begin = rows.len();
                for invoice in there.iter().filter(|invoice| !going.made.iter().any(|made| made.id == invoice.id)) {
                    rows.push(row(invoice, Some(invoice), RowState::Billed)?);
                    all.push(invoice.clone());
                }
                for made in going.made.iter().filter(|made| made.period.label == asked.month) {
                    // In a dry run nothing was made: what is there is from before.
                    let before = there.iter().find(|invoice| invoice.id == made.id).filter(|_| run.is_dry());
                    rows.push(row(made, before, RowState::Made)?);
                    all.push(made.clone());
                }
                if rows.len() == begin {
                    rows.push(nothing(going, asked));
                }
            }
            (None, Ok(_), None) => {}
            (_, Err(error), _) => return Err(error),
            (going, Ok(_), Some(failed)) => {
                let seller_id = going.map_or(&chunk.seller_id, |going| &going.billing.seller_id).clone();
                rows.push(Row { error: Some(failed.why.clone()), ..empty(id, seller_id, asked, RowState::Failed) });
            }
        }
    }
    Ok((rows, all))
}

fn empty(id: &AccountId, seller_id: AccountId, asked: &Asked, state: RowState) -> Row {
    Row {
        account_id: id.clone(),
        seller_id,
        period: asked.month,
        part: 1,
        state,
        invoice_id: None,
        currency: None,
        total: Micros::ZERO,
        due: Micros::ZERO,
        there: Micros::ZERO,
        difference: Micros::ZERO,
        lines: Vec::new(),
        error: None,
    }
}

fn nothing(going: &Going, asked: &Asked) -> Row {
    let over = going.billing.ended || going.billing.last.as_ref().is_some_and(|last| last.label >= asked.month);
    // An account that is younger has nothing of the month either.
    let state = if over { RowState::Empty } else { RowState::Running };
    Row { currency: Some(going.account.currency), ..empty(&going.account.id, going.billing.seller_id.clone(), asked, state) }
}

fn row(invoice: &Invoice, before: Option<&Invoice>, state: RowState) -> Result<Row, StoreError> {
    let there = |id: &str| before.and_then(|before| before.line(id)).map_or(Micros::ZERO, |line| line.amount);
    let line = |id: &str, text: &str, amount| RowLine { id: id.to_owned(), text: text.to_owned(), amount, there: there(id) };
    let mut lines: Vec<RowLine> = invoice.lines.iter().map(|of| line(&of.id, &of.text, of.amount)).collect();
    let gone = before.into_iter().flat_map(|before| &before.lines).filter(|of| invoice.line(&of.id).is_none());
    lines.extend(gone.map(|of| line(&of.id, &of.text, Micros::ZERO)));
    let there = before.map_or(Micros::ZERO, |before| before.total);
    Ok(Row {
        account_id: invoice.account_id.clone(),
        seller_id: invoice.seller_id.clone(),
        period: invoice.period.label,
        part: invoice.part,
        state,
        invoice_id: Some(invoice.id.clone()),
        currency: Some(invoice.currency),
        total: invoice.total,
        due: invoice.total.minus(invoice.paid_from_credit)?,
        there,
        difference: invoice.total.minus(there)?,
        lines,
        error: None,
    })
}
