//! Brands: under whose name and colour an account is written to. Each token is inherited on its own from the nearest account above that
//! has it, never from the platform to somebody who buys from a reseller.

use serde::{Deserialize, Serialize};

use crate::account::{Account, Kind};
use crate::text::{Email, Name, TextError, clean};

/// What a reseller shows instead of the platform; each token that is absent is inherited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Brand {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The colour of what is highlighted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// From whom its mails are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<Name>,
    /// Where answers to its mails go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Email>,
    /// Where its customers find help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_url: Option<SupportUrl>,
}

/// A colour: `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Color(String);

/// The address of a page for people: `https://…`, at most 500 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SupportUrl(String);

impl Color {
    /// Reads a colour; it is kept in lower case.
    ///
    /// # Errors
    /// [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        digits
            .map(|digits| Self(format!("#{}", digits.to_ascii_lowercase())))
            .ok_or(TextError::Shape("must be a colour such as \"#1a2b3c\""))
    }

    /// `#rrggbb`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Black or white, whichever is read better on it.
    ///
    /// Source: WCAG 2.2, "relative luminance", with its curve taken as a square, in integers.
    pub fn text_on_it(&self) -> &'static str {
        let part = |at: usize| self.0.get(at..at + 2).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
        let luminance = 2126 * part(1).pow(2) + 7152 * part(3).pow(2) + 722 * part(5).pow(2);
        // 0.179 of the whole is where black and white contrast alike.
        if luminance * 1000 > 179 * 10_000 * 255 * 255 { "#000000" } else { "#ffffff" }
    }
}

impl SupportUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const SHAPE: TextError = TextError::Shape("must be an address such as \"https://help.example.com\"");
        let cleaned = clean(text, 500)?;
        let url = url::Url::parse(&cleaned).map_err(|_| SHAPE)?;
        let good = url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none();
        if good { Ok(Self(url.to_string())) } else { Err(SHAPE) }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for SupportUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The brand under which an account is written to, nothing absent but what nobody set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrandInForce {
    /// What it is called.
    pub name: String,
    /// The colour, if one was set.
    pub color: Option<Color>,
    /// From whom mails are.
    pub sender_name: String,
    /// Where answers go.
    pub reply_to: Option<Email>,
    /// Where help is.
    pub support_url: Option<SupportUrl>,
}

/// The account under whose brand an account is written to, given the accounts from the root down to it, itself last: the nearest reseller above
/// it, or the operator if there is none. What somebody does not want to hear from one reseller, they may from another.
pub fn sender_of(path: &[Account]) -> Option<&Account> {
    let (own, above) = path.split_last()?;
    above.iter().rev().find(|account| account.kind == Kind::Reseller).or(path.first()).or(Some(own))
}

/// The brand of an account, given the accounts from the root down to it, itself last; `None` for an empty list.
///
/// A token is the nearest one: the account's own, else its parent's, and so on up. Below a reseller the operator's tokens are left out. Where
/// nobody set a name, it is that of the nearest reseller above, or of the operator if there is none.
pub fn brand_of(path: &[Account]) -> Option<BrandInForce> {
    let server = sender_of(path)?;
    let (_, above) = path.split_last()?;
    let below_a_reseller = above.iter().any(|account| account.kind == Kind::Reseller);
    let counts = |account: &&Account| !(below_a_reseller && account.kind == Kind::Operator);
    let nearest = || path.iter().rev().filter(counts).filter_map(|account| account.settings.brand.as_ref());
    let name = nearest().find_map(|brand| brand.name.as_ref()).unwrap_or(&server.name).as_str().to_owned();
    Some(BrandInForce {
        sender_name: nearest()
            .find_map(|brand| brand.sender_name.as_ref())
            .map_or_else(|| name.clone(), |sender| sender.as_str().to_owned()),
        name,
        color: nearest().find_map(|brand| brand.color.clone()),
        reply_to: nearest().find_map(|brand| brand.reply_to.clone()),
        support_url: nearest().find_map(|brand| brand.support_url.clone()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::account::{Funding, Settings, Status};
    use crate::id::AccountId;
    use crate::lineage::Lineage;
    use crate::money::Micros;

    fn account(n: u128, kind: Kind, name: &str, brand: Option<Brand>) -> Account {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Account {
            id: AccountId::from_uuid(uuid::Uuid::from_u128(n)),
            lineage: Lineage::root(),
            generation: 0,
            kind,
            name: Name::parse(name).expect("a name"),
            external_id: None,
            email: None,
            status: Status::Active,
            currency: "USD".parse().expect("a currency"),
            tier: "none".into(),
            credit_limit: Micros::new(0),
            funding: Funding::Prepaid,
            tags: BTreeMap::new(),
            settings: Settings { brand, ..Settings::default() },
            open_children: 0,
            version: 1,
            created_at: at,
            updated_at: at,
            frozen_at: None,
            accepted: None,
        }
    }

    fn brand(name: Option<&str>, color: Option<&str>) -> Option<Brand> {
        Some(Brand {
            name: name.map(|name| Name::parse(name).expect("a name")),
            color: color.map(|color| Color::parse(color).expect("a colour")),
            ..Brand::default()
        })
    }

    #[test]
    fn each_token_is_the_nearest_and_never_the_platforms_below_a_reseller() {
        let op = account(1, Kind::Operator, "Platform", brand(Some("The Platform"), Some("#000001")));
        let master = account(2, Kind::Reseller, "Master", brand(None, Some("#00ff00")));
        let reseller = account(3, Kind::Reseller, "Corner Shop", brand(Some("Corner"), None));
        let plain = account(4, Kind::Reseller, "Plain Ltd", None);
        let customer = account(5, Kind::Customer, "Ada", None);
        let named = |path: &[&Account]| {
            let path: Vec<Account> = path.iter().map(|account| (*account).clone()).collect();
            let brand = brand_of(&path).expect("a path");
            (brand.name, brand.color.map(|color| color.as_str().to_owned()))
        };
        let green = Some("#00ff00".to_owned());
        assert_eq!(named(&[&op, &master, &reseller, &customer]), ("Corner".into(), green.clone()));
        assert_eq!(named(&[&op, &master, &plain, &customer]), ("Plain Ltd".into(), green));
        assert_eq!(named(&[&op, &plain, &customer]), ("Plain Ltd".into(), None));
        assert_eq!(named(&[&op, &plain]), ("The Platform".into(), Some("#000001".into())));
        assert_eq!(named(&[&op, &customer]), ("The Platform".into(), Some("#000001".into())));
        assert_eq!(brand_of(&[]), None);
    }

    #[test]
    fn a_colour_is_six_digits_and_knows_what_is_read_on_it() {
        for (color, text) in
            [("#000000", "#ffffff"), ("#FFFFFF", "#000000"), ("#ffff00", "#000000"), ("#0000ff", "#ffffff"), ("#1a2b3c", "#ffffff")]
        {
            assert_eq!(Color::parse(color).map(|color| color.text_on_it()), Ok(text), "{color}");
        }
        for bad in ["", "red", "#fff", "#12345", "#1234567", "#12345g", "#12;45:", "123456#", "#１２３４５６"] {
            assert!(Color::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn help_is_found_on_an_encrypted_page() {
        assert!(SupportUrl::parse("https://help.example.com/a").is_ok());
        for bad in ["http://example.com", "javascript:alert(1)", "https://", "https://u:p@example.com", "data:text/html,x", "x"] {
            assert!(SupportUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
