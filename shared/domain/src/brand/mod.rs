//! Brands: under whose name and colour an account is written to. Each token is inherited on its own from the nearest account above that
//! has it, or from the one that locked it; never from the platform to somebody who buys from a reseller.

mod color;
mod portal;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::account::{Account, Kind};
use crate::text::{Email, Name, TextError, clean};

pub use color::{BLACK, Color, DARK, Ratio, WHITE};
pub use portal::{Claim, HostName, HostStatus, Logo, LogoDigest, Portal, Slug, may_be_claimed};

/// What a reseller shows instead of the platform; each token that is absent is inherited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Brand {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The colour of what is highlighted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// The colour of what can be pressed, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent_color: Option<Color>,
    /// From whom its mails are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<Name>,
    /// Where answers to its mails go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Email>,
    /// Where its customers find help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_url: Option<PageUrl>,
    /// Where its terms are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_url: Option<PageUrl>,
    /// Where it says what it does with what it knows of its customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_url: Option<PageUrl>,
    /// What nobody below may set otherwise.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub locked: BTreeSet<Token>,
}

/// One part of a brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Token {
    /// What it is called.
    Name,
    /// Its colour.
    Color,
    /// Its second colour.
    AccentColor,
    /// From whom its mails are.
    SenderName,
    /// Where answers go.
    ReplyTo,
    /// Where help is.
    SupportUrl,
    /// Where its terms are.
    TermsUrl,
    /// Where its privacy statement is.
    PrivacyUrl,
    /// Its picture, which is beside the other tokens: [`Portal::logo`].
    Logo,
}

impl Token {
    /// Every token.
    pub const ALL: [Token; 9] = [
        Token::Name,
        Token::Color,
        Token::AccentColor,
        Token::SenderName,
        Token::ReplyTo,
        Token::SupportUrl,
        Token::TermsUrl,
        Token::PrivacyUrl,
        Token::Logo,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Token::Name => "name",
            Token::Color => "color",
            Token::AccentColor => "accent_color",
            Token::SenderName => "sender_name",
            Token::ReplyTo => "reply_to",
            Token::SupportUrl => "support_url",
            Token::TermsUrl => "terms_url",
            Token::PrivacyUrl => "privacy_url",
            Token::Logo => "logo",
        }
    }
}

impl Brand {
    /// What it says of a token as text, if it says anything; of the logo nothing, which is kept elsewhere.
    fn text(&self, token: Token) -> Option<&str> {
        match token {
            Token::Name => self.name.as_ref().map(Name::as_str),
            Token::Color => self.color.as_ref().map(Color::as_str),
            Token::AccentColor => self.accent_color.as_ref().map(Color::as_str),
            Token::SenderName => self.sender_name.as_ref().map(Name::as_str),
            Token::ReplyTo => self.reply_to.as_ref().map(Email::as_str),
            Token::SupportUrl => self.support_url.as_ref().map(PageUrl::as_str),
            Token::TermsUrl => self.terms_url.as_ref().map(PageUrl::as_str),
            Token::PrivacyUrl => self.privacy_url.as_ref().map(PageUrl::as_str),
            Token::Logo => None,
        }
    }

    /// The tokens that this brand sets to something else than `old` did. What stays as it is, or is taken away, is no such change.
    pub fn set_since(&self, old: &Brand) -> BTreeSet<Token> {
        let sets = |token: &Token| self.text(*token).is_some() && self.text(*token) != old.text(*token);
        Token::ALL.into_iter().filter(sets).collect()
    }

    /// The same without these tokens.
    #[must_use]
    pub fn without(mut self, tokens: &BTreeSet<Token>) -> Self {
        for token in tokens {
            match token {
                Token::Name => self.name = None,
                Token::Color => self.color = None,
                Token::AccentColor => self.accent_color = None,
                Token::SenderName => self.sender_name = None,
                Token::ReplyTo => self.reply_to = None,
                Token::SupportUrl => self.support_url = None,
                Token::TermsUrl => self.terms_url = None,
                Token::PrivacyUrl => self.privacy_url = None,
                Token::Logo => {}
            }
        }
        self
    }
}

/// The address of a page for people: `https://…`, at most 500 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PageUrl(String);

