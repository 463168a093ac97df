//! What a run did, in 32 bytes: the same from the same invoices, whoever made them and how often the run was begun anew.

use ring::digest::{Context, SHA256, digest};
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::billing::run::Chunk;

/// The digest of invoices, in hexadecimal; their order does not matter. It holds account, period, part and content of each, not its number or state.
pub fn of_invoices<'a>(invoices: impl IntoIterator<Item = &'a Invoice>) -> String {
    let mut sorted: Vec<&Invoice> = invoices.into_iter().collect();
    sorted.sort_by_key(|invoice| (&invoice.account_id, invoice.period.label, invoice.part));
    let mut context = Context::new(&SHA256);
    for invoice in sorted {
        context.update(format!("{}/{}-{}/", invoice.account_id, invoice.period.label, invoice.part).as_bytes());
        context.update(digest(&SHA256, &invoice.content()).as_ref());
    }
    hex(context.finish().as_ref())
}

/// The digest of a run: over those of its chunks, in their order.
pub fn of_chunks(chunks: &[Chunk]) -> String {
    let mut context = Context::new(&SHA256);
    for chunk in chunks {
        context.update(chunk.digest.as_bytes());
    }
    hex(context.finish().as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
