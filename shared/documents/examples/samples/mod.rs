//! Documents to look at, to measure and to test with.

use jiff::civil::date;
use rust_decimal::Decimal;
use tributary_documents::{
    Brand, Colour, Currency, Detail, InvoiceDocument, Kind, Line, Locale, Paper, Party, Payment, Period, Stamp, Sum, Tax,
};

pub const LOGO: &[u8] = include_bytes!("logo.png");

fn amount(text: &str) -> Decimal {
    text.parse().unwrap_or_default()
}

fn line(text: &str, detail: &str, quantity: &str, unit: &str, price: &str, sum: &str, settled: bool) -> Line {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let number = |text: &str| given(text).map(|text| amount(&text));
    Line {
        text: text.to_owned(),
        detail: given(detail),
        quantity: number(quantity),
        unit: given(unit),
        unit_price: number(price),
        amount: amount(sum),
        settled,
    }
}

fn detail(label: &str, value: &str) -> Detail {
    Detail { label: label.to_owned(), value: value.to_owned() }
}

/// A customer's invoice of a month, past due in part.
pub fn invoice() -> InvoiceDocument {
    InvoiceDocument {
        kind: Kind::Invoice,
        title: None,
        number: Some("NW-000123".to_owned()),
        seller: Party {
            name: "Northwind Cloud GmbH".to_owned(),
            address: vec!["Hafenstraße 12".to_owned(), "20457 Hamburg".to_owned(), "Germany".to_owned()],
            tax_id: Some("DE 123 456 789".to_owned()),
            email: Some("billing@northwind.example".to_owned()),
        },
        buyer: Party {
            name: "Ægir Maritime Analytics ApS".to_owned(),
            address: vec!["Att: Søren Kjær".to_owned(), "Nyhavn 17, 2. th".to_owned(), "1051 København K".to_owned(), "Denmark".to_owned()],
            tax_id: Some("DK 98 76 54 32".to_owned()),
            email: Some("ap@aegir.example".to_owned()),
        },
        brand: Brand {
            name: "Northwind Cloud".to_owned(),
            colour: Colour { red: 0x0f, green: 0x5c, blue: 0x6e },
            logo: Some(LOGO.to_vec()),
        },
        issued: date(2026, 11, 1),
        payable_by: Some(date(2026, 11, 15)),
        period: Some(Period { first: date(2026, 10, 1), last: date(2026, 10, 31) }),
        references: vec![detail("Purchase order", "PO-2026-0417")],
        currency: Currency { code: "EUR".to_owned(), digits: 2 },
        lines: vec![
            line("Compute, general purpose", "October 2026 · first 10,000 h at 0.041, rest at 0.036", "12480", "h", "", "499.28", false),
            line("Object storage", "October 2026, eu-central", "8192.5", "GB month", "0.0185", "151.56", false),
            line("Requests", "October 2026", "41.25", "million", "0.35", "14.44", false),
            line("Inference, input tokens", "October 2026 · model nw-large", "18400.25", "1,000 tokens", "0.0025", "46.00", true),
            line("Inference, output tokens", "October 2026 · model nw-large", "4210.5", "1,000 tokens", "0.01", "42.10", true),
            line("Support, business plan", "Monthly fee", "1", "month", "199", "199.00", false),
            line("Credit package “Harbour 500”", "Bought on 14 October 2026", "1", "", "450", "450.00", false),
            line("Adjustment", "Late events of September 2026", "", "", "", "-12.75", false),
        ],
        subtotals: vec![],
        subtotal: amount("1389.63"),
        taxes: vec![Tax { name: "MwSt.".to_owned(), rate: amount("19"), base: amount("1301.53"), amount: amount("247.29") }],
        total: amount("1636.92"),
        paid_from_credit: amount("88.10"),
        credited: amount("0"),
        paid: amount("500"),
        disputed: amount("0"),
        due: amount("1048.82"),
        payment: Payment {
            url: Some("https://pay.northwind.example/i/NW-000123".to_owned()),
            details: vec![
                detail("Bank transfer to", "Northwind Cloud GmbH"),
                detail("IBAN", "DE89 3704 0044 0532 0130 00"),
                detail("BIC", "COBADEFFXXX"),
                detail("Reference", "NW-000123"),
            ],
        },
        notes: vec!["Usage paid from credit was taxed when the credit was bought.".to_owned()],
        footer: Some(
            "Northwind Cloud GmbH · Amtsgericht Hamburg HRB 123456 · Managing director: Ingrid Halvorsen · northwind.example".to_owned(),
        ),
        stamp: None,
        locale: Locale::En,
        paper: Paper::A4,
    }
}

