//! Invoices and credit notes as PDF. What is shown comes in as plain structs ([`InvoiceDocument`]), already in words and sums: nothing is
//! reckoned or rounded here. Pure: no clock, no randomness, no network, no system font, so that the same document gives the same bytes.
//! What is written is PDF/A-2a and PDF/UA-1. See `docs/documents.md`.

mod colour;
mod document;
mod face;
mod locale;
mod number;
mod page;
mod sections;
mod table;
mod totals;
mod write;

pub use document::{
    Brand, Colour, Currency, Detail, InvoiceDocument, Kind, Line, MAX_LOGO_BYTES, MAX_LOGO_PIXELS, Paper, Party, Payment, Period, Stamp,
    Sum, Tax,
};
pub use locale::Locale;
pub use write::{RenderError, Rendering, render};
