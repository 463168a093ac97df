//! The billing function: how accounts are billed, what waits to be billed, their invoices, and how these are paid, disputed and corrected.

use axum::Router;
use tributary_api::endpoint::Access::{Public, Right as Needs};
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod brand_preview;
pub mod charges;
pub mod credit_notes;
pub mod dispute_views;
pub mod disputes;
pub mod document;
pub mod hook;
pub mod invoices;
pub mod methods;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod payment_views;
pub mod payments;
pub mod pdf;
pub mod preview;
pub mod processor;
pub mod profile;
pub mod run_views;
pub mod runs;
pub mod settings;
pub mod sight;
pub mod steps;
pub mod terms;
pub mod views;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(GET "/reseller/billing/settings", "get_billing_settings", Needs(Right::BillingRead), Unused, settings::get, "How a seller bills its sub-accounts"),
        endpoint!(PUT "/reseller/billing/settings", "put_billing_settings", Needs(Right::BillingManage), Unused, settings::put, "Set how a seller bills its sub-accounts"),
        endpoint!(GET "/reseller/billing/profile", "get_billing_profile", Needs(Right::BillingRead), Unused, profile::get, "What differs for an account that is billed"),
        endpoint!(PUT "/reseller/billing/profile", "put_billing_profile", Needs(Right::BillingManage), Unused, profile::put, "Set what differs for an account that is billed"),
        endpoint!(GET "/reseller/billing/charges", "list_charges", Needs(Right::BillingRead), Unused, charges::list, "List what waits for an account's next invoice"),
        endpoint!(POST "/reseller/billing/charges", "create_charge", Needs(Right::BillingManage), Required, charges::create, "Put a charge on an account's next invoice"),
        endpoint!(DELETE "/reseller/billing/charges/{id}", "delete_charge", Needs(Right::BillingManage), Unused, charges::delete, "Take a charge back that waits")
            .with_query(),
        endpoint!(GET "/reseller/invoices", "list_invoices", Needs(Right::BillingRead), Unused, invoices::list, "List invoices, newest first"),
        endpoint!(POST "/reseller/accounts/{id}/brand/preview", "preview_brand", Needs(Right::AccountsRead), Unused, brand_preview::post, "How a mail and an invoice look in a brand"),
        endpoint!(GET "/reseller/invoices/preview", "preview_invoice", Needs(Right::BillingRead), Unused, preview::get, "What the invoice of the running period would say"),
        endpoint!(GET "/reseller/invoices/{id}", "get_invoice", Needs(Right::BillingRead), Unused, invoices::get, "Get an invoice"),
        endpoint!(GET "/reseller/invoices/{id}/pdf", "get_invoice_pdf", Needs(Right::BillingRead), Unused, pdf::get, "Get a link to an invoice as PDF"),
        endpoint!(POST "/reseller/invoices/{id}/finalize", "finalize_invoice", Needs(Right::BillingManage), Unused, steps::finalize, "Issue a draft"),
        endpoint!(POST "/reseller/invoices/{id}/void", "void_invoice", Needs(Right::BillingManage), Unused, steps::void, "Let an invoice count for nothing"),
        endpoint!(POST "/reseller/invoices/{id}/write-off", "write_off_invoice", Needs(Right::BillingManage), Unused, steps::write_off, "Give an invoice up"),
        endpoint!(PUT "/reseller/billing/processor", "put_processor", Needs(Right::BillingManage), Unused, processor::put, "Set where cards are charged for a seller"),
        endpoint!(DELETE "/reseller/billing/processor", "delete_processor", Needs(Right::BillingManage), Unused, processor::delete, "Charge no cards for a seller any more")
            .with_query(),
        endpoint!(POST "/billing/processor/{account_id}", "take_processor_event", Public, Unused, hook::take_event, "Take what a seller's payment processor tells"),
        endpoint!(GET "/reseller/payment-methods", "list_payment_methods", Needs(Right::BillingRead), Unused, methods::list, "List an account's cards"),
        endpoint!(POST "/reseller/payment-methods/setup", "set_up_payment_method", Needs(Right::BillingManage), Accepted, methods::setup, "Get a page where a card is added"),
        endpoint!(PUT "/reseller/payment-methods/default", "set_default_payment_method", Needs(Right::BillingManage), Unused, methods::set_default, "Choose the card that is charged by itself"),
        endpoint!(DELETE "/reseller/payment-methods/{id}", "delete_payment_method", Needs(Right::BillingManage), Unused, methods::delete, "Remove a card")
            .with_query(),
        endpoint!(POST "/reseller/invoices/{id}/pay", "pay_invoice", Needs(Right::BillingManage), Required, payments::pay, "Pay an invoice now"),
        endpoint!(POST "/reseller/invoices/{id}/payments", "record_payment", Needs(Right::BillingManage), Required, payments::received, "Write down a payment that came outside"),
        endpoint!(GET "/reseller/payments", "list_payments", Needs(Right::BillingRead), Unused, payments::list, "List payments, newest first"),
        endpoint!(GET "/reseller/payments/{id}", "get_payment", Needs(Right::BillingRead), Unused, payments::get, "Get a payment"),
        endpoint!(POST "/reseller/payments/{id}/refund", "refund_payment", Needs(Right::BillingManage), Required, payments::refund, "Send a payment back to its card"),
        endpoint!(POST "/reseller/payments/{id}/retry-refunds", "retry_refunds", Needs(Right::BillingManage), Unused, payments::retry_refunds, "Ask again for refunds that failed"),
        endpoint!(POST "/reseller/invoices/{id}/credit-notes", "create_credit_note", Needs(Right::BillingManage), Required, credit_notes::create, "Take something off an invoice"),
        endpoint!(GET "/reseller/credit-notes", "list_credit_notes", Needs(Right::BillingRead), Unused, credit_notes::list, "List credit notes, newest first"),
        endpoint!(GET "/reseller/credit-notes/{id}", "get_credit_note", Needs(Right::BillingRead), Unused, credit_notes::get, "Get a credit note"),
        endpoint!(POST "/reseller/disputes", "open_dispute", Needs(Right::DisputesManage), Required, disputes::open, "Dispute parts of an invoice"),
        endpoint!(GET "/reseller/disputes", "list_disputes", Needs(Right::BillingRead), Unused, disputes::list, "List disputes, newest first"),
        endpoint!(GET "/reseller/disputes/{id}", "get_dispute", Needs(Right::BillingRead), Unused, disputes::get, "Get a dispute with what was said"),
        endpoint!(POST "/reseller/disputes/{id}/messages", "say_in_dispute", Needs(Right::DisputesManage), Unused, disputes::say, "Say something in a dispute"),
        endpoint!(POST "/reseller/disputes/{id}/take-up", "take_up_dispute", Needs(Right::DisputesManage), Unused, disputes::take_up, "Begin to look at a dispute"),
        endpoint!(POST "/reseller/disputes/{id}/resolve", "resolve_dispute", Needs(Right::DisputesManage), Required, disputes::resolve, "Bring a dispute to its end"),
        endpoint!(POST "/reseller/disputes/{id}/withdraw", "withdraw_dispute", Needs(Right::DisputesManage), Unused, disputes::withdraw, "Take a dispute back"),
        endpoint!(POST "/reseller/billing/runs", "start_billing_run", Needs(Right::BillingManage), Required, runs::create, "Bill accounts now, or see what that would come to"),
        endpoint!(GET "/reseller/billing/runs", "list_billing_runs", Needs(Right::BillingRead), Unused, runs::list, "List runs of billing, newest first"),
        endpoint!(GET "/reseller/billing/runs/{id}", "get_billing_run", Needs(Right::BillingRead), Unused, runs::get, "Get a run of billing"),
        endpoint!(GET "/reseller/billing/runs/{id}/rows", "list_billing_run_rows", Needs(Right::BillingRead), Unused, runs::rows, "What a run says of each account"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
