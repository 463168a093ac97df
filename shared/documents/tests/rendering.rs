//! What is promised of a rendered document, read back from the PDF.

use jiff::civil::date;
use lopdf::{Document, Object};
use rust_decimal::Decimal;
use tributary_documents::{Brand, Colour, InvoiceDocument, Kind, Locale, MAX_LOGO_BYTES, Paper, Stamp, render};

#[path = "../examples/samples/mod.rs"]
mod samples;

/// The text of a page as it is copied, without what parts words.
fn text(pdf: &[u8], page: u32) -> String {
    let document = Document::load_mem(pdf).unwrap();
    document.extract_text(&[page]).unwrap().chars().filter(|sign| !sign.is_whitespace()).collect()
}

fn all_text(pdf: &[u8]) -> String {
    let pages = Document::load_mem(pdf).unwrap().get_pages().len();
    (1..=u32::try_from(pages).unwrap()).map(|page| text(pdf, page)).collect()
}

/// A string of the document's information, which is UTF-16 where it is not ASCII.
fn information(pdf: &[u8], key: &[u8]) -> String {
    let document = Document::load_mem(pdf).unwrap();
    let information = document.trailer.get(b"Info").unwrap().as_reference().unwrap();
    let bytes = document.get_dictionary(information).unwrap().get(key).unwrap().as_str().unwrap().to_vec();
    match bytes.strip_prefix(b"\xfe\xff") {
        Some(wide) => char::decode_utf16(wide.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))).map(Result::unwrap).collect(),
        None => String::from_utf8(bytes).unwrap(),
    }
}

