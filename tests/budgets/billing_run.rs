//! What billing costs: one query and three write units an account, however many there are.

use serde_json::json;
use tributary_store::counting::Counts;

use super::Counted;
use crate::billing_run::Bills;

/// A platform of its own with so many postpaid accounts of one seller, each with usage in the month.
async fn run_over(accounts: usize) -> (Counted, Counts) {
    let own = Counted::new().await;
    let Counted { w, table, lines } = own;
    let bills = Bills::on(w.target).await;
    let seller = bills.w.master.id.clone();
    for _ in 0..accounts {
        let account = bills.postpaid(&seller).await;
        bills.uses(&account, "10").await;
    }
    bills.until("2026-12-01T00:05:00Z");
    table.reset();
    let run = bills.run().await;
    let counts = table.reset();
    // The master, and in each world the one that it began with.
    assert_eq!(run["accounts"], json!(accounts + 2), "{run}");
    (Counted { w: bills.w, table, lines }, counts)
}

pub(super) async fn running(c: &mut Counted) {
    let mut all = Vec::new();
    for accounts in [10, 100, 1_000] {
        let (mut own, counts) = run_over(accounts).await;
        own.note(&format!("a billing run over {accounts} postpaid accounts"), counts);
        c.lines.append(&mut own.lines);
        all.push((accounts as u64, counts));
    }
    for pair in all.windows(2) {
        let [(few, less), (many, more)] = pair else { continue };
        let added = many - few;
        let slope = |of: fn(&Counts) -> u64| (of(more) - of(less)) as f64 / added as f64;
        let (queries, units) = (slope(|c| c.queries), slope(|c| c.write_units));
        assert!(queries <= 1.05, "{queries} queries an account");
        eprintln!("{queries} queries and {units} write units an account");
        assert!(units <= 3.2, "{units} write units an account");
    }
}
