//! Cold starts of the functions' release binaries beside hello-world ones, in one run: how long from the process's start to
//! its first question for work, to its first answer, and in how many instructions; then warm calls and memory. Prints the
//! tables of `docs/PERFORMANCE.md`; figures only, nothing here passes or fails. `scripts/cold-start.sh` runs it.

#[path = "../support/lambda.rs"]
#[allow(dead_code, reason = "the kill test uses the rest")]
mod lambda;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use clap::Parser;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use lambda::{Emulator, Moment, Platform, Services, Watch, listen};

/// Measures cold starts.
#[derive(Debug, Parser)]
struct Options {
    /// Where the binaries are: `<name>/bootstrap`.
    #[arg(long, default_value = "target/lambda")]
    binaries: PathBuf,
    /// AWS's runtime interface emulator; without it that part is left out.
    #[arg(long)]
    emulator: Option<PathBuf>,
    /// Cold starts of each.
    #[arg(long, default_value_t = 25)]
    runs: usize,
    /// Warm calls of each.
    #[arg(long, default_value_t = 200)]
    warm: usize,
    /// How long every call to a service takes in the second table, in milliseconds.
    #[arg(long, default_value_t = 5)]
    latency_ms: u64,
    /// Counts instructions with valgrind.
    #[arg(long)]
    instructions: bool,
    /// Only this function, started once and left alone: for profilers.
    #[arg(long)]
    only: Option<String>,
}

/// Each HTTP function beside the HTTP hello, the other beside the plain one.
const FUNCTIONS: [(&str, &str); 6] = [
    ("hello_http", "hello_http"),
    ("accounts", "hello_http"),
    ("credits", "hello_http"),
    ("portal", "hello_http"),
    ("hello_event", "hello_event"),
    ("housekeeping", "hello_event"),
];

/// How long the functions wait for their services: the time in which at least one call is open.
#[derive(Debug, Default)]
struct Waiting {
    open: usize,
    since: Option<Instant>,
    total: Duration,
    calls: usize,
}

impl Waiting {
    fn watch(shared: &Arc<Mutex<Self>>, latency: Duration) -> Watch {
        let shared = Arc::clone(shared);
        Arc::new(move |moment| {
            match moment {
                Moment::Asked(_) => {
                    let mut waiting = shared.lock().expect("unpoisoned");
                    waiting.open += 1;
                    waiting.calls += 1;
                    waiting.since.get_or_insert_with(Instant::now);
                }
                Moment::Done(_) => {
                    if !latency.is_zero() {
                        tokio::task::block_in_place(|| std::thread::sleep(latency));
                    }
                    let mut waiting = shared.lock().expect("unpoisoned");
                    waiting.open = waiting.open.saturating_sub(1);
                    if waiting.open == 0 {
                        let waited = waiting.since.take().map_or(Duration::ZERO, |since| since.elapsed());
                        waiting.total += waited;
                    }
                }
            }
            true
        })
    }

    fn taken(shared: &Arc<Mutex<Self>>) -> (Duration, usize) {
        let waiting = std::mem::take(&mut *shared.lock().expect("unpoisoned"));
        (waiting.total, waiting.calls)
    }
}

/// What a function said to the Runtime API.
enum Heard {
    /// It asks for work; the event goes into the sender.
    Next(Instant, oneshot::Sender<Value>),
    /// It answered, or failed.
    Answer(Instant, Bytes),
}

/// Lambda's Runtime API, as little of it as a function needs.
struct RuntimeApi {
    address: String,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl RuntimeApi {
    async fn start() -> Self {
        let (listener, address) = listen().await;
        let (sender, heard) = mpsc::unbounded_channel();
        let next = async |State(sender): State<mpsc::UnboundedSender<Heard>>| {
            let (event, asked) = oneshot::channel();
            let _ = sender.send(Heard::Next(Instant::now(), event));
            let response = Response::builder().header("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000");
            let response = response.header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:f");
            // A process that is given nothing waits until it is killed.
            let Ok(event) = asked.await else { return std::future::pending().await };
            response.header("lambda-runtime-deadline-ms", "4102444800000").body(event.to_string()).expect("a response")
        };
        let answer = async |State(sender): State<mpsc::UnboundedSender<Heard>>, body: Bytes| {
            let _ = sender.send(Heard::Answer(Instant::now(), body));
            StatusCode::ACCEPTED
        };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(answer))
            .route("/2018-06-01/runtime/init/error", post(answer))
            .with_state(sender);
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, heard }
    }

    async fn next(&mut self) -> (Instant, oneshot::Sender<Value>) {
        match self.heard.recv().await {
            Some(Heard::Next(at, event)) => (at, event),
            Some(Heard::Answer(_, body)) => panic!("an answer to nothing: {}", String::from_utf8_lossy(&body)),
            None => panic!("the Runtime API is gone"),
        }
    }

    async fn answer(&mut self) -> (Instant, Bytes) {
        match self.heard.recv().await {
            Some(Heard::Answer(at, body)) => (at, body),
            Some(Heard::Next(..)) => panic!("asked for work before it answered"),
            None => panic!("the Runtime API is gone"),
        }
    }
}

