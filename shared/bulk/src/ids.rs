//! Ids that follow from a job and a row, so that what is done for a row is known again whoever does it.

use ring::digest::{SHA256, digest};
use tributary_domain::id::{AccountId, EventId, JobId, UploadId};
use uuid::Uuid;

/// The id of what is said for `what` of a job, with the job's own time.
pub fn event(job: &JobId, what: &str) -> EventId {
    EventId::from_uuid(uuid(job.as_u128() >> 80, &format!("{job}\n{what}")))
}

/// The id of an upload that an account asks for under an idempotency key, with a digest of what it asked.
pub fn upload(account: &AccountId, key: &str, body: &str) -> UploadId {
    UploadId::from_uuid(uuid(account.as_u128() >> 80, &format!("{account}\n{key}\n{body}")))
}

/// A UUIDv7 of this time whose other bits follow from a text.
fn uuid(millis: u128, text: &str) -> Uuid {
    let hash = digest(&SHA256, text.as_bytes());
    let random = hash.as_ref().iter().take(10).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
    let plain = (millis << 80) | (random & !(0xF << 76) & !(0x3 << 62));
    Uuid::from_u128(plain | (7 << 76) | (2 << 62))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_from_the_job_and_what_it_is_of() {
        let job = JobId::from_uuid(Uuid::from_u128((1_790_000_000_123 << 80) | (7 << 76) | (2 << 62) | 5));
        let id = event(&job, "row 1");
        assert_eq!((id.clone(), id.millis()), (event(&job, "row 1"), 1_790_000_000_123));
        assert_ne!(id, event(&job, "row 2"));
        let version = (id.as_u128() >> 76) & 0xF;
        assert_eq!((version, (id.as_u128() >> 62) & 0x3), (7, 2));
    }
}
