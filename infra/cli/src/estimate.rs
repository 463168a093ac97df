//! `estimate`: what a month on AWS costs, by the published prices and the counted budgets of `docs/DATA-MODEL.md`.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{Column, Output, table};

/// Shown under the help.
pub const EXAMPLES: &str = "\
Examples:
  tributary estimate
  tributary estimate --accounts 100000 --requests 200000000 --transfers-share 20
  tributary estimate --events 50000000 --exports 200

A model, not a bill: list prices of us-east-1 as noted in November 2026, without free tiers, discounts, taxes and support.
docs/DEPLOY.md says what is assumed and what is left out.";

/// How much the platform is used.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Accounts that there are
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    accounts: u64,

    /// Requests a month
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    requests: u64,

    /// How many requests of a hundred move credit; the others read
    #[arg(long, value_name = "PERCENT", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=100))]
    transfers_share: u64,

    /// Events of usage a month, sent a hundred at a time; these requests come on top of the others
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    events: u64,

    /// Exports of usage a month
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    exports: u64,

    /// For how many months ledgers have grown already
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(..=1_200))]
    months: u64,
}

/// The counted cost of operations, in thousandths of a unit; a test compares them with `docs/DATA-MODEL.md`.
mod units {
    /// A transfer between siblings at depth 2: units read, units written to the table and its indexes.
    pub const TRANSFER_READ: u128 = 1_000;
    pub const TRANSFER_WRITTEN: u128 = 9_000;
    /// Reads: a balance, a page of history, a page of 50 accounts; and how many of a hundred reads are such.
    pub const BALANCE: u128 = 2_000;
    pub const HISTORY: u128 = 3_000;
    pub const PAGE: u128 = 6_500;
    pub const READS_OF_A_HUNDRED: [(u128, u128); 3] = [(70, BALANCE), (20, HISTORY), (10, PAGE)];
    /// A run of the housekeeping with nothing due.
    pub const HOUSEKEEPING: u128 = 2_500;
    /// A movement told to three rosters, each alone: what is told, and when they are folded; and dropped when they were.
    pub const TOLD_WRITTEN: u128 = 6_000;
    pub const TOLD_DROPPED: u128 = 3_000;
    /// A batch of a hundred events of an account at depth 2.
    pub const BATCH_READ: u128 = 4_000;
    pub const BATCH_WRITTEN: u128 = 8_000;
    /// Adding new usage to the hour, day and month of 51 accounts: an account at depth 2 and the one above it are two of them.
    pub const FOLD_READ: u128 = 362_500;
    pub const FOLD_WRITTEN: u128 = 207_000;
    pub const FOLDED_ACCOUNTS: u128 = 51;
    /// A run of the usage worker with nothing to add.
    pub const FOLD_NOTHING: u128 = 4_500;
}