/// An invoice of so many lines.
#[allow(dead_code, reason = "not every user of these samples takes all")]
pub fn long(count: usize) -> InvoiceDocument {
    let names =
        ["Compute, general purpose", "Object storage in a region with a rather long name, replicated three times", "Egress", "Requests"];
    let lines: Vec<Line> = (0..count)
        .map(|index| Line {
            text: format!("{} {}", names[index % names.len()], index + 1),
            detail: (index % 3 == 0).then(|| format!("project-{index:04}.example")),
            quantity: Some(Decimal::new(
                i64::try_from(index).unwrap_or_default() * 7_919 + 13,
                u32::try_from(index % 4).unwrap_or_default(),
            )),
            unit: Some(["h", "GB month", "GB", "1,000"][index % 4].to_owned()),
            unit_price: Some(Decimal::new(i64::try_from(index % 97).unwrap_or_default() + 1, 4)),
            amount: Decimal::new(i64::try_from(index).unwrap_or_default() * 1_301 + 7, 2),
            settled: index % 5 == 4,
        })
        .collect();
    let subtotal: Decimal = lines.iter().map(|line| line.amount).sum();
    let settled: Decimal = lines.iter().filter(|line| line.settled).map(|line| line.amount).sum();
    InvoiceDocument {
        lines,
        subtotal,
        taxes: vec![],
        total: subtotal,
        paid_from_credit: settled,
        paid: Decimal::ZERO,
        due: subtotal - settled,
        ..invoice()
    }
}

/// Documents of every kind, state, language and paper, with names for files.
#[allow(dead_code, reason = "not every user of these samples takes all")]
pub fn gallery() -> Vec<(&'static str, InvoiceDocument)> {
    let plain = Brand { name: "Sunrise Reselling".to_owned(), colour: Colour { red: 0xff, green: 0xc9, blue: 0x2e }, logo: None };
    let credit_note = InvoiceDocument {
        kind: Kind::CreditNote,
        number: Some("NW-CN-000004".to_owned()),
        payable_by: None,
        references: vec![detail("For invoice", "NW-000123 of 1 November 2026"), detail("Reason", "Dispute dsp_01k9, accepted in part")],
        lines: vec![line("Object storage", "Of line “Object storage, October 2026”", "", "", "", "50.00", false)],
        subtotal: amount("50.00"),
        taxes: vec![Tax { name: "MwSt.".to_owned(), rate: amount("19"), base: amount("50.00"), amount: amount("9.50") }],
        total: amount("59.50"),
        paid_from_credit: amount("0"),
        paid: amount("0"),
        due: amount("0"),
        notes: vec![],
        ..invoice()
    };
    let long_names = InvoiceDocument {
        title: Some("Tax invoice and statement of services rendered".to_owned()),
        number: Some("NW-2026-THE-LONGEST-NUMBER-ANYBODY-COULD-THINK-OF-000123".to_owned()),
        seller: Party {
            name: "Vereinigte Donaudampfschifffahrtsgesellschaftskapitänswitwenversorgungskassen Aktiengesellschaft & Co. KGaA".to_owned(),
            address: (1..=14).map(|line| format!("Line {line} of an address that somebody filled with everything they knew")).collect(),
            ..invoice().seller
        },
        buyer: Party { name: "株式会社 東京クラウド (Tokyo Cloud K.K.)".to_owned(), ..invoice().buyer },
        brand: Brand { name: "Vereinigte Donaudampfschifffahrtsgesellschaftskapitänswitwenversorgungskassen".to_owned(), ..plain.clone() },
        lines: vec![
            line(
                &"A description that goes on ".repeat(12),
                "0123456789abcdef".repeat(9).as_str(),
                "123456789012.123456",
                "gigabyte-months of storage",
                "0.000000125",
                "98765432109876.54",
                false,
            ),
            line("Ελληνικά, Русский, Українська, Türkçe, Tiếng Việt 🚀", "", "-1", "pcs", "1000000", "-1000000.00", true),
        ],
        subtotals: vec![Sum {
            label: "Usage of all projects below the department of research".to_owned(),
            amount: amount("98765432109876.54"),
        }],
        disputed: amount("12.50"),
        stamp: Some(Stamp::Uncollectible),
        ..invoice()
    };
    vec![
        ("invoice", invoice()),
        (
            "paid-letter-plain",
            InvoiceDocument {
                brand: plain.clone(),
                stamp: Some(Stamp::Paid),
                paid: amount("1548.82"),
                due: amount("0"),
                paper: Paper::Letter,
                ..invoice()
            },
        ),
        ("past-due-de", InvoiceDocument { stamp: Some(Stamp::PastDue), locale: Locale::De, disputed: amount("151.56"), ..invoice() }),
        ("void-fr", InvoiceDocument { stamp: Some(Stamp::Void), locale: Locale::Fr, brand: plain.clone(), ..invoice() }),
        ("draft", InvoiceDocument { stamp: Some(Stamp::Draft), number: None, ..invoice() }),
        ("credit-note", credit_note),
        ("long-names", long_names),
        (
            "empty",
            InvoiceDocument {
                lines: vec![],
                subtotal: amount("0"),
                taxes: vec![],
                total: amount("0"),
                paid_from_credit: amount("0"),
                paid: amount("0"),
                due: amount("0"),
                ..invoice()
            },
        ),
        (
            "yen",
            InvoiceDocument {
                currency: Currency { code: "JPY".to_owned(), digits: 0 },
                lines: vec![line("計算 compute", "", "1250", "h", "120", "150000", false)],
                subtotal: amount("150000"),
                taxes: vec![],
                total: amount("150000"),
                paid_from_credit: amount("0"),
                paid: amount("0"),
                due: amount("150000"),
                ..invoice()
            },
        ),
        ("lines-60", long(60)),
        ("lines-1000", InvoiceDocument { stamp: Some(Stamp::Draft), ..long(1_000) }),
    ]
}
