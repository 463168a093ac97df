//! The words, numbers and dates of a language.

use jiff::civil::Date;

use crate::document::{Kind, Period, Stamp};

/// A language documents are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    #[default]
    En,
    De,
    Fr,
}

/// The fixed words of a document.
#[derive(Debug)]
pub(crate) struct Words {
    pub invoice: &'static str,
    pub credit_note: &'static str,
    pub invoice_number: &'static str,
    pub credit_note_number: &'static str,
    pub issued: &'static str,
    pub payable_by: &'static str,
    pub period: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub tax_id: &'static str,
    pub text: &'static str,
    pub quantity: &'static str,
    pub unit: &'static str,
    pub unit_price: &'static str,
    pub amount: &'static str,
    pub settled: &'static str,
    pub lines: &'static str,
    pub sums: &'static str,
    pub nothing: &'static str,
    pub subtotal: &'static str,
    pub on: &'static str,
    pub total: &'static str,
    pub total_credited: &'static str,
    pub paid_from_credit: &'static str,
    pub credited: &'static str,
    pub paid: &'static str,
    pub disputed: &'static str,
    pub due: &'static str,
    pub due_by: &'static str,
    pub payment: &'static str,
    pub pay_online: &'static str,
    pub notes: &'static str,
    pub page: &'static str,
    pub of: &'static str,
    pub months: [&'static str; 12],
    pub stamps: [&'static str; 5],
    /// Between groups of three digits, and before the decimals.
    pub group: char,
    pub point: char,
    /// Before a percent sign.
    pub percent: &'static str,
}

static EN: Words = Words {
    invoice: "Invoice",
    credit_note: "Credit note",
    invoice_number: "Invoice number",
    credit_note_number: "Credit note number",
    issued: "Date of issue",
    payable_by: "Payable by",
    period: "Period",
    from: "From",
    to: "Bill to",
    tax_id: "Tax ID",
    text: "Description",
    quantity: "Quantity",
    unit: "Unit",
    unit_price: "Unit price",
    amount: "Amount",
    settled: "Paid from credit",
    lines: "What is billed",
    sums: "Sums",
    nothing: "Nothing was billed.",
    subtotal: "Subtotal",
    on: "on",
    total: "Total",
    total_credited: "Total credited",
    paid_from_credit: "Paid from credit",
    credited: "Credited",
    paid: "Paid",
    disputed: "Of this in dispute",
    due: "Amount due",
    due_by: "due by",
    payment: "How to pay",
    pay_online: "Pay online",
    notes: "Notes",
    page: "Page",
    of: "of",
    months: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    stamps: ["DRAFT", "PAID", "PAST DUE", "VOID", "UNCOLLECTIBLE"],
    group: ',',
    point: '.',
    percent: "",
};

static DE: Words = Words {
    invoice: "Rechnung",
    credit_note: "Gutschrift",
    invoice_number: "Rechnungsnummer",
    credit_note_number: "Gutschriftsnummer",
    issued: "Rechnungsdatum",
    payable_by: "Zahlbar bis",
    period: "Leistungszeitraum",
    from: "Von",
    to: "Rechnung an",
    tax_id: "USt-IdNr.",
    text: "Beschreibung",
    quantity: "Menge",
    unit: "Einheit",
    unit_price: "Einzelpreis",
    amount: "Betrag",
    settled: "Aus Guthaben bezahlt",
    lines: "Positionen",
    sums: "Summen",
    nothing: "Es wurde nichts berechnet.",
    subtotal: "Zwischensumme",
    on: "auf",
    total: "Gesamtbetrag",
    total_credited: "Gutgeschrieben gesamt",
    paid_from_credit: "Aus Guthaben bezahlt",
    credited: "Gutgeschrieben",
    paid: "Bezahlt",
    disputed: "Davon beanstandet",
    due: "Zu zahlen",
    due_by: "zahlbar bis",
    payment: "Zahlung",
    pay_online: "Online bezahlen",
    notes: "Hinweise",
    page: "Seite",
    of: "von",
    months: ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
    stamps: ["ENTWURF", "BEZAHLT", "ÜBERFÄLLIG", "STORNIERT", "AUSGEBUCHT"],
    group: '.',
    point: ',',
    percent: "\u{a0}",
};

static FR: Words = Words {
    invoice: "Facture",
    credit_note: "Avoir",
    invoice_number: "Numéro de facture",
    credit_note_number: "Numéro d’avoir",
    issued: "Date d’émission",
    payable_by: "Échéance",
    period: "Période",
    from: "De",
    to: "Facturé à",
    tax_id: "N° TVA",
    text: "Désignation",
    quantity: "Quantité",
    unit: "Unité",
    unit_price: "Prix unitaire",
    amount: "Montant",
    settled: "Payé par crédit",
    lines: "Détail",
    sums: "Totaux",
    nothing: "Rien n’a été facturé.",
    subtotal: "Sous-total",
    on: "sur",
    total: "Total",
    total_credited: "Total de l’avoir",
    paid_from_credit: "Payé par crédit",
    credited: "Avoirs",
    paid: "Payé",
    disputed: "Dont contesté",
    due: "Montant dû",
    due_by: "à payer avant le",
    payment: "Paiement",
    pay_online: "Payer en ligne",
    notes: "Remarques",
    page: "Page",
    of: "sur",
    months: ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
    stamps: ["BROUILLON", "PAYÉE", "EN RETARD", "ANNULÉE", "IRRÉCOUVRABLE"],
    group: '\u{202f}',
    point: ',',
    percent: "\u{a0}",
};

impl Locale {
    /// As the PDF names it (RFC 3066).
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
        }
    }