/// A month has 730 hours. The housekeeping and the usage worker run every minute, the reconciliation every five, the forecasts
/// every hour.
const HOURS: u128 = 730;
const HOUSEKEEPING_RUNS: u128 = HOURS * 60;
const RECONCILE_RUNS: u128 = HOURS * 12;
const USAGE_RUNS: u128 = HOURS * 60;
const FORECAST_RUNS: u128 = HOURS;
/// The reconciliation reads all entries once a day, unless told otherwise.
const HOURS_A_PASS: u128 = 24;
/// Bytes of an entry, measured in the demo's data; half a unit reads 4 KiB of them, since these reads may lag.
const ENTRY_BYTES: u128 = 312;
/// A request in a warm process, in milliseconds, with 512 MB: thousandths of a GB-second.
const REQUEST_GB_MS: u128 = 10 / 2;
/// One request of so many starts a process, which reads the pepper.
const REQUESTS_A_PROCESS: u128 = 1_000;
/// Bytes stored by a transfer, measured in the demo's data, and 100 for each item (AWS's storage rule): two entries and the
/// record in the table, the record in an index.
const TRANSFER_BYTES: u128 = 2 * (ENTRY_BYTES + 100) + (589 + 100);
const TRANSFER_INDEX_BYTES: u128 = 589 + 100;
/// The same of an account: itself, a key, its credential, its name's place, the record and the audit event of its making;
/// in indexes, itself three times and the event.
const ACCOUNT_BYTES: u128 = 606 + 467 + 448 + 85 + 637 + 271 + 6 * 100;
const ACCOUNT_INDEX_BYTES: u128 = 3 * (606 + 100) + 271 + 100;
/// Bytes logged by a request: the gateway's line, Lambda's lines, the function's line.
const LOGGED_BYTES: u128 = 1_500;
/// Bytes of an answer with its headers.
const ANSWER_BYTES: u128 = 2_000;
/// Events of a batch, and how many batches of a hundred are taken to be counted later: these wait in the bucket and in the queue.
const BATCH_EVENTS: u128 = 100;
const WAITING_OF_A_HUNDRED: u128 = 50;
/// A batch in a warm process, and again where it waited, in milliseconds with 512 MB: thousandths of a GB-second.
const BATCH_GB_MS: u128 = 50 / 2;
/// Accounts whose sums a batch is added to, each reading its record: its own and the one above it.
const BATCH_ACCOUNTS: u128 = 2;
/// Bytes that a batch adds to the table, at most: an item of a kilobyte for each two units written.
const BATCH_BYTES: u128 = 4 * (1_024 + 100);
/// Bytes of its two entries, which the reconciliation reads.
const BATCH_ENTRIES_BYTES: u128 = 2 * 1_024;
/// Bytes of its record, for ever, and of what waits, for 35 days: measured, with one property an event.
const RECORD_BYTES: u128 = 8_000;
const WAITING_BYTES: u128 = 19_000;
const WAITING_DAYS: u128 = 35;
/// Bytes of what is answered of an event.
const RESULT_BYTES: u128 = 70;
/// Rows of an export, at most all events; bytes of a row as CSV, measured; its days; thousandths of a GB-second to make it: 5 s with 1 GB.
const EXPORT_ROWS: u128 = 100_000;
const ROW_BYTES: u128 = 550;
const EXPORT_DAYS: u128 = 7;
const EXPORT_GB_MS: u128 = 5_000;
/// Requests of a message: sent, received, deleted. And of a queue with nothing in it: Lambda asks it five times in 20 seconds.
const MESSAGE_REQUESTS: u128 = 3;
const IDLE_REQUESTS: u128 = 5 * 3 * 60 * HOURS;
/// The queues of usage, of exports, of bulk jobs and of the watcher.
const QUEUES: u128 = 4;
/// Events of a transfer: one of each account. Each goes to the bus, and from there to the watcher, and to the FIFO queue of
/// deliveries; where little happens at once, each is sent alone.
const TRANSFER_EVENTS: u128 = 2;
/// Alarms, metrics and dashboards that are allowed for; tests compare them with the template and the code.
const ALARMS: u128 = 99;
const METRICS: u128 = 71;
const DASHBOARDS: u128 = 1;
/// Rules of the web ACL; a test compares them with the template.
const RULES: u128 = 4;

/// One line of the estimate.
struct Line {
    what: &'static str,
    /// Thousandths.
    quantity: u128,
    /// Picodollars for each.
    price: u128,
    /// The price as it is published.
    published: &'static str,
}

impl Line {
    fn picodollars(&self) -> u128 {
        self.quantity * self.price / 1_000
    }
}

/// Shows the estimate.
///
/// # Errors
/// [`Failure::Write`].
pub fn run(args: &Args, output: &Output) -> Result<(), Failure> {
    let lines = lines(args);
    output.show(&document(args, &lines), || Ok(render(&lines)))
}

