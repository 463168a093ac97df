//! The pages of errors, which every problem's `type` opens: `docs/errors.md` and `docs/errors/*.md`, as HTML.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};
use tributary_api::hosts::Asked;
use tributary_api::{Call, Problem, Reply};

const SHELL: &str = include_str!("docs.html");
const INDEX: &str = include_str!("../../../docs/errors.md");

macro_rules! pages {
    ($($code:literal),+ $(,)?) => {
        /// Each code's page, by its name.
        pub const PAGES: &[(&str, &str)] = &[$(($code, include_str!(concat!("../../../docs/errors/", $code, ".md")))),+];
    };
}

pages! {
    "account_closed",
    "account_exists",
    "account_frozen",
    "account_has_children",
    "account_has_credit",
    "account_suspended",
    "already_exists",
    "already_reversed",
    "amount_exceeded",
    "bad_request",
    "balance_out_of_range",
    "body_too_large",
    "brand_locked",
    "busy",
    "conflict",
    "csrf_failed",
    "currency_mismatch",
    "cycle",
    "forbidden",
    "grant_exceeds_own",
    "hold_ended",
    "hold_exceeded",
    "hold_expired",
    "host_not_verified",
    "host_taken",
    "idempotency_key_invalid",
    "idempotency_key_missing",
    "idempotency_key_reused",
    "insufficient_credits",
    "internal_error",
    "invalid_cursor",
    "invalid_json",
    "limit_reached",
    "method_not_allowed",
    "no_price",
    "not_a_buyer",
    "not_below",
    "not_found",
    "outcome_unknown",
    "package_unavailable",
    "parent_is_customer",
    "precondition_failed",
    "price_backdated",
    "price_in_force",
    "request_blocked",
    "route_not_found",
    "same_account",
    "seller_out_of_credit",
    "slug_taken",
    "too_deep",
    "too_many_branches",
    "too_many_requests",
    "unauthorized",
    "under_cost",
    "unknown_field",
    "unknown_meter",
    "unknown_role",
    "unsupported_media_type",
    "validation_failed",
}

/// What a page may load and do: nothing but its own style.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The list of errors.
///
/// # Errors
/// None.
pub async fn index(call: Call) -> Result<Reply, Problem> {
    Ok(page(&call, "Errors", INDEX))
}

/// One error's page.
///
/// # Errors
/// `not_found` for a code that is none.
pub async fn error(call: Call) -> Result<Reply, Problem> {
    let code: String = call.id("code")?;
    let (code, text) = PAGES.iter().find(|(known, _)| *known == code).ok_or_else(Problem::not_found)?;
    Ok(page(&call, code, text))
}

/// The pages are the same under every host; only under its own the platform names itself.
fn page(call: &Call, title: &str, markdown: &str) -> Reply {
    let whose = if call.asked() == Asked::Platform { " · Tributary" } else { "" };
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: address(dest_url), title, id })
        }
        other => other,
    });
    let mut body = String::new();
    html::push_html(&mut body, parser);
    // Tables scroll on a narrow screen, the page does not.
    let body = body.replace("<table>", "<div class=\"scroll\"><table>").replace("</table>", "</table></div>");
    let page = SHELL.replace("{title}", &format!("{title}{whose}")).replace("{body}", &body);
    Reply::html(&page)
        .header("content-security-policy", POLICY)
        .header("referrer-policy", "no-referrer")
        .header("vary", "Host, X-Forwarded-Host")
}

/// Links between the files of `docs/` lead to the served pages instead.
fn address(link: CowStr<'_>) -> CowStr<'_> {
    match link.strip_suffix(".md") {
        Some("errors" | "../errors") => "errors".into(),
        Some(file) => file
            .rsplit('/')
            .next()
            .filter(|code| PAGES.iter().any(|(known, _)| known == code))
            .map_or_else(|| link.clone(), |code| format!("errors/{code}").into()),
        None => link,
    }
}