impl PageUrl {
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

impl<'de> Deserialize<'de> for PageUrl {
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
    /// The second colour, if one was set.
    pub accent_color: Option<Color>,
    /// From whom mails are.
    pub sender_name: String,
    /// Where answers go.
    pub reply_to: Option<Email>,
    /// Where help is.
    pub support_url: Option<PageUrl>,
    /// Where terms are.
    pub terms_url: Option<PageUrl>,
    /// Where the privacy statement is.
    pub privacy_url: Option<PageUrl>,
    /// The picture.
    pub logo: Option<Logo>,
}

impl BrandInForce {
    /// What is read on its colour: black or white; white where it has none, and a dark one is taken.
    pub fn text_on_color(&self) -> &'static str {
        self.color.as_ref().map_or(WHITE, Color::text_on_it)
    }
}

/// The account under whose brand an account is written to, given the accounts from the root down to it, itself last: the nearest reseller above
/// it, or the operator if there is none. What somebody does not want to hear from one reseller, they may from another.
pub fn sender_of(path: &[Account]) -> Option<&Account> {
    let (own, above) = path.split_last()?;
    above.iter().rev().find(|account| account.kind == Kind::Reseller).or(path.first()).or(Some(own))
}

/// The brand of an account, given the accounts from the root down to it, itself last; `None` for an empty list.
///
/// A token is the nearest one: the account's own, else its parent's, and so on up; one that an account above locked is what it was there.
/// Below a reseller the operator's tokens are left out, also where it locked them: then nobody has them. Where nobody set a name, it is that of
/// the nearest reseller above, or of the operator if there is none.
pub fn brand_of(path: &[Account]) -> Option<BrandInForce> {
    let server = sender_of(path)?;
    let (_, above) = path.split_last()?;
    let below_a_reseller = above.iter().any(|account| account.kind == Kind::Reseller);
    Some(in_force(path, server, below_a_reseller))
}

/// The brand under which an account writes to those that buy from it: of a customer, to whom nobody does, the one under which it is written to
/// itself. `None` for an empty list.
pub fn brand_shown_by(path: &[Account]) -> Option<BrandInForce> {
    let own = path.last()?;
    match own.kind {
        Kind::Customer => brand_of(path),
        Kind::Operator | Kind::Reseller => Some(in_force(path, own, path.iter().any(|account| account.kind == Kind::Reseller))),
    }
}

/// What these accounts locked for those below them. The operator's locks hold for everybody.
pub fn locked_by(accounts: &[Account]) -> BTreeSet<Token> {
    accounts.iter().flat_map(|account| account.settings.brand.iter().flat_map(|brand| brand.locked.iter().copied())).collect()
}