fn lines(args: &Args) -> Vec<Line> {
    const MILLIONTH: u128 = 1_000_000;
    const DOLLAR: u128 = 1_000_000_000_000;
    const CENT: u128 = DOLLAR / 100;
    let [accounts, requests, share, months] = [args.accounts, args.requests, args.transfers_share, args.months].map(u128::from);
    let transfers = requests * share / 100;
    let reads = requests - transfers;
    let [events, exports] = [args.events, args.exports].map(u128::from);
    let batches = events.div_ceil(BATCH_EVENTS);
    let waiting = batches * WAITING_OF_A_HUNDRED / 100;
    let rows = exports * events.min(EXPORT_ROWS);
    let asked = requests + batches + exports;
    let told = transfers * TRANSFER_EVENTS + batches * BATCH_ACCOUNTS;
    // The outbox is called for each that happens alone.
    let short = requests + transfers + batches + exports + HOUSEKEEPING_RUNS + RECONCILE_RUNS + USAGE_RUNS + FORECAST_RUNS;
    let invocations = short + batches + waiting + exports;
    let a_read: u128 = units::READS_OF_A_HUNDRED.iter().map(|(of_a_hundred, units)| of_a_hundred * units).sum::<u128>() / 100;
    let kept = transfers * months;
    let reconciled = HOURS * kept / HOURS_A_PASS * 2 * ENTRY_BYTES + HOURS * batches * months / HOURS_A_PASS * BATCH_ENTRIES_BYTES;
    let in_table = accounts * ACCOUNT_BYTES + kept * TRANSFER_BYTES + batches * months * BATCH_BYTES;
    let folded = |units: u128| batches * BATCH_ACCOUNTS * units / units::FOLDED_ACCOUNTS;
    let in_bucket = batches * months * RECORD_BYTES + waiting * WAITING_BYTES * WAITING_DAYS / 30 + rows * ROW_BYTES * EXPORT_DAYS / 30;
    let in_indexes = accounts * ACCOUNT_INDEX_BYTES + kept * TRANSFER_INDEX_BYTES;
    let whole = |count: u128| count * 1_000;
    // A GB is 10^9 bytes here.
    let gb = |bytes: u128| bytes / 1_000_000;
    let line = |what, quantity, price, published| Line { what, quantity, price, published };
    vec![
        line("API Gateway, requests", whole(asked), 350 * CENT / MILLIONTH, "$3.50 a million"),
        line("Lambda, requests", whole(invocations), 20 * CENT / MILLIONTH, "$0.20 a million"),
        line(
            "Lambda, GB-seconds",
            short * REQUEST_GB_MS + (batches + waiting) * BATCH_GB_MS + exports * EXPORT_GB_MS,
            13_333_400,
            "$0.0000133334",
        ),
        line("DynamoDB, write units", transfers * units::TRANSFER_WRITTEN, 625 * CENT / 10 / MILLIONTH, "$0.625 a million"),
        line(
            "DynamoDB, read units",
            transfers * units::TRANSFER_READ + reads * a_read + HOUSEKEEPING_RUNS * units::HOUSEKEEPING,
            125 * CENT / 10 / MILLIONTH,
            "$0.125 a million",
        ),
        line(
            "DynamoDB, usage written",
            batches * units::BATCH_WRITTEN + folded(units::FOLD_WRITTEN),
            625 * CENT / 10 / MILLIONTH,
            "$0.625 a million",
        ),
        line(
            "DynamoDB, usage read",
            batches * units::BATCH_READ + folded(units::FOLD_READ) + USAGE_RUNS * units::FOLD_NOTHING,
            125 * CENT / 10 / MILLIONTH,
            "$0.125 a million",
        ),
        line(
            "DynamoDB, rosters written",
            (transfers + batches) * (units::TOLD_WRITTEN + units::TOLD_DROPPED),
            625 * CENT / 10 / MILLIONTH,
            "$0.625 a million",
        ),
        line("DynamoDB, reconciling", reconciled * 500 / 4_096, 125 * CENT / 10 / MILLIONTH, "$0.125 a million"),
        line("DynamoDB, GB stored", gb(in_table + in_indexes), 25 * CENT, "$0.25"),
        line("DynamoDB, GB restorable", gb(in_table), 20 * CENT, "$0.20"),
        line("S3, GB stored", gb(in_bucket), 23 * CENT / 10, "$0.023"),
        line("S3, puts", whole(batches + waiting + exports), 5 * CENT / 10 / 1_000, "$0.005 a thousand"),
        line(
            "S3, gets",
            whole(batches * BATCH_ACCOUNTS + waiting + rows / BATCH_EVENTS + exports),
            4 * CENT / 100 / 1_000,
            "$0.0004 a thousand",
        ),
        line(
            "SQS, requests",
            whole((waiting + exports + told) * MESSAGE_REQUESTS + QUEUES * IDLE_REQUESTS),
            40 * CENT / MILLIONTH,
            "$0.40 a million",
        ),
        line("SQS, FIFO requests", whole(told * MESSAGE_REQUESTS + IDLE_REQUESTS), 50 * CENT / MILLIONTH, "$0.50 a million"),
        line("EventBridge, events", whole(told), 100 * CENT / MILLIONTH, "$1.00 a million"),
        line("CloudWatch, GB of logs", gb((asked + waiting) * LOGGED_BYTES), 50 * CENT, "$0.50"),
        line("CloudWatch, alarms", whole(ALARMS), 10 * CENT, "$0.10"),
        line("CloudWatch, own metrics", whole(METRICS), 30 * CENT, "$0.30"),
        line("CloudWatch, dashboards", whole(DASHBOARDS), 300 * CENT, "$3.00"),
        line("Secrets Manager, secrets", whole(1), 40 * CENT, "$0.40"),
        line("Secrets Manager, calls", whole(asked / REQUESTS_A_PROCESS), 5 * CENT / 10_000, "$0.05 for 10,000"),
        line("WAF, web ACL", whole(1), 500 * CENT, "$5.00"),
        line("WAF, rules", whole(RULES), 100 * CENT, "$1.00"),
        line("WAF, requests", whole(asked), 60 * CENT / MILLIONTH, "$0.60 a million"),
        line("Data out, GB", gb((requests + exports) * ANSWER_BYTES + events * RESULT_BYTES + rows * ROW_BYTES), 9 * CENT, "$0.09"),
    ]
}

