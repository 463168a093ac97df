//! The local run as its user meets it: killed under load and started again, and refusing what it cannot do.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A local run in a process of its own; killed when it is dropped.
struct Process {
    child: Child,
    base_url: String,
    key: String,
}

/// The example `local_run`, which `cargo test` builds beside this program.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    let program = own.ancestors().nth(2).expect("target/<profile>").join("examples/local_run");
    assert!(program.exists(), "{} is not built: run `cargo build -p tributary-tests --examples`", program.display());
    program
}

impl Process {
    fn command(data: &Path, port: &str) -> Command {
        let mut command = Command::new(program());
        command.args(["--no-seed", "--port", port, "--data"]).arg(data);
        command
    }

    /// Starts on `data` and returns when requests are served.
    fn start(data: &Path) -> Self {
        let ready = data.join("ready.json");
        let mut child = Self::command(data, "0").arg("--ready-file").arg(&ready).stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("it has an output");
        let line = BufReader::new(stdout).lines().next().expect("it says something").expect("text");
        assert_eq!(line, "ready");
        let ready: Value = serde_json::from_slice(&std::fs::read(&ready).expect("the ready file")).expect("JSON");
        let text = |name: &str| ready[name].as_str().expect("text").to_owned();
        Self { child, base_url: text("base_url"), key: text("operator_key") }
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    async fn post(&self, client: &reqwest::Client, path: &str, idem: &str, body: &Value) -> Result<(u16, bool, Value), reqwest::Error> {
        let request = client.post(format!("{}{path}", self.base_url)).bearer_auth(&self.key).header("idempotency-key", idem).json(body);
        let response = request.send().await?;
        let (status, replayed) = (response.status().as_u16(), response.headers().contains_key("idempotent-replayed"));
        Ok((status, replayed, response.json().await?))
    }

    async fn get(&self, client: &reqwest::Client, path: &str) -> Value {
        let response = client.get(format!("{}{path}", self.base_url)).bearer_auth(&self.key).send().await.expect("it answers");
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.json().await.expect("JSON")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One transfer that a client asked for: its key, its body, and the answer if one came.
type Asked = (String, Value, Option<Value>);

const ACCOUNTS: usize = 4;
const CLIENTS: usize = 8;

/// Transfers around a ring from `CLIENTS` clients at once, until the process is killed after `deadly` answers.
async fn load_until_killed(process: &mut Process, accounts: &[String], round: usize, deadly: usize) -> Vec<Asked> {
    let (asked, answers): (Arc<Mutex<Vec<Asked>>>, _) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
    let enough = Arc::new(tokio::sync::Notify::new());
    let workers: Vec<_> = (0..CLIENTS)
        .map(|worker| {
            let (asked, answers, enough) = (asked.clone(), answers.clone(), enough.clone());
            let (base_url, key, accounts) = (process.base_url.clone(), process.key.clone(), accounts.to_vec());
            tokio::spawn(async move {
                let client = reqwest::Client::new();
                for n in 0.. {
                    let idem = format!("round-{round}-{worker}-{n}");
                    let (from, to) = (&accounts[(worker + n) % ACCOUNTS], &accounts[(worker + n + 1) % ACCOUNTS]);
                    let body = json!({ "from": from, "to": to, "amount": format!("0.{:06}", n % 1000 + 1) });
                    let request =
                        client.post(format!("{base_url}/reseller/credits/transfer")).bearer_auth(&key).header("idempotency-key", &idem);
                    let answer = match request.json(&body).send().await {
                        Ok(response) if response.status().as_u16() == 201 => response.json::<Value>().await.ok(),
                        Ok(response) => panic!("{}: {:?}", response.status(), response.text().await),
                        Err(_) => None,
                    };
                    let dead = answer.is_none();
                    asked.lock().expect("unpoisoned").push((idem, body, answer));
                    if dead {
                        return;
                    }
                    if answers.fetch_add(1, Ordering::SeqCst) + 1 == deadly {
                        enough.notify_one();
                    }
                }
            })
        })
        .collect();
    enough.notified().await;
    process.kill();
    for worker in workers {
        worker.await.expect("a worker ends when the process is gone");
    }
    Arc::try_unwrap(asked).expect("the workers are done").into_inner().expect("unpoisoned")
}

fn micros(amount: &str) -> i64 {
    let (units, decimals) = amount.split_once('.').expect("six decimals");
    let sign = if units.starts_with('-') { -1 } else { 1 };
    units.parse::<i64>().expect("digits") * 1_000_000 + sign * decimals.parse::<i64>().expect("digits")
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_it_loses_nothing_acknowledged_and_doubles_nothing() {
    let data = tempfile::tempdir().expect("a directory");
    let client = reqwest::Client::new();
    let mut process = Process::start(data.path());
    let mut accounts = Vec::new();
    for n in 0..ACCOUNTS {
        let body = json!({ "name": format!("Ring {n}"), "kind": "reseller" });
        let (status, _, account) =
            process.post(&client, "/reseller/accounts/create", &format!("create-{n}"), &body).await.expect("it answers");
        assert_eq!(status, 201, "{account}");
        accounts.push(account["id"].as_str().expect("an id").to_owned());
        let body = json!({ "account_id": accounts[n], "amount": "1000" });
        let (status, ..) = process.post(&client, "/reseller/credits/issue", &format!("issue-{n}"), &body).await.expect("it answers");
        assert_eq!(status, 201);
    }
    let mut expected = [1_000_000_000_i64; ACCOUNTS];
    for (round, deadly) in [40, 150, 300].into_iter().enumerate() {
        let asked = load_until_killed(&mut process, &accounts, round, deadly).await;
        process = Process::start(data.path());
        for (idem, body, answer) in asked {
            let (status, replayed, again) = process.post(&client, "/reseller/credits/transfer", &idem, &body).await.expect("it answers");
            assert_eq!(status, 201, "{idem}: {again}");
            if let Some(answer) = answer {
                assert!(replayed, "{idem} was acknowledged before the kill and forgotten");
                assert_eq!(answer, again, "{idem} is answered as it was the first time");
            }
            let amount = micros(again["amount"].as_str().expect("an amount"));
            let at = |side: &str| accounts.iter().position(|id| Some(id.as_str()) == again[side].as_str()).expect("an account of the ring");
            expected[at("from")] -= amount;
            expected[at("to")] += amount;
        }
        for (account, expected) in accounts.iter().zip(expected) {
            let balance = process.get(&client, &format!("/reseller/credits/balance?account_id={account}")).await;
            assert_eq!(micros(balance["available"].as_str().expect("an amount")), expected, "after round {round}");
        }
    }
    let newest = process.get(&client, &format!("/reseller/credits/history?account_id={}&limit=200", accounts[0])).await;
    let entries = newest["data"].as_array().expect("entries");
    for pair in entries.windows(2) {
        let read = |entry: &Value, name: &str| micros(entry[name].as_str().expect("an amount"));
        assert_eq!(read(&pair[0], "balance_after"), read(&pair[1], "balance_after") + read(&pair[0], "amount"));
    }
}

#[test]
fn a_taken_port_is_said_with_what_to_do() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port().to_string();
    let data = tempfile::tempdir().expect("a directory");
    let output = Process::command(data.path(), &port).output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(&port) && said.contains("--port"), "{said}");
}

#[test]
fn data_of_a_newer_version_is_refused_and_left_alone() {
    let data = tempfile::tempdir().expect("a directory");
    drop(Process::start(data.path()));
    let state = data.path().join("local.json");
    let mut document: Value = serde_json::from_slice(&std::fs::read(&state).expect("the state")).expect("JSON");
    document["layout"] = json!(tributary_domain::version::DATA_LAYOUT + 1);
    let newer = document.to_string();
    std::fs::write(&state, &newer).expect("written");
    let output = Process::command(data.path(), "0").output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("newer version"), "{said}");
    assert_eq!(std::fs::read_to_string(&state).expect("the state"), newer);
}

#[test]
fn a_directory_in_use_is_refused() {
    let data = tempfile::tempdir().expect("a directory");
    let _first = Process::start(data.path());
    let output = Process::command(data.path(), "0").output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("another process"), "{said}");
}