    /// The locale of a language tag such as `de-AT`; English for one that is not known.
    pub fn of_tag(tag: &str) -> Self {
        match tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "de" => Self::De,
            "fr" => Self::Fr,
            _ => Self::En,
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::En => &EN,
            Self::De => &DE,
            Self::Fr => &FR,
        }
    }

    /// A month in words, such as `October 2026`; `month` is 1 to 12.
    pub fn month(self, year: i16, month: i8) -> String {
        let name = usize::try_from(month).ok().and_then(|month| self.words().months.get(month.saturating_sub(1))).copied();
        format!("{}\u{a0}{year}", name.unwrap_or_default())
    }

    /// A day in words. The month is never a number, so that nobody takes it for the day.
    pub(crate) fn date(self, date: Date) -> String {
        let month = usize::try_from(date.month()).ok().and_then(|month| self.words().months.get(month.saturating_sub(1))).copied();
        let (day, month, year) = (date.day(), month.unwrap_or_default(), date.year());
        match self {
            Self::En => format!("{day}\u{a0}{month}\u{a0}{year}"),
            Self::De => format!("{day}.\u{a0}{month}\u{a0}{year}"),
            Self::Fr if day == 1 => format!("1er\u{a0}{month}\u{a0}{year}"),
            Self::Fr => format!("{day}\u{a0}{month}\u{a0}{year}"),
        }
    }

    pub(crate) fn period(self, period: Period) -> String {
        if period.first == period.last {
            return self.date(period.first);
        }
        format!("{} – {}", self.date(period.first), self.date(period.last))
    }
}

impl Words {
    pub fn title(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Invoice => self.invoice,
            Kind::CreditNote => self.credit_note,
        }
    }

    pub fn number(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Invoice => self.invoice_number,
            Kind::CreditNote => self.credit_note_number,
        }
    }

    pub fn stamp(&self, stamp: Stamp) -> &'static str {
        let [draft, paid, past_due, void, uncollectible] = self.stamps;
        match stamp {
            Stamp::Draft => draft,
            Stamp::Paid => paid,
            Stamp::PastDue => past_due,
            Stamp::Void => void,
            Stamp::Uncollectible => uncollectible,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_written_as_the_language_does() {
        let day = date(2026, 3, 1);
        assert_eq!(Locale::En.date(day), "1\u{a0}March\u{a0}2026");
        assert_eq!(Locale::De.date(day), "1.\u{a0}März\u{a0}2026");
        assert_eq!(Locale::Fr.date(day), "1er\u{a0}mars\u{a0}2026");
        assert_eq!(Locale::Fr.date(date(2026, 12, 31)), "31\u{a0}décembre\u{a0}2026");
        assert_eq!(Locale::De.month(2026, 3), "März\u{a0}2026");
        assert_eq!(Locale::En.period(Period { first: day, last: day }), Locale::En.date(day));
    }

    #[test]
    fn a_language_that_is_not_known_is_english() {
        assert_eq!(Locale::of_tag("de-AT"), Locale::De);
        assert_eq!(Locale::of_tag("FR_ca"), Locale::Fr);
        assert_eq!(Locale::of_tag("ja"), Locale::En);
        assert_eq!(Locale::of_tag(""), Locale::En);
    }
}
