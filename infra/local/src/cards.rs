//! The payment processor of a local run: scripted, on a port of its own, with the run's clock. Sellers of the demo take cards there by test keys whose
//! events come back to the API; any other key that begins with `sk_test_` does too once its hook is set (see `docs/payments.md`).

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tributary_processor::hooks::{Deliver, Signed};
use tributary_processor::{Hook, Options, Processor};
use tributary_runtime::clock::Clock;

use crate::options::Storage;
use crate::stop::Stop;

/// What stands in a data directory.
const FILE: &str = "processor.jsonl";
/// What ids follow from.
const SEED: u64 = 1;

/// The processor, listening.
pub struct Cards {
    /// It.
    pub processor: Processor,
    /// Its address, without a slash at the end.
    pub url: String,
    listener: TcpListener,
}

/// A seller of the demo at the processor.
#[derive(Debug, Clone, Copy)]
pub struct Seller {
    /// Its API key.
    pub api_key: &'static str,
    /// What its events are signed with.
    pub webhook_secret: &'static str,
}

impl Cards {
    /// Opens it on the port beside the run's, or on any if that is taken or the run's own is any.
    ///
    /// # Errors
    /// When its file or no port can be used.
    pub async fn open(storage: &Storage, port: u16, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let beside = if port == 0 { 0 } else { port.checked_add(1).unwrap_or(0) };
        let listener = match TcpListener::bind(("127.0.0.1", beside)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(("127.0.0.1", 0)).await?,
        };
        let file = match storage {
            Storage::Directory(dir) => Some(dir.join(FILE)),
            Storage::Engine | Storage::Memory(_) => None,
        };
        let processor = Processor::open(Options { seed: SEED, file, clock })?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { processor, url, listener })
    }

    /// Serves until `stop`.
    pub fn serve(self, stop: Stop) -> JoinHandle<()> {
        tokio::spawn(async move {
            if let Err(error) = self.processor.serve(self.listener, stop.stopped()).await {
                tracing::error!("the payment processor stopped: {error}");
            }
        })
    }
}

/// Where the events of a seller of the demo go. While `held` they wait to be [taken].
pub fn hook(processor: &Processor, base_url: &str, account: &str, seller: Seller, held: bool) {
    let url = Some(format!("{base_url}/billing/processor/{account}"));
    processor.hook(seller.api_key, Hook { url, secret: seller.webhook_secret.to_owned(), held });
}

/// The events of a seller that wait, as they would come.
pub fn taken(processor: &Processor, seller: Seller) -> Vec<Signed> {
    processor.deliveries(seller.api_key, &Deliver::default())
}
