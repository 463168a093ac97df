//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;

use crate::brand_preview;
use crate::charges::{ChargeBody, ChargeView};
use crate::credit_notes::{CreditNoteView, NoteBody};
use crate::dispute_views::{self, DisputeView, OpenBody, ResolveBody, SayBody};
use crate::hook::{EventBody, TakenView};
use crate::methods::{CardView, CardsView, DefaultBody, SetupBody, SetupView};
use crate::payment_views::PaymentView;
use crate::payments::{PayBody, ReceivedBody, RefundBody};
use crate::pdf::PdfView;
use crate::preview::PreviewView;
use crate::processor::ProcessorBody;
use crate::profile::{ProfileBody, ProfileView};
use crate::run_views::{RowView, RunView};
use crate::runs::RunBody;
use crate::settings::{SettingsBody, SettingsView};
use crate::steps::{VoidBody, WriteOffBody};
use crate::views::{InvoiceView, SummaryView};

const WHOSE: &str = "Which account; your own unless you name another of your subtree.";

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    [settings(), charges(), invoices(), processor(), cards(), payments(), credit_notes(), disputes(), runs()].concat()
}

fn settings() -> Vec<Described> {
    vec![
        Described::new("get_billing_settings", "Billing", "How an account bills its direct sub-accounts.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .answers::<SettingsView>("The settings; the usual ones before they were set.")
            .tagged()
            .refuses(&[Code::ParentIsCustomer]),
        Described::new(
            "put_billing_settings",
            "Billing",
            "Sets how an account bills its direct sub-accounts, from their next invoice on. Invoices that are made stay as they are.",
        )
        .takes::<SettingsBody>()
        .answers::<SettingsView>("The settings.")
        .edits()
        .refuses(&[Code::ParentIsCustomer, Code::NotABuyer, Code::AccountClosed, Code::AccountSuspended]),
        Described::new("get_billing_profile", "Billing", "What differs for an account that is billed, and its running period.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .answers::<ProfileView>("The profile.")
            .tagged()
            .refuses(&[Code::NotABuyer]),
        Described::new(
            "put_billing_profile",
            "Billing",
            "Sets what differs for an account, from its next invoice on. Whoever stands above it sets all of it; the account itself its address, tax \
             id and purchase order number: what else it names must be as it is. Another cycle never ends a period in the past.",
        )
        .takes::<ProfileBody>()
        .answers::<ProfileView>("The profile.")
        .edits()
        .refuses(&[Code::NotABuyer, Code::AccountClosed, Code::AccountSuspended]),
    ]
}

fn charges() -> Vec<Described> {
    vec![
        Described::new("list_charges", "Billing", "What waits for an account's next invoice, the oldest first.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .paged()
            .answers::<PageView<ChargeView>>("A page of charges."),
        Described::new(
            "create_charge",
            "Billing",
            "Puts a charge of the account's parent on its next invoice, or takes something off it. At most a hundred wait.",
        )
        .takes::<ChargeBody>()
        .creates::<ChargeView>("The charge.")
        .from_above()
        .refuses(&[Code::LimitReached, Code::AccountClosed, Code::AccountSuspended]),
        Described::new("delete_charge", "Billing", "Takes back what the account's parent added, as long as it waits.")
            .needs::<wire::AccountId>("account_id", "Whose next invoice it waits for.")
            .answers::<ChargeView>("The charge as it was.")
            .from_above()
            .refuses(&[Code::Conflict, Code::AccountClosed, Code::AccountSuspended]),
    ]
}

fn invoices() -> Vec<Described> {
    vec![
        Described::new(
            "list_invoices",
            "Invoices",
            "Invoices that an account was sent, or sent itself, newest first. A page may be short: its cursor goes on.",
        )
        .query::<wire::AccountId>("account_id", WHOSE)
        .query::<wire::InvoiceSide>("side", "Those that it was sent, unless you ask for those that it sent.")
        .query::<wire::InvoiceState>("state", "Only those that stand there.")
        .time("from", "Whose periods ended at this time or later.")
        .time("to", "And before this one.")
        .paged()
        .answers::<PageView<SummaryView>>("A page of invoices."),
        Described::new(
            "preview_brand",
            "Brands",
            "A mail and an invoice with made-up content, as they look in these tokens: written by what writes the real ones, and not saved.",
        )
        .takes::<wire::BrandTokens>()
        .answers::<brand_preview::PreviewView>("The mail, and a link to the invoice.")
        .refuses(&[Code::Busy]),
        Described::new(
            "preview_invoice",
            "Invoices",
            "What the invoice of the running period would say, with what is recorded by now. Nothing is kept, and it may all change.",
        )
        .query::<wire::AccountId>("account_id", WHOSE)
        .answers::<PreviewView>("The preview.")
        .refuses(&[Code::NotABuyer, Code::Conflict]),
        Described::new(
            "get_invoice",
            "Invoices",
            "One invoice. It is seen from its buyer's own account, from its seller's and from above that, also after the buyer was moved. What its lines cost the \
             seller is never shown to the buyer.",
        )
        .answers::<InvoiceView>("The invoice.")
        .tagged(),
        Described::new(
            "get_invoice_pdf",
            "Invoices",
            "A link to an invoice as PDF, in its seller's brand and its buyer's language. It works for 15 minutes.",
        )
        .answers::<PdfView>("The link.")
        .refuses(&[Code::Busy]),
        Described::new(
            "finalize_invoice",
            "Invoices",
            "Issues a draft before its time, by its seller: it gets the next number, and its lines and totals never change after.",
        )
        .answers::<InvoiceView>("The invoice.")
        .edits()
        .from_above()
        .refuses(&[Code::Conflict]),
        Described::new(
            "void_invoice",
            "Invoices",
            "Lets an invoice count for nothing, by its seller. Nothing of it may be paid, credited or in dispute. Its usage stays billed: what is to be \
             billed after all is a charge.",
        )
        .may_take::<VoidBody>()
        .answers::<InvoiceView>("The invoice.")
        .edits()
        .from_above()
        .refuses(&[Code::Conflict]),
    ]
}

fn processor() -> Vec<Described> {
    vec![
        Described::new(
            "put_processor",
            "Billing",
            "Sets where the cards of a seller's sub-accounts are charged: its account at Stripe, whose credentials are sealed and never shown again. Its \
             webhooks are sent to the path that its settings show. Another account there knows none of the cards that were added before.",
        )
        .takes::<ProcessorBody>()
        .answers::<SettingsView>("The seller's settings.")
        .edits()
        .refuses(&[Code::ParentIsCustomer, Code::AccountClosed, Code::AccountSuspended]),
        Described::new("delete_processor", "Billing", "Charges no cards for a seller any more. What was charged stays so; what is open of it is not told any more.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .answers::<SettingsView>("The seller's settings.")
            .edits()
            .refuses(&[Code::ParentIsCustomer, Code::AccountClosed, Code::AccountSuspended]),
        Described::new(
            "take_processor_event",
            "Billing",
            "Takes what a seller's payment processor tells, signed in `Stripe-Signature`. What it is about is asked for, and its present state counts; what \
             is not answered well comes again.",
        )
        .takes::<EventBody>()
        .answers::<TakenView>("It was taken.")
        .refuses(&[Code::ValidationFailed, Code::NotFound, Code::UnsupportedMediaType, Code::BodyTooLarge, Code::Busy, Code::OutcomeUnknown]),
    ]
}

fn cards() -> Vec<Described> {
    let wrong = [Code::NotABuyer, Code::Conflict];
    vec![
        Described::new("list_payment_methods", "Payments", "The cards of an account at its seller's processor.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .answers::<CardsView>("The cards, the newest first.")
            .refuses(&wrong),
        Described::new(
            "set_up_payment_method",
            "Payments",
            "A page of the payment processor's where the account's people add a card. No card number passes through the API. The first card becomes the \
             default once the processor tells of it.",
        )
        .takes::<SetupBody>()
        .answers::<SetupView>("The page.")
        .refuses(&wrong)
        .refuses(&[Code::AccountClosed]),
        Described::new(
            "set_default_payment_method",
            "Payments",
            "Chooses the card that is charged by itself. What is past due is charged to it at once.",
        )
        .takes::<DefaultBody>()
        .answers::<CardView>("The card.")
        .refuses(&wrong)
        .refuses(&[Code::AccountClosed]),
        Described::new("delete_payment_method", "Payments", "Removes a card for ever.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .answers::<CardView>("The card as it was.")
            .refuses(&wrong),
    ]
}

fn payments() -> Vec<Described> {
    vec![
        Described::new(
            "pay_invoice",
            "Payments",
            "Pays an invoice now, whatever the schedule says: by its buyer, or by its seller for it. A card that is declined, or waits for its holder, is \
             an answer like another: `state` says it.",
        )
        .takes::<PayBody>()
        .creates::<PaymentView>("The payment; 202 while its outcome is not known.")
        .or_accepts()
        .refuses(&[Code::Conflict, Code::AccountClosed, Code::AccountFrozen, Code::BalanceOutOfRange, Code::AmountExceeded]),
        Described::new("record_payment", "Payments", "Writes down that so much of an invoice was paid outside, by its seller. Never more than is due.")
            .takes::<ReceivedBody>()
            .creates::<PaymentView>("The payment.")
            .from_above()
            .refuses(&[Code::Conflict, Code::AmountExceeded]),
        Described::new("list_payments", "Payments", "Payments of an account, or of an invoice, newest first. A page may be short: its cursor goes on.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .query::<wire::InvoiceId>("invoice_id", "Only those of this invoice.")
            .query::<wire::PaymentState>("state", "Only those that stand there.")
            .paged()
            .answers::<PageView<PaymentView>>("A page of payments."),
        Described::new("get_payment", "Payments", "One payment. It is seen by whom its invoice is.").answers::<PaymentView>("The payment.").tagged(),
        Described::new(
            "refund_payment",
            "Payments",
            "Sends a payment of an invoice back to its card, all that is left of it or a part, by its seller: as a credit note over the invoice's lines in their \
             order, with their taxes. Nothing of the invoice may be due.",
        )
        .takes::<RefundBody>()
        .creates::<CreditNoteView>("The credit note.")
        .from_above()
        .refuses(&[Code::Conflict, Code::AmountExceeded]),
        Described::new(
            "retry_refunds",
            "Payments",
            "Asks again for every refund of a payment that failed, by its seller: of a credit note, of what was paid too much, of credit that could not be given. \
             Each is asked for again once, however often this is called.",
        )
        .answers::<PaymentView>("The payment.")
        .tagged()
        .from_above()
        .refuses(&[Code::Conflict]),
    ]
}

fn credit_notes() -> Vec<Described> {
    vec![
        Described::new(
            "create_credit_note",
            "Invoices",
            "Takes parts of an invoice's lines off, with the taxes on them, by its seller. It lessens what is due; what was paid already is given back.",
        )
        .takes::<NoteBody>()
        .creates::<CreditNoteView>("The credit note.")
        .from_above()
        .refuses(&[Code::Conflict, Code::SellerOutOfCredit, Code::AccountClosed, Code::AccountFrozen, Code::BalanceOutOfRange]),
        Described::new("list_credit_notes", "Invoices", "Credit notes to an account, or that it issued, newest first. A page may be short: its cursor goes on.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .query::<wire::InvoiceId>("invoice_id", "Only those of this invoice.")
            .query::<wire::InvoiceSide>("side", "Those of what it bought, unless you ask for those of what it sold.")
            .paged()
            .answers::<PageView<CreditNoteView>>("A page of credit notes."),
        Described::new("get_credit_note", "Invoices", "One credit note. It is seen by whom its invoice is.").answers::<CreditNoteView>("The credit note."),
        Described::new(
            "write_off_invoice",
            "Invoices",
            "Gives up an invoice that is past due, by its seller: it is chased no more, and can still be paid.",
        )
        .may_take::<WriteOffBody>()
        .answers::<InvoiceView>("The invoice.")
        .edits()
        .from_above()
        .refuses(&[Code::Conflict]),
    ]
}

fn disputes() -> Vec<Described> {
    vec![
        Described::new(
            "open_dispute",
            "Disputes",
            "Disputes parts of an invoice's lines: by its buyer, or for it by its seller. They are out of collection until the dispute ends. The seller has 14 days \
             to answer.",
        )
        .takes::<OpenBody>()
        .creates::<DisputeView>("The dispute.")
        .tagged()
        .refuses(&[Code::Conflict, Code::LimitReached]),
        Described::new(
            "list_disputes",
            "Disputes",
            "Disputes of what an account bought, or sold, newest first. A page may be short: its cursor goes on.",
        )
        .query::<wire::AccountId>("account_id", WHOSE)
        .query::<wire::InvoiceSide>("side", "Those of what it bought, unless you ask for those of what it sold.")
        .query::<wire::DisputeState>("state", "Only those that stand there.")
        .paged()
        .answers::<PageView<dispute_views::SummaryView>>("A page of disputes."),
        Described::new("get_dispute", "Disputes", "One dispute, with what was said. It is seen by whom its invoice is.")
            .answers::<DisputeView>("The dispute.")
            .tagged(),
        Described::new("say_in_dispute", "Disputes", "Adds a message or evidence to an open dispute, from either side. At most a hundred are kept.")
            .takes::<SayBody>()
            .answers::<DisputeView>("The dispute.")
            .edits()
            .refuses(&[Code::Conflict, Code::LimitReached]),
        Described::new("take_up_dispute", "Disputes", "Its seller begins to look at it, and has 14 days again.")
            .answers::<DisputeView>("The dispute.")
            .edits()
            .from_above()
            .refuses(&[Code::Conflict]),
        Described::new(
            "resolve_dispute",
            "Disputes",
            "Brings a dispute to its end, by its seller: what is accepted is taken off by a credit note at once. With `pass_up` the seller disputes in turn what \
             it paid itself for the same usage. One that a bank opened, its bank ends.",
        )
        .takes::<ResolveBody>()
        .answers::<DisputeView>("The dispute.")
        .tagged()
        .from_above()
        .refuses(&[Code::Conflict, Code::SellerOutOfCredit, Code::AccountClosed, Code::AccountFrozen, Code::BalanceOutOfRange]),
        Described::new("withdraw_dispute", "Disputes", "Takes a dispute back, by its buyer's own account.")
            .answers::<DisputeView>("The dispute.")
            .edits()
            .refuses(&[Code::Conflict]),
    ]
}

fn runs() -> Vec<Described> {
    vec![
        Described::new(
            "start_billing_run",
            "Billing",
            "Bills all accounts below your own, or one of them with those below it: what the schedule would do, and no more. A period that is not over is not \
             billed, and one that is billed stays as it is. A dry run makes nothing but the result, which says what would be and how it differs from what is there.",
        )
        .takes::<RunBody>()
        .accepts::<RunView>("The run. It goes on by itself.")
        .refuses(&[Code::ParentIsCustomer]),
        Described::new("list_billing_runs", "Billing", "The runs that an account asked for, newest first; of the operator also those of the schedule.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .paged()
            .answers::<PageView<RunView>>("A page of runs."),
        Described::new("get_billing_run", "Billing", "One run, and how far it is.").answers::<RunView>("The run."),
        Described::new(
            "list_billing_run_rows",
            "Billing",
            "What a run that was asked for says of each account, as far as it is. Kept for 90 days. A page may be short: its cursor goes on.",
        )
        .paged()
        .answers::<PageView<RowView>>("A page of rows."),
    ]
}
