//! The pages of the local run, as a browser uses them, and who may call what.

use reqwest::redirect::Policy;
use tributary_runtime::payments::{Metadata, NewSetupPage, Outcome, PaymentError, PaymentProcessor as _, Session};

use crate::run::{RETURN_URL, Run, pay};

fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).build().expect("a client")
}

async fn submit(url: &str, form: &'static str, origin: Option<&str>) -> (u16, String) {
    let mut request = browser().post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let answer = request.send().await.expect("an answer");
    let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
    (answer.status().as_u16(), to)
}

#[tokio::test]
async fn a_customer_adds_a_card_and_pays_with_it_at_the_bank() {
    let run = Run::new().await;
    let customer = run.customer().await;
    let metadata = Metadata::new();
    let new =
        NewSetupPage { customer: &customer.id, success_url: RETURN_URL, cancel_url: "https://example.com/?a=1&b=2", metadata: &metadata };
    let page = run.stripe.create_setup_page(&new, "page-1").await.expect("a page");
    let shown = browser().get(&page.url).send().await.expect("a page").text().await.expect("text");
    assert!(shown.contains("4242424242424242") && shown.contains("https://example.com/?a=1&amp;b=2"), "{shown}");
    assert_eq!(submit(&page.url, "card=pm_card_authenticationRequired", Some(&run.base)).await, (303, RETURN_URL.to_owned()));

    let card = run.stripe.list_payment_methods(&customer.id).await.expect("a list").remove(0);
    let tried = pay(&run.stripe, &card, "pay_1", 1_250, Session::On, Some(RETURN_URL)).await;
    let Err(PaymentError::ActionRequired(action)) = tried else { panic!("{tried:?}") };
    let url = action.url.expect("a link");
    let shown = browser().get(&url).send().await.expect("a page").text().await.expect("text");
    assert!(shown.contains("1250 minor units of USD"), "{shown}");
    let back = format!("{RETURN_URL}?payment_intent={}&redirect_status=succeeded", action.payment);
    assert_eq!(submit(&url, "answer=confirm", Some(&run.base)).await, (303, back));
    assert_eq!(run.stripe.get_payment_intent(&action.payment).await.expect("there").outcome(), Outcome::Paid);
    assert_eq!((submit(&url, "answer=confirm", None).await.0, run.charged("pay_1")), (400, 1));
}

#[tokio::test]
async fn a_card_that_asks_as_it_is_added_is_confirmed_at_the_bank_first() {
    let run = Run::new().await;
    let customer = run.customer().await;
    let metadata = Metadata::new();
    let new = NewSetupPage { customer: &customer.id, success_url: RETURN_URL, cancel_url: RETURN_URL, metadata: &metadata };
    let page = run.stripe.create_setup_page(&new, "page-1").await.expect("a page");
    let (status, bank) = submit(&page.url, "card=pm_card_authenticationRequiredOnSetup", None).await;
    assert!(status == 303 && bank.starts_with(&run.base), "{bank}");
    assert!(run.stripe.list_payment_methods(&customer.id).await.expect("a list").is_empty());
    let (status, back) = submit(&bank, "answer=confirm", None).await;
    assert!(status == 303 && back.starts_with(RETURN_URL) && back.contains("redirect_status=succeeded"), "{back}");
    let card = run.stripe.list_payment_methods(&customer.id).await.expect("a list").remove(0);
    run.pay(&card, "pay_1").await.expect("paid without asking again");
}

#[tokio::test]
async fn a_page_of_elsewhere_and_another_name_control_nothing() {
    let run = Run::new().await;
    let state = format!("{}/_scripted/state", run.base);
    let status =
        async |name: &str, value: &str| browser().get(&state).header(name, value).send().await.expect("an answer").status().as_u16();
    assert_eq!(status("origin", "https://evil.example").await, 403);
    assert_eq!(status("host", "evil.example").await, 403);
    assert_eq!(status("accept", "*/*").await, 200);
    let release = format!("{}/_scripted/release", run.base);
    assert_eq!(submit(&release, "", Some("https://evil.example")).await.0, 403);
    let (_, card) = run.card("pm_card_authenticationRequired").await;
    let tried = pay(&run.stripe, &card, "pay_1", 1_250, Session::On, Some(RETURN_URL)).await;
    let Err(PaymentError::ActionRequired(action)) = tried else { panic!("{tried:?}") };
    assert_eq!(submit(&action.url.expect("a link"), "answer=confirm", Some("https://evil.example")).await.0, 403);
    assert_eq!(run.charged("pay_1"), 0);
}

#[tokio::test]
async fn it_is_bound_to_this_machine_alone() {
    let run = Run::new().await;
    let listener = tokio::net::TcpListener::bind(("0.0.0.0", 0)).await.expect("a port");
    let refused = run.processor.serve(listener, std::future::pending()).await;
    assert!(refused.is_err_and(|error| error.kind() == std::io::ErrorKind::InvalidInput));
}
