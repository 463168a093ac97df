//! An invoice as the document that is rendered: its words, its dates where it is read, its brand. Nothing is reckoned here but what unit price a line comes
//! out at, where that is exact.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use tributary_documents::{
    Brand, Colour, Currency, Detail, InvoiceDocument, Kind, Line as Shown, Locale, Paper, Party, Payment, Period, Stamp, Sum, Tax,
};
use tributary_domain::billing::build::CARRIED_LINE;
use tributary_domain::billing::invoice::{Invoice, InvoiceState, Line, LineKind, PartyShown};
use tributary_domain::billing::profile::Address;
use tributary_domain::money::{Micros, Overflow};
use tributary_domain::pricing::month::Month;

/// Raised when what is rendered of the same invoice changes, so that it is rendered anew.
pub const EDITION: u32 = 1;
/// The colour of a brand that has none: a dark slate.
const PLAIN: Colour = Colour { red: 0x1f, green: 0x2a, blue: 0x44 };
/// Where paper is Letter.
const LETTER: [&str; 10] = ["US", "CA", "MX", "PH", "CL", "CO", "VE", "CR", "GT", "PA"];
/// From how many lines on the sums by kind are shown.
const MANY: usize = 10;
/// The most decimals of a unit price that is shown.
const PRICE_DECIMALS: u32 = 6;

/// How an invoice is read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The language.
    pub locale: Locale,
    /// Where its days begin.
    pub zone: TimeZone,
}