#[test]
fn every_amount_and_name_is_in_the_text() {
    let rendering = render(&samples::invoice()).unwrap();
    assert!(rendering.with_logo);
    let text = all_text(&rendering.pdf);
    let amounts = ["499.28", "151.56", "14.44", "46.00", "42.10", "199.00", "450.00", "−12.75", "0.0185", "8,192.5", "12,480", "18,400.25"];
    let sums = ["EUR1,389.63", "EUR247.29", "EUR1,636.92", "EUR−88.10", "EUR−500.00", "EUR1,048.82", "19%on1,301.53"];
    let words =
        ["NW-000123", "NorthwindCloudGmbH", "Ægir", "Kjær", "København", "15November2026", "1October2026–31October2026", "PO-2026-0417"];
    for said in amounts.iter().chain(&sums).chain(&words) {
        assert!(text.contains(said), "{said} is not in {text}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    for (name, document) in samples::gallery() {
        let first = render(&document).unwrap();
        assert_eq!(first, render(&document.clone()).unwrap(), "{name}");
    }
    let other = InvoiceDocument { issued: date(2026, 11, 2), ..samples::invoice() };
    assert_ne!(render(&samples::invoice()).unwrap().pdf, render(&other).unwrap().pdf);
}

#[test]
fn the_example_of_the_docs_is_what_is_rendered() {
    let shown = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/invoice-example.pdf")).unwrap();
    assert!(shown == render(&samples::invoice()).unwrap().pdf, "cargo run -p tributary-documents --example invoice");
}

#[test]
fn a_thousand_lines_are_all_there_with_a_heading_on_each_page() {
    let document = samples::long(1_000);
    let rendering = render(&document).unwrap();
    assert!((30..=60).contains(&rendering.pages), "{} pages", rendering.pages);
    assert_eq!(Document::load_mem(&rendering.pdf).unwrap().get_pages().len(), rendering.pages);
    let mut found = 0;
    for page in 1..=rendering.pages {
        let text = text(&rendering.pdf, u32::try_from(page).unwrap());
        assert!(text.contains(&format!("Page{page}of{}", rendering.pages)), "{text}");
        assert_eq!(text.matches("Amount(EUR)").count(), 1, "page {page}");
        found += text.matches("Compute,generalpurpose").count() + text.matches("rathe").count() + text.matches("Egress").count();
        found += text.matches("Requests").count();
        assert_eq!(text.contains("InvoiceNW-000123"), page > 1, "the head of later pages");
    }
    assert_eq!(found, 1_000);
    // The sums are not alone on the last page.
    let last = text(&rendering.pdf, u32::try_from(rendering.pages).unwrap());
    assert!(last.contains("Requests1000") && last.contains("Amountdue"), "{last}");
}

#[test]
fn pages_follow_the_number_of_lines() {
    let pages: Vec<usize> = [0, 1, 8, 12, 30, 60, 200].into_iter().map(|count| render(&samples::long(count)).unwrap().pages).collect();
    assert!(pages.is_sorted(), "{pages:?}");
    assert_eq!(pages[1], 1);
    assert!(pages[6] >= 8, "{pages:?}");
}

#[test]
fn numbers_and_words_are_the_locale_s() {
    let said = |locale| all_text(&render(&InvoiceDocument { locale, stamp: Some(Stamp::PastDue), ..samples::invoice() }).unwrap().pdf);
    let de = said(Locale::De);
    for words in ["Rechnung", "EUR1.048,82", "15.November2026", "ÜBERFÄLLIG", "Seite1von", "19%auf1.301,53"] {
        assert!(de.contains(words), "{words} is not in {de}");
    }
    let fr = said(Locale::Fr);
    for words in ["Facture", "EUR1048,82", "1ernovembre2026", "ENRETARD", "Page1sur", "8192,5"] {
        assert!(fr.contains(words), "{words} is not in {fr}");
    }
}

#[test]
fn a_currency_without_minor_unit_shows_none() {
    let yen = samples::gallery().into_iter().find(|(name, _)| *name == "yen").unwrap().1;
    let text = all_text(&render(&yen).unwrap().pdf);
    assert!(text.contains("JPY150,000") && !text.contains("150,000.00"), "{text}");
}

#[test]
fn a_credit_note_says_what_is_credited_and_asks_for_nothing() {
    let note = InvoiceDocument { kind: Kind::CreditNote, number: Some("NW-CN-000004".to_owned()), ..samples::invoice() };
    let text = all_text(&render(&note).unwrap().pdf);
    assert!(text.contains("Creditnote") && text.contains("TotalcreditedEUR1,636.92"), "{text}");
    assert!(!text.contains("Amountdue") && !text.contains("Payonline") && !text.contains("IBAN"), "{text}");
}

#[test]
fn nothing_asks_to_pay_what_is_paid_or_void() {
    for (stamp, due) in [(Stamp::Paid, Decimal::ZERO), (Stamp::Void, samples::invoice().due)] {
        let rendering = render(&InvoiceDocument { stamp: Some(stamp), due, ..samples::invoice() }).unwrap();
        let text = all_text(&rendering.pdf);
        assert!(!text.contains("Payonline") && !text.contains("IBAN") && !text.contains("dueby"), "{stamp:?}: {text}");
        let links = |pdf: &[u8]| pdf.windows(4).filter(|at| at == b"/URI").count();
        assert_eq!(links(&rendering.pdf), 0, "{stamp:?}");
    }
    let text = all_text(&render(&InvoiceDocument { stamp: Some(Stamp::Draft), number: None, ..samples::invoice() }).unwrap().pdf);
    assert!(text.contains("DRAFT") && !text.contains("Payonline") && !text.contains("IBAN"), "a draft is not paid yet: {text}");
}

#[test]
fn only_web_addresses_become_links() {
    for url in ["javascript:alert(1)", "file:///etc/passwd", "https://ex ample", "https://exämple.example"] {
        let mut document = samples::invoice();
        document.payment.url = Some(url.to_owned());
        let rendering = render(&document).unwrap();
        assert!(!rendering.pdf.windows(8).any(|at| at == b"/S /URI\n" || at == b"/S/URI/U"), "{url}");
        assert!(!String::from_utf8_lossy(&rendering.pdf).contains("/URI"), "{url}");
    }
    assert!(String::from_utf8_lossy(&render(&samples::invoice()).unwrap().pdf).contains("/URI"));
}

#[test]
fn what_the_font_lacks_is_seen_and_can_be_copied() {
    let mut document = samples::invoice();
    document.buyer.name = "東京 \u{e000}\u{0} Ltd 🚀".to_owned();
    document.lines[0].text = "\u{202e}evil\u{feff} \u{fffe}".to_owned();
    let rendering = render(&document).unwrap();
    assert!(all_text(&rendering.pdf).contains("\u{fffd}\u{fffd}\u{fffd}Ltd\u{fffd}"));
    let told = Document::load_mem(&rendering.pdf).unwrap();
    let actual = told.get_pages().into_values().any(|page| {
        let content = told.get_page_content(page);
        content.windows(11).any(|at| at == b"/ActualText")
    });
    assert!(actual, "the name that was meant is told beside what is drawn");
}

#[test]
fn title_author_language_and_day_are_told() {
    let german = InvoiceDocument { locale: Locale::De, ..samples::invoice() };
    let pdf = render(&german).unwrap().pdf;
    assert_eq!(information(&pdf, b"Title"), "Rechnung NW-000123");
    assert_eq!(information(&pdf, b"Author"), "Northwind Cloud GmbH");
    assert!(information(&pdf, b"CreationDate").starts_with("D:20261101000000"));
    let document = Document::load_mem(&pdf).unwrap();
    let catalogue = document.catalog().unwrap();
    assert_eq!(catalogue.get(b"Lang").unwrap().as_str().unwrap(), b"de");
    assert!(catalogue.has(b"StructTreeRoot") && catalogue.has(b"OutputIntents") && catalogue.has(b"Metadata"));
    let said = String::from_utf8_lossy(&pdf).into_owned();
    assert!(said.contains("<pdfaid:part>2</pdfaid:part>") && said.contains("<pdfaid:conformance>A</pdfaid:conformance>"), "PDF/A-2a");
    assert!(said.contains("<pdfuaid:part>1</pdfuaid:part>"), "PDF/UA-1");
}

#[test]
fn papers_have_their_sizes() {
    for (paper, width, height) in [(Paper::A4, 595.28, 841.89), (Paper::Letter, 612.0, 792.0)] {
        let pdf = render(&InvoiceDocument { paper, ..samples::long(40) }).unwrap().pdf;
        let document = Document::load_mem(&pdf).unwrap();
        for page in document.get_pages().into_values() {
            let media = document.get_dictionary(page).unwrap().get(b"MediaBox").unwrap().as_array().unwrap();
            let media: Vec<f32> = media.iter().map(|side| Object::as_float(side).unwrap()).collect();
            assert!((media[2] - width).abs() < 0.01 && (media[3] - height).abs() < 0.01, "{media:?}");
        }
    }
}

#[test]
fn a_logo_that_cannot_be_used_gives_way_to_the_name() {
    let mut broken = samples::LOGO.to_vec();
    let half = broken.len() / 2;
    broken[half] ^= 0xff;
    let mut huge = samples::LOGO.to_vec();
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let mut padded = samples::LOGO.to_vec();
    padded.resize(MAX_LOGO_BYTES + 1, 0);
    for (name, logo) in [("broken", broken), ("huge", huge), ("padded", padded), ("empty", vec![]), ("text", b"<svg/>".repeat(9))] {
        let colour = Colour { red: 0xff, green: 0xff, blue: 0xff };
        let brand = Brand { name: "Northwind Cloud".to_owned(), colour, logo: Some(logo) };
        let rendering = render(&InvoiceDocument { brand, ..samples::invoice() }).unwrap();
        assert!(!rendering.with_logo, "{name}");
        assert!(text(&rendering.pdf, 1).contains("NorthwindCloud"), "{name}");
    }
}

#[test]
fn texts_of_any_length_are_placed() {
    let long = "word ".repeat(4_000);
    let unbroken = "x".repeat(20_000);
    for text in [&long, &unbroken] {
        let mut document = samples::invoice();
        document.title = Some(text.chars().take(2_000).collect());
        document.seller.name = text.chars().take(2_000).collect();
        document.seller.address = vec![text.clone(); 30];
        document.buyer.email = Some(text.clone());
        document.brand.name.clone_from(text);
        document.lines[1].text.clone_from(text);
        document.lines[1].unit = Some(text.clone());
        document.lines[2].amount = Decimal::MAX;
        document.lines[2].quantity = Some(Decimal::MIN);
        document.lines[2].unit_price = Some(Decimal::new(1, 28));
        document.subtotals = vec![tributary_documents::Sum { label: text.clone(), amount: Decimal::MAX }; 80];
        document.payment.details = vec![tributary_documents::Detail { label: text.clone(), value: text.clone() }];
        document.notes = vec![text.clone()];
        document.footer = Some(text.clone());
        document.references = vec![tributary_documents::Detail { label: text.clone(), value: text.clone() }; 30];
        document.brand.logo = None;
        let rendering = render(&document).unwrap();
        assert!((5..60).contains(&rendering.pages), "{} pages", rendering.pages);
    }
}

#[test]
fn an_invoice_of_nothing_says_so() {
    let empty = samples::gallery().into_iter().find(|(name, _)| *name == "empty").unwrap().1;
    assert!(all_text(&render(&empty).unwrap().pdf).contains("Nothingwasbilled."));
}