/// A process that is killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(program: &Path, services: &Services, api: &RuntimeApi) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(services.environment());
    command.env("AWS_LAMBDA_RUNTIME_API", api.address.trim_start_matches("http://"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Milliseconds of what was measured once per run.
#[derive(Default)]
struct Sample(Vec<f64>);

impl Sample {
    fn push(&mut self, duration: Duration) {
        self.0.push(duration.as_secs_f64() * 1e3);
    }

    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get(((last as f64) * share).round_ties_even() as usize).copied().unwrap_or(f64::NAN)
    }

    fn median(&self) -> f64 {
        self.at(0.5)
    }

    fn spread(&self) -> String {
        format!("{:.2} / **{:.2}** / {:.2}", self.at(0.0), self.median(), self.at(1.0))
    }
}

/// What was measured of one function.
#[derive(Default)]
struct Figures {
    start: Sample,
    start_waiting: Sample,
    first: Sample,
    first_waiting: Sample,
    sum: Sample,
    warm: Sample,
    emulated: Sample,
    calls: (usize, usize),
    peak_kib: u64,
    instructions: Option<u64>,
}

struct Bench {
    options: Options,
    platform: Platform,
    services: Services,
    waiting: Arc<Mutex<Waiting>>,
    api: RuntimeApi,
}

impl Bench {
    fn binary(&self, name: &str) -> PathBuf {
        let path = self.options.binaries.join(name).join("bootstrap");
        path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn event(&self, name: &str) -> Value {
        match name {
            "accounts" => self.platform.event("GET", "/reseller/accounts", None, &Value::Null),
            "credits" => self.platform.event("GET", "/reseller/credits/balance", None, &Value::Null),
            "portal" | "hello_http" => self.platform.event("GET", "/health", None, &Value::Null),
            _ => json!({ "version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}" }),
        }
    }

    /// One cold start, its first answer, and `warm` calls more.
    async fn run(&mut self, name: &str, warm: usize, figures: &mut Figures) {
        let (binary, event) = (self.binary(name), self.event(name));
        let mut command = command(&binary, &self.services, &self.api);
        Waiting::taken(&self.waiting);
        let began = Instant::now();
        let process = Process(command.spawn().expect("it starts"));
        let (asked, work) = self.api.next().await;
        let (waited, calls) = Waiting::taken(&self.waiting);
        let given = Instant::now();
        work.send(event.clone()).expect("it listens");
        let (answered, body) = self.api.answer().await;
        check(name, &body);
        let (waited_first, calls_first) = Waiting::taken(&self.waiting);
        figures.start.push(asked - began);
        figures.start_waiting.push(waited);
        figures.first.push(answered - given);
        figures.first_waiting.push(waited_first);
        figures.sum.push((asked - began) + (answered - given));
        figures.calls = (calls, calls_first);
        for _ in 0..warm {
            let (_, work) = self.api.next().await;
            let given = Instant::now();
            work.send(event.clone()).expect("it listens");
            let (answered, body) = self.api.answer().await;
            check(name, &body);
            figures.warm.push(answered - given);
        }
        let _ = self.api.next().await;
        figures.peak_kib = figures.peak_kib.max(peak_kib(process.0.id()));
        if self.options.only.is_some() {
            // A profiler writes what it found when it is told to end.
            let mut process = process;
            let _ = Command::new("kill").arg("-TERM").arg(process.0.id().to_string()).status();
            let _ = process.0.wait();
        }
    }

    /// One cold start in AWS's emulator: from the call that starts the function's process to its answer.
    async fn emulated(&self, name: &str, log: &Path, figures: &mut Figures) {
        let Some(program) = &self.options.emulator else { return };
        let emulator = Emulator::start(program, &self.binary(name), &self.services, log).await;
        let client = reqwest::Client::new();
        let began = Instant::now();
        let answer = client.post(emulator.url()).body(self.event(name).to_string()).send().await.expect("it answers");
        let body = answer.bytes().await.expect("a body");
        figures.emulated.push(began.elapsed());
        check(name, &body);
    }

    /// User-space instructions from the start to the first question for work.
    async fn instructions(&mut self, name: &str) -> u64 {
        let mut command = command(Path::new("valgrind"), &self.services, &self.api);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(self.binary(name));
        let mut process = Process(command.stderr(Stdio::piped()).spawn().expect("valgrind starts"));
        let _work = self.api.next().await;
        let _ = Command::new("kill").arg("-TERM").arg(process.0.id().to_string()).status();
        let mut said = String::new();
        if let Some(mut stderr) = process.0.stderr.take() {
            let _ = std::io::Read::read_to_string(&mut stderr, &mut said);
        }
        let collected = said.lines().find_map(|line| line.split("Collected :").nth(1));
        collected.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("{name}: valgrind says no count:\n{said}"))
    }
}

fn check(name: &str, body: &[u8]) {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let good = answer["statusCode"] == 200 || (answer["statusCode"].is_null() && answer["errorType"].is_null());
    assert!(good, "{name}: {}", String::from_utf8_lossy(body));
}

fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "its output is the tables")]
async fn main() {
    let options = Options::parse();
    let data = tempfile::tempdir().expect("a directory");
    let platform = Platform::start(&data.path().join("engine.db")).await;
    let waiting = Arc::default();
    let services = platform.services(Waiting::watch(&waiting, Duration::ZERO)).await;
    let api = RuntimeApi::start().await;
    let mut bench = Bench { options, platform, services, waiting, api };
    if let Some(name) = bench.options.only.clone() {
        let mut figures = Figures::default();
        bench.run(&name, 0, &mut figures).await;
        println!("{name}: start {:.2} ms, first answer {:.2} ms", figures.start.median(), figures.first.median());
        return;
    }
    let mut all: Vec<Figures> = FUNCTIONS.iter().map(|_| Figures::default()).collect();
    for run in 0..=bench.options.runs {
        for ((name, _), figures) in FUNCTIONS.iter().zip(&mut all) {
            // The first of each brings its file into memory, and is not counted.
            let mut unused = Figures::default();
            let figures = if run == 0 { &mut unused } else { figures };
            bench.run(name, if run == bench.options.runs { bench.options.warm } else { 0 }, figures).await;
            bench.emulated(name, &data.path().join("log"), figures).await;
        }
    }
    if bench.options.instructions {
        for ((name, _), figures) in FUNCTIONS.iter().zip(&mut all) {
            figures.instructions = Some(bench.instructions(name).await);
        }
    }
    println!("{}", table(&all));
    let latency = Duration::from_millis(bench.options.latency_ms);
    bench.services = bench.platform.services(Waiting::watch(&bench.waiting, latency)).await;
    let mut slow: Vec<Figures> = FUNCTIONS.iter().map(|_| Figures::default()).collect();
    for _ in 0..bench.options.runs {
        for ((name, _), figures) in FUNCTIONS.iter().zip(&mut slow) {
            bench.run(name, 0, figures).await;
        }
    }
    println!("Every call to a service takes {} ms longer:\n\n{}", bench.options.latency_ms, sums(&slow));
}