/// Countries by name, as the post of the world reads them; of others the code is written.
const COUNTRIES: [(&str, &str); 69] = [
    ("AE", "United Arab Emirates"),
    ("AR", "Argentina"),
    ("AT", "Austria"),
    ("AU", "Australia"),
    ("BE", "Belgium"),
    ("BG", "Bulgaria"),
    ("BR", "Brazil"),
    ("CA", "Canada"),
    ("CH", "Switzerland"),
    ("CL", "Chile"),
    ("CN", "China"),
    ("CO", "Colombia"),
    ("CY", "Cyprus"),
    ("CZ", "Czechia"),
    ("DE", "Germany"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("EG", "Egypt"),
    ("ES", "Spain"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("GR", "Greece"),
    ("HK", "Hong Kong"),
    ("HR", "Croatia"),
    ("HU", "Hungary"),
    ("ID", "Indonesia"),
    ("IE", "Ireland"),
    ("IL", "Israel"),
    ("IN", "India"),
    ("IS", "Iceland"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("KE", "Kenya"),
    ("KR", "South Korea"),
    ("KW", "Kuwait"),
    ("LI", "Liechtenstein"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("LV", "Latvia"),
    ("MA", "Morocco"),
    ("MT", "Malta"),
    ("MX", "Mexico"),
    ("MY", "Malaysia"),
    ("NG", "Nigeria"),
    ("NL", "Netherlands"),
    ("NO", "Norway"),
    ("NZ", "New Zealand"),
    ("PE", "Peru"),
    ("PH", "Philippines"),
    ("PK", "Pakistan"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("QA", "Qatar"),
    ("RO", "Romania"),
    ("RS", "Serbia"),
    ("SA", "Saudi Arabia"),
    ("SE", "Sweden"),
    ("SG", "Singapore"),
    ("SI", "Slovenia"),
    ("SK", "Slovakia"),
    ("TH", "Thailand"),
    ("TR", "Türkiye"),
    ("TW", "Taiwan"),
    ("UA", "Ukraine"),
    ("US", "United States"),
    ("UY", "Uruguay"),
    ("VN", "Vietnam"),
    ("ZA", "South Africa"),
];

struct Words {
    purchase_order: &'static str,
    reference: &'static str,
    minimum: &'static str,
    carried: &'static str,
    carried_from: &'static str,
    older: &'static str,
    saved: &'static str,
    kinds: [&'static str; 4],
    settled: &'static str,
    disputed: &'static str,
}

const EN: Words = Words {
    purchase_order: "Purchase order",
    reference: "Reference",
    minimum: "Up to the minimum of the period",
    carried: "Carried forward to the next invoice",
    carried_from: "Carried forward from",
    older: "Usage of earlier months",
    saved: "Saved, already in the prices above:",
    kinds: ["Usage", "Fees", "Purchases", "Adjustments"],
    settled: "Usage that was paid from credit was paid for as it was used. It is shown, and not due; tax was charged with the credit.",
    disputed: "What is disputed is not to be paid until the dispute is settled.",
};

const DE: Words = Words {
    purchase_order: "Bestellnummer",
    reference: "Verwendungszweck",
    minimum: "Bis zum Mindestbetrag des Zeitraums",
    carried: "Übertrag auf die nächste Rechnung",
    carried_from: "Übertrag aus",
    older: "Nutzung früherer Monate",
    saved: "Gespart, in den Preisen oben enthalten:",
    kinds: ["Nutzung", "Gebühren", "Käufe", "Anpassungen"],
    settled: "Nutzung, die aus Guthaben bezahlt wurde, ist mit ihrer Nutzung bezahlt. Sie wird gezeigt und ist nicht fällig; die Steuer wurde mit dem Guthaben berechnet.",
    disputed: "Was strittig ist, ist bis zur Klärung nicht zu zahlen.",
};

const FR: Words = Words {
    purchase_order: "Bon de commande",
    reference: "Référence",
    minimum: "Complément jusqu’au minimum de la période",
    carried: "Report sur la prochaine facture",
    carried_from: "Report de",
    older: "Consommation des mois précédents",
    saved: "Économie déjà comprise dans les prix ci-dessus :",
    kinds: ["Consommation", "Frais", "Achats", "Ajustements"],
    settled: "La consommation payée par crédit a été réglée au fur et à mesure. Elle est indiquée pour information ; la taxe a été facturée avec le crédit.",
    disputed: "Les montants contestés ne sont pas à payer avant le règlement du litige.",
};

impl Reading {
    fn words(&self) -> &'static Words {
        match self.locale {
            Locale::En => &EN,
            Locale::De => &DE,
            Locale::Fr => &FR,
        }
    }

    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    fn month(&self, month: Month) -> String {
        let start = month.start().to_zoned(TimeZone::UTC).date();
        self.locale.month(start.year(), start.month())
    }
}

/// The document of an invoice.
///
/// # Errors
/// [`Overflow`] if its amounts do not add up, which those of no invoice do.
pub fn of(invoice: &Invoice, reading: &Reading) -> Result<InvoiceDocument, Overflow> {
    let words = reading.words();
    let (seller, buyer) = (&invoice.seller, &invoice.buyer);
    let due = invoice.due()?;
    // A draft has the day from which on it could be made.
    let issued = reading.day(invoice.issued_at.unwrap_or(invoice.closed_at));
    let last = Timestamp::from_nanosecond(invoice.period.end.as_nanosecond() - 1).unwrap_or(invoice.period.end);
    let days = Period { first: reading.day(invoice.period.start), last: reading.day(last.max(invoice.period.start)) };
    let plain: Vec<&Line> = invoice.lines.iter().filter(|line| line.kind != LineKind::Tax).collect();
    let asked = due.get() > 0 && matches!(invoice.state, InvoiceState::Finalized | InvoiceState::PastDue);
    let po_number = buyer.po_number.as_ref().map(|number| detail(words.purchase_order, number.as_str()));
    let reference = invoice.number.as_ref().filter(|_| asked).map(|number| detail(words.reference, number));
    let settled = plain.iter().any(|line| line.settled).then(|| words.settled.to_owned());
    let disputed = (!invoice.disputed.is_zero()).then(|| words.disputed.to_owned());
    Ok(InvoiceDocument {
        kind: Kind::Invoice,
        title: None,
        number: invoice.number.clone(),
        seller: party(seller, None),
        buyer: party(buyer, seller.address.as_ref()),
        brand: brand(seller),
        issued,
        payable_by: invoice.due_at.filter(|_| asked).map(|at| reading.day(at)),
        period: Some(days),
        references: po_number.into_iter().collect(),
        currency: Currency { code: invoice.currency.code().to_owned(), digits: invoice.currency.decimals() },
        lines: plain.iter().map(|line| shown(line, invoice, reading)).collect(),
        subtotals: subtotals(&plain, words)?,
        subtotal: decimal(invoice.subtotal),
        taxes: taxes(invoice)?,
        total: decimal(invoice.total),
        paid_from_credit: decimal(invoice.paid_from_credit),
        // What was given back of a payment lowers what was paid, so that the sums come out.
        credited: decimal(invoice.credited),
        paid: decimal(invoice.paid.minus(invoice.returned)?),
        disputed: decimal(invoice.disputed),
        due: decimal(due),
        payment: Payment { url: None, details: reference.into_iter().collect() },
        notes: settled.into_iter().chain(disputed).collect(),
        footer: seller.footer.as_ref().map(|footer| footer.as_str().to_owned()),
        stamp: stamp(invoice.state),
        locale: reading.locale,
        paper: if seller.address.as_ref().is_some_and(|at| LETTER.contains(&at.country.as_str())) { Paper::Letter } else { Paper::A4 },
    })
}

fn detail(label: &str, value: &str) -> Detail {
    Detail { label: label.to_owned(), value: value.to_owned() }
}

fn stamp(state: InvoiceState) -> Option<Stamp> {
    match state {
        InvoiceState::Draft => Some(Stamp::Draft),
        InvoiceState::Finalized => None,
        InvoiceState::Paid => Some(Stamp::Paid),
        InvoiceState::PastDue => Some(Stamp::PastDue),
        InvoiceState::Void => Some(Stamp::Void),
        InvoiceState::Uncollectible => Some(Stamp::Uncollectible),
    }
}

fn decimal(amount: Micros) -> Decimal {
    Decimal::new(amount.get(), 6).normalize()
}

/// A number that the domain wrote; it writes no other than decimals.
fn read(number: impl ToString) -> Decimal {
    number.to_string().parse::<Decimal>().map_or(Decimal::ZERO, |number| number.normalize())
}

fn party(party: &PartyShown, at_home: Option<&Address>) -> Party {
    Party {
        name: party.name.to_string(),
        address: party.address.as_ref().map(|address| lines(address, at_home)).unwrap_or_default(),
        tax_id: party.tax_id.as_ref().map(|id| id.as_str().to_owned()),
        email: party.email.as_ref().map(ToString::to_string),
    }
}

/// An address as it is written on paper: the postal code before the town, but behind it with its state in some countries. The country is named unless both
/// are in the same.
fn lines(address: &Address, at_home: Option<&Address>) -> Vec<String> {
    let code = address.postal_code.as_ref().map(|line| line.as_str());
    let region = address.region.as_ref().map(|line| line.as_str());
    let city = address.city.as_str();
    let country = address.country.as_str();
    let town = match country {
        "US" | "CA" | "AU" => {
            let behind = [region, code].into_iter().flatten().collect::<Vec<_>>().join(" ");
            vec![if behind.is_empty() { city.to_owned() } else { format!("{city}, {behind}") }]
        }
        "GB" | "IE" | "IN" | "NZ" | "SG" => [Some(city), region, code].into_iter().flatten().map(str::to_owned).collect(),
        _ => {
            let place = [code, Some(city)].into_iter().flatten().collect::<Vec<_>>().join(" ");
            [Some(place), region.map(str::to_owned)].into_iter().flatten().collect()
        }
    };
    let street = [Some(&address.line1), address.line2.as_ref()].into_iter().flatten().map(|line| line.as_str().to_owned());
    let name = COUNTRIES.iter().find(|(code, _)| *code == country).map_or(country, |(_, name)| *name);
    let abroad = at_home.is_none_or(|home| home.country != address.country).then(|| name.to_owned());
    street.chain(town).chain(abroad).collect()
}

fn brand(seller: &PartyShown) -> Brand {
    let name = seller.brand.clone().unwrap_or_else(|| seller.name.to_string());
    Brand { name, colour: seller.color.as_deref().and_then(colour).unwrap_or(PLAIN), logo: None }
}

fn colour(text: &str) -> Option<Colour> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let part = |at: usize| digits.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    Some(Colour { red: part(0)?, green: part(2)?, blue: part(4)? })
}

fn shown(line: &Line, invoice: &Invoice, reading: &Reading) -> Shown {
    let words = reading.words();
    let text = match line.kind {
        LineKind::Minimum => words.minimum.to_owned(),
        LineKind::CarriedForward if line.id == CARRIED_LINE => words.carried.to_owned(),
        // "Carried forward from 2026-10" is how it was kept.
        LineKind::CarriedForward => match line.text.rsplit(' ').next().and_then(|month| month.parse().ok()) {
            Some(month) => format!("{} {}", words.carried_from, reading.month(month)),
            None => line.text.clone(),
        },
        LineKind::Usage if line.meter.is_none() => words.older.to_owned(),
        LineKind::Usage | LineKind::Fee | LineKind::Purchase | LineKind::Adjustment | LineKind::Promotion | LineKind::Tax => {
            line.text.clone()
        }
    };
    let detail = match (line.month, line.saved) {
        // Usage of the period itself needs no month, unless the period is in two.
        (Some(month), _) if one_month(invoice) == Some(month) => None,
        (Some(month), _) => Some(reading.month(month)),
        (None, Some(saved)) => Some(format!("{} {}", words.saved, money(read(saved), invoice, reading.locale))),
        (None, None) => None,
    };
    let quantity = line.quantity.map(read);
    Shown {
        text,
        detail,
        quantity,
        unit: line.unit.clone(),
        unit_price: quantity.filter(|_| line.meter.is_some()).and_then(|quantity| unit_price(read(line.exact), quantity)),
        amount: decimal(line.amount),
        settled: line.settled,
    }
}

/// An amount within a text, with at least the decimals of its currency.
fn money(mut amount: Decimal, invoice: &Invoice, locale: Locale) -> String {
    amount.rescale(amount.scale().max(invoice.currency.decimals()));
    let written = match locale {
        Locale::En => amount.to_string(),
        Locale::De | Locale::Fr => amount.to_string().replace('.', ","),
    };
    format!("{written} {}", invoice.currency)
}

/// The month in UTC that the period is, or is a part of, if it is no longer than it.
fn one_month(invoice: &Invoice) -> Option<Month> {
    let last = Timestamp::from_nanosecond(invoice.period.end.as_nanosecond() - 1).ok()?;
    let first = Month::of(invoice.period.start);
    (first == Month::of(last)).then_some(first)
}

/// What one unit came to, where that is exact in few decimals: by tiers it often is not, and a rounded price would not multiply to the amount.
fn unit_price(exact: Decimal, quantity: Decimal) -> Option<Decimal> {
    let price = exact.checked_div(quantity)?.normalize();
    let good = price.scale() <= PRICE_DECIMALS && price.checked_mul(quantity) == Some(exact) && !price.is_sign_negative();
    good.then_some(price)
}

/// Sums by kind of a long invoice with several.
fn subtotals(lines: &[&Line], words: &Words) -> Result<Vec<Sum>, Overflow> {
    let group = |kind: LineKind| match kind {
        LineKind::Usage | LineKind::Promotion | LineKind::Minimum => 0,
        LineKind::Fee => 1,
        LineKind::Purchase => 2,
        LineKind::Adjustment | LineKind::CarriedForward | LineKind::Tax => 3,
    };
    let mut sums = Vec::new();
    for (at, label) in words.kinds.iter().enumerate() {
        let mut of_this = lines.iter().filter(|line| group(line.kind) == at).peekable();
        if of_this.peek().is_some() {
            let amount = of_this.try_fold(Micros::ZERO, |sum, line| sum.plus(line.amount))?;
            sums.push(Sum { label: (*label).to_owned(), amount: decimal(amount) });
        }
    }
    Ok(if lines.len() >= MANY && sums.len() > 1 { sums } else { Vec::new() })
}

fn taxes(invoice: &Invoice) -> Result<Vec<Tax>, Overflow> {
    let of = |line: &Line| {
        let mut taxed = invoice.lines.iter().filter(|one| line.of.contains(&one.id));
        let base = taxed.try_fold(Micros::ZERO, |sum, one| sum.plus(one.amount))?;
        let rate = line.tax_rate.map(read).unwrap_or_default();
        Ok(Tax { name: line.text.clone(), rate, base: decimal(base), amount: decimal(line.amount) })
    };
    invoice.lines.iter().filter(|line| line.kind == LineKind::Tax).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn line(id: &str, kind: &str, amount: &str, more: &Value) -> Value {
        let mut line = json!({ "id": id, "kind": kind, "text": "Text", "exact": amount, "amount": amount });
        let more = more.as_object().into_iter().flatten();
        line.as_object_mut().expect("an object").extend(more.map(|(name, value)| (name.clone(), value.clone())));
        line
    }

    /// 61.72 of SMS, of which 5.00 was saved, and a fee, with a tax of 20 %.
    fn invoice(state: &str) -> Invoice {
        let sms =
            json!({ "meter": "sms", "month": "2026-10", "quantity": "1234.5", "unit": "message", "exact": "61.725", "taxable": true });
        let late = json!({ "meter": "sms", "month": "2026-09", "quantity": "3", "exact": "1.000000", "taxable": true });
        let country = |code: &str| json!({ "line1": "1 High St", "city": "Graz", "postal_code": "8010", "country": code });
        serde_json::from_value(json!({
            "id": "inv_01hx3v9k2mfd8bq5r7w1z4n6ty", "account_id": "acc_01hx3v9k2mfd8bq5r7w1z4n6ty",
            "seller_id": "acc_01hx3v9k2mfd8bq5r7w1z4n6tx", "number": "NW-000001", "state": state, "currency": "USD",
            "period": { "label": "2026-10", "start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z" }, "part": 1,
            "ledger": { "from_seq": 0, "to_seq": 9 },
            "lines": [
                line("usage:2026-10:sms", "usage", "61.720000", &sms), line("usage:2026-09:sms", "usage", "1.000000", &late),
                line("promotion:x", "promotion", "0.000000", &json!({ "saved": "5.000000" })),
                line("chg_1", "carried_forward", "-2.720000", &json!({ "text": "Carried forward from 2026-09" })),
                line("tax:vat", "tax", "12.540000", &json!({ "tax_rate": "20", "of": ["usage:2026-10:sms", "usage:2026-09:sms"] })),
            ],
            "subtotal": "60.000000", "tax": "12.540000", "total": "72.540000", "paid_from_credit": "0.000000", "paid": "20.000000",
            "returned": "5.000000", "disputed": "1.000000", "closed_at": "2026-11-01T00:00:00Z", "issued_at": "2026-11-01T23:30:00Z",
            "due_at": "2026-11-15T23:30:00Z",
            "seller": { "name": "Northwind GmbH", "address": country("AT"), "brand": "Northwind", "color": "#0f5c6e" },
            "buyer": { "name": "Ada Ltd", "address": country("DE"), "po_number": "PO 7" }, "version": 3,
        }))
        .expect("an invoice")
    }

    fn read_in(locale: Locale) -> InvoiceDocument {
        of(&invoice("past_due"), &Reading { locale, zone: TimeZone::get("Europe/Vienna").expect("a zone") }).expect("in range")
    }

    #[test]
    fn sums_come_out_and_days_are_those_of_the_buyer() {
        let shown = read_in(Locale::En);
        assert_eq!(shown.total - shown.paid_from_credit - shown.credited - shown.paid, shown.due);
        let lines: Decimal = shown.lines.iter().map(|line| line.amount).sum();
        let taxes: Decimal = shown.taxes.iter().map(|tax| tax.amount).sum();
        assert_eq!((lines, lines + taxes, shown.taxes[0].base.to_string().as_str()), (shown.subtotal, shown.total, "62.72"));
        assert_eq!(shown.issued.to_string(), "2026-11-02", "half past midnight in Vienna");
        assert_eq!(shown.lines[0].unit_price, Some(Decimal::new(5, 2)));
        assert_eq!((shown.lines[1].unit_price, shown.lines[1].detail.as_deref()), (None, Some("September\u{a0}2026")));
        assert_eq!(shown.lines[2].detail.as_deref(), Some("Saved, already in the prices above: 5.00 USD"));
        assert_eq!((&shown.seller.address[1..], shown.buyer.address.len()), (&["8010 Graz".to_owned(), "Austria".to_owned()][..], 3));
        assert_eq!((shown.brand.name.as_str(), shown.brand.colour.green, shown.stamp), ("Northwind", 0x5c, Some(Stamp::PastDue)));
        assert_eq!(shown.payment.details[0].value, "NW-000001");
        for state in ["draft", "void", "paid", "uncollectible"] {
            let shown = of(&invoice(state), &Reading { locale: Locale::En, zone: TimeZone::UTC }).expect("in range");
            assert!(shown.payment.details.is_empty() && shown.payable_by.is_none(), "{state} asks for nothing");
        }
    }

    #[test]
    fn what_we_say_ourselves_is_said_in_the_buyers_language() {
        assert_eq!(read_in(Locale::De).lines[3].text, "Übertrag aus September\u{a0}2026");
        assert_eq!(read_in(Locale::De).lines[2].detail.as_deref(), Some("Gespart, in den Preisen oben enthalten: 5,00 USD"));
        assert_eq!(read_in(Locale::Fr).references[0].label, "Bon de commande");
    }
}