fn total(lines: &[Line]) -> u128 {
    lines.iter().map(Line::picodollars).sum()
}

fn document(args: &Args, lines: &[Line]) -> Value {
    let line = |line: &Line| json!({"what": line.what, "quantity": quantity(line.quantity).replace(',', ""), "price": line.published, "usd": cents(line.picodollars())});
    json!({
        "accounts": args.accounts,
        "requests": args.requests,
        "transfers_share": args.transfers_share,
        "events": args.events,
        "exports": args.exports,
        "months": args.months,
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "total_usd": cents(total(lines)),
    })
}

fn render(lines: &[Line]) -> String {
    let heads = [Column::Left("WHAT"), Column::Right("HOW MUCH"), Column::Left("PRICE"), Column::Right("USD A MONTH")];
    let row =
        |line: &Line| vec![line.what.to_owned(), quantity(line.quantity), line.published.to_owned(), grouped_cents(line.picodollars())];
    let sum = vec!["together".to_owned(), String::new(), String::new(), grouped_cents(total(lines))];
    table(&heads, lines.iter().map(row).chain([sum])).join("\n")
}

/// Thousandths as a number; those of a small number are shown.
fn quantity(thousandths: u128) -> String {
    let whole = thousandths / 1_000;
    match thousandths % 1_000 {
        rest if rest > 0 && whole < 1_000 => format!("{whole}.{rest:03}"),
        _ => grouped(whole),
    }
}

