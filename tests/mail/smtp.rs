//! Mail by a mail server: what it takes, what it refuses, and when it is not there.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tributary_notifier::smtp::SmtpMailer;
use tributary_runtime::mail::{Mail, MailError, Mailer as _};

/// A mail server that takes everything but mails to `nobody@`, and keeps the lines that it was sent.
async fn server() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, Arc::clone(&kept)));
        }
    });
    (url, lines)
}

async fn talk(stream: TcpStream, kept: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await?;
    let mut data = false;
    while let Some(line) = lines.next_line().await? {
        kept.lock().expect("no panic").push(line.clone());
        let answer = match (data, line.split([' ', ':']).next().unwrap_or_default()) {
            (true, ".") => {
                data = false;
                "250 taken"
            }
            (true, _) => continue,
            (false, "DATA") => {
                data = true;
                "354 go on"
            }
            (false, "RCPT") if line.contains("nobody@") => "550 no such mailbox",
            (false, "QUIT") => "221 bye",
            (false, _) => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

fn mail(to: &str) -> Mail {
    Mail {
        id: "evt_1".into(),
        from: "no-reply@example.com".into(),
        to: to.into(),
        subject: "Hello".into(),
        text: "There is news.".into(),
        html: "<p>There is news.".into(),
        raw: "From: no-reply@example.com\r\nSubject: Hello\r\n\r\nThere is news.\r\n.a line that begins with a point\r\n".into(),
    }
}

#[tokio::test]
async fn a_server_is_given_the_mail_as_it_is_and_its_refusal_is_final() {
    let (url, lines) = server().await;
    let mailer = SmtpMailer::new(&url).expect("a server");
    mailer.send(&mail("ada@example.com")).await.expect("sent");
    let said = lines.lock().expect("no panic").clone();
    assert!(
        said.contains(&"MAIL FROM:<no-reply@example.com>".to_owned()) && said.contains(&"RCPT TO:<ada@example.com>".to_owned()),
        "{said:?}"
    );
    assert!(said.contains(&"There is news.".to_owned()) && said.contains(&"..a line that begins with a point".to_owned()), "{said:?}");
    let refused = mailer.send(&mail("nobody@example.com")).await;
    assert!(matches!(&refused, Err(MailError::Refused(why)) if why.contains("no such mailbox")), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_again_later() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let gone = SmtpMailer::new(&url).expect("a server").send(&mail("ada@example.com")).await;
    assert!(matches!(gone, Err(MailError::Unavailable(_))), "{gone:?}");
}

#[test]
fn an_address_of_a_server_that_cannot_be_used_is_refused_without_its_password() {
    let refused = SmtpMailer::new("ftp://user:hunter2@mail.example.com").expect_err("no mail server");
    assert!(!refused.contains("hunter2"), "{refused}");
}
