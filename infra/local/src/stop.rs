//! One signal that tells every task of a run to end.

use tokio::sync::watch;

/// Gives the signal: when told to, or when dropped.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Waits for the signal.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A signal and what waits for it.
pub fn signal() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Gives the signal.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Ends when the signal was given.
    pub async fn stopped(mut self) {
        // An error means that the stopper is gone, which is a signal too.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}
