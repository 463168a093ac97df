//! What a document says.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::locale::Locale;

/// A logo larger than this, in bytes of PNG, is left out.
pub const MAX_LOGO_BYTES: usize = 1 << 20;
/// A logo of more pixels than this is left out.
pub const MAX_LOGO_PIXELS: u64 = 4_000_000;

/// An invoice or a credit note, as it is to be shown. Texts may hold anything: what the font has no sign for is shown as `�`, control
/// signs are left out, long ones are wrapped. Amounts are in units of `currency` and are shown as they are, never rounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceDocument {
    pub kind: Kind,
    /// In place of the locale's "Invoice" or "Credit note", such as "Tax invoice".
    pub title: Option<String>,
    /// `None` for a draft, which has no number yet.
    pub number: Option<String>,
    pub seller: Party,
    pub buyer: Party,
    pub brand: Brand,
    /// The day on the document; of a draft, the day it was made. It is the PDF's date, too.
    pub issued: Date,
    pub payable_by: Option<Date>,
    pub period: Option<Period>,
    /// More lines of the head: the buyer's purchase order, the invoice a credit note is for.
    pub references: Vec<Detail>,
    pub currency: Currency,
    pub lines: Vec<Line>,
    /// Sums by kind, shown above `subtotal`. May be empty.
    pub subtotals: Vec<Sum>,
    pub subtotal: Decimal,
    pub taxes: Vec<Tax>,
    pub total: Decimal,
    /// Shown with a minus, and only if not zero; so are `credited` and `paid`.
    pub paid_from_credit: Decimal,
    pub credited: Decimal,
    pub paid: Decimal,
    /// Of what is due, what is disputed and not asked for until that is settled. Shown only if not zero.
    pub disputed: Decimal,
    /// What is to be paid. Not shown on a credit note.
    pub due: Decimal,
    pub payment: Payment,
    /// Paragraphs below the sums, or beside them if there is room.
    pub notes: Vec<String>,
    /// At the foot of every page, at most three lines of it.
    pub footer: Option<String>,
    pub stamp: Option<Stamp>,
    pub locale: Locale,
    pub paper: Paper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Invoice,
    CreditNote,
}

/// Who sells or buys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    pub name: String,
    pub address: Vec<String>,
    pub tax_id: Option<String>,
    pub email: Option<String>,
}

/// How the seller looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// Used for text only where it can be read on white (4.5 to 1), else a dark grey is.
    pub colour: Colour,
    /// PNG. One that cannot be read, or is larger than [`MAX_LOGO_BYTES`] or [`MAX_LOGO_PIXELS`], is left out for the name.
    pub logo: Option<Vec<u8>>,
}

/// sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
}

/// Days shown as the billed period, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub first: Date,
    pub last: Date,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency {
    /// ISO 4217.
    pub code: String,
    /// Of the minor unit: 2 for USD, 0 for JPY, 3 for KWD. The least number of decimals shown.
    pub digits: u32,
}

/// A label and what it labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    pub label: String,
    pub value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    /// Below the text, small.
    pub detail: Option<String>,
    pub quantity: Option<Decimal>,
    pub unit: Option<String>,
    pub unit_price: Option<Decimal>,
    pub amount: Decimal,
    /// It was paid from credit with the use, and is marked so.
    pub settled: bool,
}

/// A labelled sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub label: String,
    pub amount: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tax {
    pub name: String,
    /// In percent.
    pub rate: Decimal,
    /// What it is reckoned on.
    pub base: Decimal,
    pub amount: Decimal,
}

/// How to pay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// Where it is paid online. Made a link if it begins with `https://` or `http://`.
    pub url: Option<String>,
    /// Bank, account, reference.
    pub details: Vec<Detail>,
}

/// What is said of the document's state. A draft and a void one say it across each page, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    Draft,
    Paid,
    PastDue,
    Void,
    Uncollectible,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paper {
    #[default]
    A4,
    Letter,
}