fn in_force(path: &[Account], server: &Account, below_a_reseller: bool) -> BrandInForce {
    let counts = |account: &Account| !(below_a_reseller && account.kind == Kind::Operator);
    let last = path.last().map(|account| &account.id);
    // Who gives a token: the nearest that has it, and not below who locked it; and who did.
    let given = |token: Token| {
        let (mut giver, mut locker) = (None, None);
        for account in path {
            let brand = account.settings.brand.as_ref();
            let has = brand.is_some_and(|brand| brand.text(token).is_some()) || token == Token::Logo && account.portal.logo.is_some();
            if locker.is_none() && counts(account) && has {
                giver = Some(account);
            }
            if brand.is_some_and(|brand| brand.locked.contains(&token)) && Some(&account.id) != last {
                locker = locker.or(Some(account));
            }
        }
        (giver, locker)
    };
    let brand = |token: Token| given(token).0.and_then(|account| account.settings.brand.as_ref());
    let name = match (brand(Token::Name).and_then(|brand| brand.name.as_ref()), given(Token::Name).1) {
        (Some(name), _) => name.as_str(),
        // A name that was locked before anybody set one is that of who locked it.
        (None, Some(locker)) if counts(locker) => locker.name.as_str(),
        (None, _) => server.name.as_str(),
    };
    BrandInForce {
        name: name.to_owned(),
        sender_name: brand(Token::SenderName).and_then(|brand| brand.text(Token::SenderName)).unwrap_or(name).to_owned(),
        color: brand(Token::Color).and_then(|brand| brand.color.clone()),
        accent_color: brand(Token::AccentColor).and_then(|brand| brand.accent_color.clone()),
        reply_to: brand(Token::ReplyTo).and_then(|brand| brand.reply_to.clone()),
        support_url: brand(Token::SupportUrl).and_then(|brand| brand.support_url.clone()),
        terms_url: brand(Token::TermsUrl).and_then(|brand| brand.terms_url.clone()),
        privacy_url: brand(Token::PrivacyUrl).and_then(|brand| brand.privacy_url.clone()),
        logo: given(Token::Logo).0.and_then(|account| account.portal.logo.clone()),
    }
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
            tier_version: 0,
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
            portal: Portal::default(),
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
    fn help_is_found_on_an_encrypted_page() {
        assert!(PageUrl::parse("https://help.example.com/a").is_ok());
        for bad in ["http://example.com", "javascript:alert(1)", "https://", "https://u:p@example.com", "data:text/html,x", "x"] {
            assert!(PageUrl::parse(bad).is_err(), "{bad}");
        }
    }

    fn locking(mut brand: Option<Brand>, locked: &[Token]) -> Option<Brand> {
        if let Some(brand) = &mut brand {
            brand.locked = locked.iter().copied().collect();
        }
        brand
    }

    fn path(accounts: &[&Account]) -> Vec<Account> {
        accounts.iter().map(|account| (*account).clone()).collect()
    }

    #[test]
    fn a_locked_token_is_what_it_was_where_it_was_locked_whatever_is_set_below() {
        let op = account(1, Kind::Operator, "Platform", None);
        let master = account(2, Kind::Reseller, "Master", locking(brand(None, Some("#00ff00")), &[Token::Color, Token::Logo]));
        let mut shop = account(3, Kind::Reseller, "Shop", locking(brand(Some("Shop!"), Some("#ff0000")), &[Token::Color]));
        shop.portal.logo = Some(Logo { digest: LogoDigest::of(&[7; 32]), width: 1, height: 1 });
        let customer = account(4, Kind::Customer, "Ada", brand(Some("Me"), Some("#0000ff")));
        let all = path(&[&op, &master, &shop, &customer]);
        let brand = brand_of(&all).expect("a path");
        assert_eq!((brand.color.as_ref().map(Color::as_str), brand.name.as_str(), brand.logo), (Some("#00ff00"), "Me", None));
        assert_eq!(locked_by(&all), [Token::Color, Token::Logo].into());
        assert_eq!(locked_by(&all[..1]), [].into());
        assert_eq!(brand_shown_by(&all[..3]).and_then(|brand| brand.color), Color::parse("#00ff00").ok());
        assert_eq!(brand_shown_by(&all[..2]).map(|brand| brand.name), Some("Master".to_owned()));
    }

    #[test]
    fn a_name_that_is_locked_unset_is_of_who_locked_it() {
        let op = account(1, Kind::Operator, "Platform", None);
        let master = account(2, Kind::Reseller, "Master", locking(brand(None, None), &[Token::Name, Token::SenderName]));
        let shop = account(3, Kind::Reseller, "Shop", brand(Some("Shop!"), None));
        let customer = account(4, Kind::Customer, "Ada", None);
        let brand = brand_of(&path(&[&op, &master, &shop, &customer])).expect("a path");
        assert_eq!((brand.name.as_str(), brand.sender_name.as_str()), ("Master", "Master"));
    }

    #[test]
    fn the_operators_locks_bind_everybody_and_show_nothing_of_it_below_a_reseller() {
        let mut op = account(
            1,
            Kind::Operator,
            "Platform",
            locking(brand(Some("The Platform"), Some("#000001")), &[Token::Name, Token::Color, Token::Logo]),
        );
        op.portal.logo = Some(Logo { digest: LogoDigest::of(&[9; 32]), width: 1, height: 1 });
        let master = account(2, Kind::Reseller, "Master", brand(Some("Mine"), Some("#00ff00")));
        let customer = account(3, Kind::Customer, "Ada", None);
        let below = brand_of(&path(&[&op, &master, &customer])).expect("a path");
        assert_eq!((below.name.as_str(), below.color, below.logo), ("Master", None, None));
        let shown = brand_shown_by(&path(&[&op, &master])).expect("a path");
        assert_eq!((shown.name.as_str(), shown.color, shown.logo), ("Master", None, None));
        let direct = brand_of(&path(&[&op, &master])).expect("a path");
        assert_eq!((direct.name.as_str(), direct.logo.is_some()), ("The Platform", true), "who buys from the operator sees it");
    }

    #[test]
    fn taking_a_token_away_or_leaving_it_is_not_setting_it() {
        let old = brand(Some("Old"), Some("#000000")).expect("a brand");
        let new = brand(Some("Old"), Some("#ffffff")).expect("a brand");
        assert_eq!(new.set_since(&old), [Token::Color].into());
        assert_eq!(Brand::default().set_since(&old), [].into());
        assert_eq!(new.clone().without(&[Token::Color].into()), brand(Some("Old"), None).expect("a brand"));
        for token in Token::ALL {
            assert_eq!(serde_json::to_value(token).ok(), Some(token.word().into()));
        }
    }
}