fn hello<'a>(all: &'a [Figures], name: &str) -> &'a Figures {
    let at = FUNCTIONS.iter().position(|(function, _)| *function == name).unwrap_or_default();
    &all[at]
}

fn table(all: &[Figures]) -> String {
    let mut lines = vec![
        "| function | start, ms (min / **median** / max) | × hello (min / median) | of it waiting | first answer, ms | \
         start + first answer, ms | in AWS's emulator, ms | warm p50 / p99, ms | peak memory, MiB | instructions to start, million |"
            .to_owned(),
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |".to_owned(),
    ];
    for ((name, beside), f) in FUNCTIONS.iter().zip(all) {
        lines.push(format!(
            "| {name} | {} | {:.2} / {:.2} | {:.2} | {:.2} | {} | {} | {:.2} / {:.2} | {:.1} | {} |",
            f.start.spread(),
            f.start.at(0.0) / hello(all, beside).start.at(0.0),
            f.start.median() / hello(all, beside).start.median(),
            f.start_waiting.median(),
            f.first.median(),
            f.sum.spread(),
            if f.emulated.0.is_empty() { String::new() } else { f.emulated.spread() },
            f.warm.median(),
            f.warm.at(0.99),
            f.peak_kib as f64 / 1024.0,
            f.instructions.map_or(String::new(), |count| format!("{:.2}", count as f64 / 1e6)),
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn sums(all: &[Figures]) -> String {
    let mut lines = vec![
        "| function | calls while starting | start, ms | calls of the first request | first answer, ms | start + first answer, ms |"
            .to_owned(),
        "| --- | ---: | ---: | ---: | ---: | ---: |".to_owned(),
    ];
    for ((name, _), f) in FUNCTIONS.iter().zip(all) {
        let (starting, first) = f.calls;
        lines.push(format!("| {name} | {starting} | {:.2} | {first} | {:.2} | {} |", f.start.median(), f.first.median(), f.sum.spread()));
    }
    lines.push(String::new());
    lines.join("\n")
}
