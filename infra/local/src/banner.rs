//! What a terminal shows: the progress of the demo, and the page once requests are served.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use crate::options::{Options, Step, Storage};
use crate::pages::Prepared;
use crate::seed::{Demo, DemoAccount, MEMBER};
use crate::start::Local;

/// Shows the demo's progress on one line, where there is a terminal.
pub fn progress(step: Step<'_>) {
    let mut terminal = io::stderr();
    if !terminal.is_terminal() {
        return;
    }
    let end = if step.done == step.of { "\r\x1b[K" } else { "" };
    // A terminal that is gone is no reason to stop.
    let _ = write!(terminal, "\r\x1b[KMaking the demo: {}/{} {}{end}", step.done, step.of, step.what).and_then(|()| terminal.flush());
}

/// Says that something takes a while.
pub fn working(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// Shows the page.
pub fn show(local: &Local, options: &Options) {
    let mut terminal = io::stdout();
    let _ = terminal.write_all(page(local, options).as_bytes()).and_then(|()| terminal.flush());
}

fn page(local: &Local, options: &Options) -> String {
    let mut page = format!("\nTributary runs at {}   {}\n", local.base_url, kept(&options.storage));
    if local.clock.advance_ms(0) > 0 {
        let _ = writeln!(page, "The test clock stands at {}.", local.now());
    }
    let _ = match &options.pages {
        Prepared::Ready(_) => writeln!(page, "The dashboard is at {}/app: sign in with a key below.", local.base_url),
        Prepared::Missing(why) => writeln!(page, "{why}"),
    };
    let _ = writeln!(page, "Cards are charged at {}, which is scripted: see docs/payments.md.", local.processor_url);
    if let Some(demo) = &local.demo {
        accounts(&mut page, demo);
    }
    keys(&mut page, local);
    examples(&mut page, local);
    page.push_str("\nCtrl-C stops.\n");
    page
}

fn kept(storage: &Storage) -> String {
    match storage {
        Storage::Directory(dir) => format!("(data in {})", dir.display()),
        Storage::Engine | Storage::Memory(_) => "(nothing is kept)".to_owned(),
    }
}

fn accounts(page: &mut String, demo: &Demo) {
    let _ = writeln!(page, "\n  {:<36} {:<9} USD", "Tributary Demo", "operator");
    for DemoAccount { id, name, kind, currency, depth } in &demo.accounts {
        let name = format!("{:indent$}{name}", "", indent = 2 * depth);
        let _ = writeln!(page, "  {name:<36} {kind:<9} {currency:<4} {id}");
    }
}

fn keys(page: &mut String, local: &Local) {
    let _ = writeln!(page, "\nKeys\n  {:<36} {}", "operator, owner", local.operator_key);
    for key in local.demo.iter().flat_map(|demo| &demo.keys) {
        let _ = writeln!(page, "  {:<36} {}", format!("{}, {}", key.account, key.role), key.secret);
    }
}

fn examples(page: &mut String, local: &Local) {
    let url = &local.base_url;
    let operator = format!("-H 'Authorization: Bearer {}'", local.operator_key);
    let (json, once) = ("-H 'Content-Type: application/json'", "-H \"Idempotency-Key: try-$RANDOM$RANDOM\"");
    let _ = writeln!(page, "\nTry");
    let Some((demo, key)) = local.demo.as_ref().and_then(|demo| Some((demo, demo.keys.first()?))) else {
        let _ = writeln!(page, "  curl -s '{url}/reseller/accounts' {operator}");
        let _ = writeln!(
            page,
            "  curl -s -X POST '{url}/reseller/accounts/create' {operator} {json} \\\n    -d '{{\"name\": \"Northwind Telecom\", \"kind\": \"reseller\"}}'"
        );
        return;
    };
    let owner = format!("-H 'Authorization: Bearer {}'", key.secret);
    let child = demo.accounts.iter().find(|account| account.depth == 2).map_or("", |account| account.id.as_str());
    let _ = writeln!(page, "  curl -s '{url}/reseller/accounts?subtree=true' {owner}");
    let _ = writeln!(page, "  curl -s '{url}/reseller/credits/balance?subtree=true' {owner}");
    let _ = writeln!(
        page,
        "  curl -s -X POST '{url}/reseller/credits/allocate' {owner} {json} \\\n    {once} -d '{{\"account_id\": \"{child}\", \"amount\": \"25\", \"reference\": \"a first try\"}}'"
    );
    let _ = writeln!(page, "  curl -s '{url}/reseller/credits/history?account_id={child}' {owner}");
    let _ = writeln!(
        page,
        "  curl -s -X POST '{url}/reseller/accounts/create' {owner} {json} \\\n    {once} -d '{{\"name\": \"Fresh Start Ltd\", \"kind\": \"customer\", \"initial_credits\": \"10\"}}'"
    );
    usage(page, url, &owner, demo, local);
    let _ = writeln!(page, "  curl -s '{url}/reseller/bulk' {owner}   # a job that is done, and a plan that waits for POST …/apply");
    let _ = writeln!(page, "  curl -s '{url}/reseller/invoices?side=sold' {owner}   # three months of them; GET …/{{id}}/pdf gives a link");
    webhooks(page, url, &owner);
    let _ = writeln!(
        page,
        "  curl -s -X POST '{url}/portal/sign-in' {json} -d '{{\"email\": \"{MEMBER}\"}}'   # the link is shown here and in the outbox"
    );
    let _ = writeln!(page, "  curl -s -X POST '{url}/_local/clock/advance' {json} -d '{{\"seconds\": 86400}}'");
}

/// An endpoint on this machine, a test of it, and what became of that.
fn webhooks(page: &mut String, url: &str, owner: &str) {
    let json = "-H 'Content-Type: application/json'";
    let body = "{\"url\": \"http://127.0.0.1:9000/\", \"events\": [\"*\"], \"subtree\": true}";
    let _ = writeln!(
        page,
        "  python3 -m http.server 9000 &   # any server will do: what it answers is seen below\n  HOOK=$(curl -s -X POST '{url}/reseller/webhooks' {owner} {json} \\\n    -d '{body}' | grep -o 'whk_[0-9a-z]*' | head -n 1)"
    );
    let _ = writeln!(page, "  curl -s -X POST \"{url}/reseller/webhooks/$HOOK/test\" {owner}; sleep 1");
    let _ = writeln!(page, "  curl -s \"{url}/reseller/webhooks/$HOOK/deliveries\" {owner}");
    let _ = writeln!(page, "  curl -s '{url}/_local/mail'   # the mails that were sent, and a page of them in a browser");
}

fn usage(page: &mut String, url: &str, owner: &str, demo: &Demo, local: &Local) {
    let customer = demo.accounts.iter().find(|account| account.depth == 5).map_or("", |account| account.id.as_str());
    let now = local.now();
    let event = format!(
        "{{\"id\": \"try-1\", \"account_id\": \"{customer}\", \"meter\": \"sms\", \"quantity\": 3, \"occurred_at\": \"{now:.0}\"}}"
    );
    let _ = writeln!(
        page,
        "  curl -s -X POST '{url}/reseller/usage/events' {owner} -H 'Content-Type: application/json' \\\n    -d '{{\"events\": [{event}]}}'"
    );
    let ask = |page: &mut String, path: &str| {
        let _ = writeln!(page, "  curl -s '{url}/reseller/{path}' {owner}");
    };
    ask(page, &format!("usage/events/try-1/explain?account_id={customer}"));
    ask(page, "usage/summary?subtree=true");
    let from = now.checked_sub(jiff::SignedDuration::from_hours(24 * 30)).unwrap_or(now);
    ask(page, &format!("usage/report?subtree=true&granularity=day&group_by=account,meter&from={from:.0}&to={now:.0}"));
    ask(page, &format!("usage/forecast?account_id={customer}&meter=sms&horizon_days=30"));
    ask(page, &format!("pricing/resolve?account_id={customer}&meter=sms"));
}
