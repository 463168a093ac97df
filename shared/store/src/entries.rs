//! Entries as items. The sort key is the entry's number, so that the newest is found first and a number is taken once.

use tributary_domain::account::Funding;
use tributary_domain::ledger::{Entry, Head, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Micros;

use crate::codec::{Reader, put, put_some, time};
use crate::commit::{Part, Tx};
use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Value, Write, s};

/// Adds the write of an entry: it is made only if its number is free.
pub fn push_entry(tx: &mut Tx, entry: &Entry) {
    let head = &entry.after;
    let key = keys::entry(&head.ledger, head.seq);
    tx.push(Part::Entry(head.ledger.clone()), Write::create(key, encode(entry)));
}

pub(crate) fn encode(entry: &Entry) -> Item {
    let (mut item, head) = (Item::new(), &entry.after);
    put(&mut item, "kind", s(entry.kind.word()));
    put_some(&mut item, "txf", entry.transfer_id.as_ref());
    put_some(&mut item, "hold", entry.hold_id.as_ref());
    put(&mut item, "amt", Value::N(entry.amount.get()));
    put(&mut item, "hamt", Value::N(entry.held_amount.get()));
    put_some(&mut item, "cp", entry.counterparty.as_ref());
    put_some(&mut item, "ref", entry.reference.as_ref());
    put(&mut item, "at", time(head.at));
    put(&mut item, "seq", Value::N(head.seq));
    put(&mut item, "led", s(head.ledger.to_string()));
    put(&mut item, "lin", s(head.lineage.to_string()));
    put(&mut item, "gen", Value::N(i64::from(head.generation)));
    put(&mut item, "akind", s(head.kind.word()));
    put(&mut item, "st", s(head.status.word()));
    put(&mut item, "cur", s(head.currency.code()));
    put(&mut item, "avail", Value::N(head.available.get()));
    put(&mut item, "held", Value::N(head.held.get()));
    put(&mut item, "limit", Value::N(head.credit_limit.get()));
    // What most accounts never have costs nothing until they have it.
    if head.funding != Funding::default() {
        put(&mut item, "fund", s(head.funding.word()));
    }
    if !head.lots.is_empty() {
        put(&mut item, "lots", s(head.lots.to_string()));
    }
    if head.usage_seq != 0 {
        put(&mut item, "useq", Value::N(head.usage_seq));
    }
    item
}

/// Reads an entry.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn decode(item: &Item) -> Result<Entry, StoreError> {
    let r = Reader(item);
    let generation = u32::try_from(r.number("gen")?).map_err(|_| StoreError::Corrupt("attribute gen is out of range".to_owned()))?;
    let after = Head {
        ledger: r.parsed::<LedgerId>("led")?,
        seq: r.number("seq")?,
        lineage: r.parsed::<Lineage>("lin")?,
        generation,
        kind: r.word("akind")?,
        status: r.word("st")?,
        currency: r.parsed("cur")?,
        available: Micros::new(r.number("avail")?),
        held: Micros::new(r.number("held")?),
        credit_limit: Micros::new(r.number("limit")?),
        funding: r.maybe_word("fund")?.unwrap_or_default(),
        lots: r.maybe_parsed("lots")?.unwrap_or_default(),
        usage_seq: r.maybe_number("useq")?.unwrap_or(0),
        at: r.time("at")?,
    };
    Ok(Entry {
        kind: r.word("kind")?,
        transfer_id: r.maybe_parsed("txf")?,
        hold_id: r.maybe_parsed("hold")?,
        amount: Micros::new(r.number("amt")?),
        held_amount: Micros::new(r.number("hamt")?),
        counterparty: r.maybe_parsed("cp")?,
        reference: r
            .maybe_text("ref")?
            .map(tributary_domain::text::Reference::parse)
            .transpose()
            .map_err(|error| StoreError::Corrupt(error.to_string()))?,
        after,
    })
}