/// Dollars with two decimals, half a cent up.
fn cents(picodollars: u128) -> String {
    const CENT: u128 = 10_000_000_000;
    let cents = (picodollars + CENT / 2) / CENT;
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn grouped_cents(picodollars: u128) -> String {
    let text = cents(picodollars);
    let (dollars, cents) = text.split_once('.').unwrap_or((&text, "00"));
    format!("{}.{cents}", dollars.parse().map_or_else(|_| dollars.to_owned(), grouped))
}

fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    const DEPLOY: &str = include_str!("../../../docs/DEPLOY.md");
    const CLI: &str = include_str!("../../../docs/cli.md");
    const DATA_MODEL: &str = include_str!("../../../docs/DATA-MODEL.md");
    const TEMPLATE: &str = include_str!("../../../template.yaml");
    /// What measures: the router once for each of the API's functions, and whatever runs on a schedule or is called with messages.
    const ROUTER: &str = include_str!("../../../shared/api/src/router.rs");
    const MEASURING: [&str; 12] = [
        include_str!("../../../functions/housekeeping/src/lib.rs"),
        include_str!("../../../functions/reconcile/src/lib.rs"),
        include_str!("../../../functions/usage_worker/src/lib.rs"),
        include_str!("../../../functions/exporter/src/lib.rs"),
        include_str!("../../../functions/forecast/src/lib.rs"),
        include_str!("../../../functions/outbox/src/lib.rs"),
        include_str!("../../../functions/watcher/src/lib.rs"),
        include_str!("../../../functions/billing_run/src/lib.rs"),
        include_str!("../../../functions/collector/src/lib.rs"),
        include_str!("../../../functions/invoice_worker/src/lib.rs"),
        include_str!("../../../functions/roster/src/lib.rs"),
        include_str!("../../../functions/roster/src/hear.rs"),
    ];

    fn asked(line: &str) -> Args {
        match crate::args::Cli::try_parse_from(line.split_whitespace()).expect("understood").command {
            crate::args::Command::Estimate(args) => args,
            _ => panic!("{line} is no estimate"),
        }
    }

    /// Read units, and write units of table and indexes, of an operation in the counted table; thousandths.
    fn counted(operation: &str) -> (u128, u128) {
        let row =
            DATA_MODEL.lines().find(|line| line.starts_with(&format!("{operation}  "))).unwrap_or_else(|| panic!("no row {operation}"));
        let numbers: Vec<&str> = row.split_whitespace().rev().take(3).collect();
        let [index, table, read] = numbers.as_slice() else { panic!("{row}") };
        let thousandths =
            |text: &str| text.replace('.', "").parse::<u128>().expect("a number") * if text.contains('.') { 100 } else { 1_000 };
        (thousandths(read), thousandths(table) + thousandths(index))
    }

    #[test]
    fn operations_cost_what_is_counted() {
        assert_eq!(counted("transfer between siblings at depth 2, warm"), (units::TRANSFER_READ, units::TRANSFER_WRITTEN));
        assert_eq!(counted("balance"), (units::BALANCE, 0));
        assert_eq!(counted("page of history"), (units::HISTORY, 0));
        assert_eq!(counted("page of 50 accounts"), (units::PAGE, 0));
        assert_eq!(counted("housekeeping run with nothing due"), (units::HOUSEKEEPING, 0));
        assert_eq!(counted("100 events of an account at depth 2, warm"), (units::BATCH_READ, units::BATCH_WRITTEN));
        assert_eq!(counted("usage summed up: 153 slots, 50 events"), (units::FOLD_READ, units::FOLD_WRITTEN));
        assert_eq!(units::FOLDED_ACCOUNTS * 3, 153, "an hour, a day and a month of each");
        assert_eq!(counted("rollup run with nothing to fold"), (units::FOLD_NOTHING, 0));
        // That they are folded sooner is written once in minutes, and the index with it.
        let (_, told) = counted("a movement told to rosters, 100 accounts more");
        assert!((units::TOLD_WRITTEN..=2 * units::TOLD_WRITTEN).contains(&told), "{told}");
        assert_eq!(units::READS_OF_A_HUNDRED.iter().map(|(of_a_hundred, _)| of_a_hundred).sum::<u128>(), 100);
    }

    #[test]
    fn the_documentation_shows_what_the_command_says() {
        let mut shown = 0;
        for block in DEPLOY.split("```").filter(|block| block.trim_start().starts_with("$ tributary estimate")) {
            let (line, answer) = block.trim().split_once('\n').expect("an answer");
            let said = render(&lines(&asked(line.trim_start_matches("$ "))));
            assert_eq!(answer.trim_end(), said, "docs/DEPLOY.md, {line}: it must show\n{said}");
            let total = grouped_cents(total(&lines(&asked(line.trim_start_matches("$ ")))));
            assert!(DEPLOY.matches(&format!("${total}")).count() >= 1, "docs/DEPLOY.md lacks ${total}, the sum of {line}");
            shown += 1;
        }
        assert_eq!(shown, 3, "three sizes of customer");

        let line = "tributary --json estimate --accounts 5000 --requests 20000000";
        let args = asked(line);
        let sum = document(&args, &lines(&args))["total_usd"].as_str().unwrap_or_default().to_owned();
        let example = format!("$ {line} | jq -r .total_usd\n{sum}\n");
        assert!(CLI.contains(&example), "docs/cli.md lacks\n{example}");
    }

    #[test]
    fn the_alarms_of_the_template_are_allowed_for() {
        let alarms = TEMPLATE.matches("Type: AWS::CloudWatch::Alarm").count();
        assert!(u128::try_from(alarms).expect("a number") <= ALARMS, "{alarms} alarms");
    }

    #[test]
    fn the_rules_of_the_templates_firewall_are_counted() {
        let firewall = TEMPLATE.split_once("\n  Firewall:\n").expect("a firewall").1;
        let firewall = firewall.split_once("\n  FirewallBeforeApi:\n").expect("its end").0;
        assert_eq!(firewall.matches("\n        - Name: ").count(), usize::try_from(RULES).expect("a number"));
    }

    #[test]
    fn the_metrics_of_the_code_are_allowed_for() {
        let metrics =
            |text: &str| ["counter!(\"", "gauge!(\"", "histogram!(\""].iter().map(|made| text.matches(made).count()).sum::<usize>();
        let api = TEMPLATE.matches("MetricName: RequestFailures").count();
        let all = metrics(ROUTER) * api + MEASURING.map(metrics).iter().sum::<usize>();
        assert!(u128::try_from(all).expect("a number") <= METRICS, "{all} metrics");
    }

    #[test]
    fn what_waits_and_what_is_exported_is_kept_for_as_long_as_the_template_says() {
        let kept = |prefix: &str| {
            let rule = TEMPLATE.split_once(&format!("Prefix: {prefix}\n")).unwrap_or_else(|| panic!("no rule of {prefix}")).1;
            let line = rule.lines().find(|line| line.contains("ExpirationInDays")).expect("an end");
            line.trim().trim_start_matches("ExpirationInDays: ").parse::<u128>().expect("days")
        };
        assert_eq!((kept("usage/waiting/"), kept("exports/")), (WAITING_DAYS, EXPORT_DAYS));
    }

    #[test]
    fn usage_is_stored_asked_for_and_queued() {
        let usage = lines(&asked("tributary estimate --requests 0 --events 1000000 --exports 10 --months 1"));
        let of = |what: &str| {
            usage.iter().find(|line| line.what == what).map(|line| (quantity(line.quantity), cents(line.picodollars()))).expect(what)
        };
        // 10,000 batches, of which 5,000 wait, and 10 exports.
        assert_eq!(of("S3, puts"), ("15,010".to_owned(), "0.08".to_owned()));
        // Two accounts read each batch, a waiting one is read once, an export of 100,000 rows reads 1,000 batches and is fetched once.
        assert_eq!(of("S3, gets"), ("35,010".to_owned(), "0.01".to_owned()));
        // 3 for each message, the 20,000 events of the batches among them, and 657,000 for each idle queue.
        assert_eq!(of("SQS, requests"), ("2,703,030".to_owned(), "1.08".to_owned()));
        assert_eq!(of("SQS, FIFO requests"), ("717,000".to_owned(), "0.36".to_owned()));
        assert_eq!(of("EventBridge, events"), ("20,000".to_owned(), "0.02".to_owned()));
        // 80 MB of records, 110.8 MB that wait, 128.3 MB of exports.
        assert_eq!(of("S3, GB stored").0, "0.319");
        assert_eq!(of("API Gateway, requests").0, "10,010");
        let none = lines(&asked("tributary estimate --requests 0 --events 0 --exports 0"));
        assert!(none.iter().filter(|line| line.what.starts_with("S3")).all(|line| line.picodollars() == 0));
    }

    #[test]
    fn prices_are_exact_and_numbers_are_grouped() {
        let millions = lines(&asked("tributary estimate --requests 1000000 --transfers-share 100 --events 0 --exports 0"));
        let of = |what: &str| millions.iter().find(|line| line.what == what).map(|line| cents(line.picodollars())).expect(what);
        assert_eq!(of("API Gateway, requests"), "3.50");
        // 9 write units a transfer at $0.625 a million.
        assert_eq!(of("DynamoDB, write units"), "5.63");
        assert_eq!(of("WAF, requests"), "0.60");
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_000), grouped(12_345_678)),
            ("0".into(), "999".into(), "1,000".into(), "12,345,678".into())
        );
        assert_eq!((quantity(1_500), quantity(2_000), quantity(2_000_500)), ("1.500".to_owned(), "2".to_owned(), "2,000".to_owned()));
        assert_eq!((cents(0), cents(4_999_999_999), cents(5_000_000_000)), ("0.00".into(), "0.00".into(), "0.01".into()));
    }

    #[test]
    fn twice_the_requests_cost_at_most_twice_as_much() {
        let at = |requests: u64| total(&lines(&asked(&format!("tributary estimate --requests {requests}"))));
        assert!(at(2_000_000) > at(1_000_000) && at(2_000_000) < 2 * at(1_000_000));
    }
}
