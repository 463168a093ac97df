//! Mail by SES.
//!
//! Source: "SendEmail", Amazon SES API v2 reference.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Mail, MailError, Mailer};
use crate::aws::{Ask, Caller, Content, Service, host};

/// How long one try may take.
const TRY_LASTS: Duration = Duration::from_secs(5);

/// Sends by SES, raw, so that every header is ours.
#[derive(Debug, Clone)]
pub struct SesMailer {
    caller: Caller,
    url: String,
}

impl SesMailer {
    /// SES at AWS, or at another endpoint.
    pub(crate) fn new(caller: Caller, endpoint: Option<&str>) -> Self {
        let base =
            endpoint.map_or_else(|| format!("https://{}", host(Service::Ses, caller.region())), |url| url.trim_end_matches('/').to_owned());
        Self { caller, url: format!("{base}/v2/email/outbound-emails") }
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let request = json!({
            "FromEmailAddress": mail.from,
            "Destination": { "ToAddresses": [mail.to] },
            "Content": { "Raw": { "Data": STANDARD.encode(&mail.raw) } },
        });
        let request = request.to_string();
        let ask = Ask {
            service: Service::Ses,
            method: "POST",
            url: &self.url,
            headers: &[("content-type", "application/json")],
            body: Content::Bytes(request.as_bytes()),
            try_lasts: TRY_LASTS,
        };
        let answer = self.caller.send(&ask).await.map_err(MailError::Unavailable)?;
        // Most refusals are of our own set-up (an address not verified yet, sending paused): they may pass.
        if answer.status == 200 { Ok(()) } else { Err(MailError::Unavailable(answer.said())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::server;

    #[tokio::test]
    async fn a_mail_is_sent_raw_and_signed() {
        let (caller, endpoint, asked) =
            server(&[(200, "{\"MessageId\": \"1\"}"), (400, "{\"message\": \"Email address is not verified.\"}")]).await;
        let mailer = SesMailer::new(caller, Some(&endpoint));
        let mail = Mail {
            id: "evt_1".into(),
            from: "from@example.com".into(),
            to: "ada@example.com".into(),
            subject: "s".into(),
            text: "t".into(),
            html: "h".into(),
            raw: "From: from@example.com\r\n\r\nHello".into(),
        };
        mailer.send(&mail).await.expect("sent");
        assert!(matches!(mailer.send(&mail).await, Err(MailError::Unavailable(why)) if why.contains("not verified")));
        let asked = asked.lock().expect("no panic");
        let (head, body) = asked[0].split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("POST /v2/email/outbound-emails HTTP/1.1\r\n") && head.contains("/ses/aws4_request"), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["Content"]["Raw"]["Data"], STANDARD.encode(&mail.raw));
        assert_eq!(body["Destination"]["ToAddresses"], json!(["ada@example.com"]));
    }
}
