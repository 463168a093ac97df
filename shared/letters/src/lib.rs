//! Letters to people, as a page and as plain text, in a brand: what mails say, and what a preview of a brand shows of them. Pure.

use askama::Template;
use tributary_domain::brand::BrandInForce;

/// The colour where a brand has none.
const PLAIN: &str = "#334155";
/// The height of a logo in a mail, in pixels.
const LOGO_HEIGHT: u32 = 32;

/// A mail's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it is about: one line.
    pub subject: String,
    /// What it says.
    pub paragraphs: Vec<String>,
    /// Facts, by their names.
    pub facts: Vec<(&'static str, String)>,
    /// What is to be opened, if anything is: what it is called, and its address.
    pub link: Option<(&'static str, String)>,
    /// Whether who gets it may say that they want no more of them. What the account must know is no such mail.
    pub optional: bool,
}

/// A letter as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// As a page.
    pub html: String,
    /// As plain text.
    pub text: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Page<'a> {
    letter: &'a Letter,
    brand: &'a BrandInForce,
    color: &'a str,
    on_color: &'a str,
    logo: Option<Picture>,
    unsubscribe: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a> {
    letter: &'a Letter,
    brand: &'a BrandInForce,
    unsubscribe: Option<&'a str>,
}

/// A logo where it is fetched, and how large it is shown.
struct Picture {
    url: String,
    width: u32,
    height: u32,
}

impl Letter {
    /// The letter in a brand. `base` is where the platform is reached, without a slash at the end; `unsubscribe`, where who gets it says that they
    /// want no more. The same letter is the same text each time.
    ///
    /// # Errors
    /// None for our templates.
    pub fn written(&self, brand: &BrandInForce, base: &str, unsubscribe: Option<&str>) -> Result<Written, String> {
        let logo = brand.logo.as_ref().map(|logo| {
            let height = logo.height.min(LOGO_HEIGHT);
            Picture { url: logo.url(base), width: (logo.width * height / logo.height.max(1)).max(1), height }
        });
        let color = brand.color.as_ref().map_or(PLAIN, |color| color.as_str());
        let page = Page { letter: self, brand, color, on_color: brand.text_on_color(), logo, unsubscribe };
        Ok(Written {
            html: page.render().map_err(|error| error.to_string())?,
            text: Text { letter: self, brand, unsubscribe }.render().map_err(|error| error.to_string())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use tributary_domain::brand::{Logo, LogoDigest, PageUrl};

    use super::*;

    #[test]
    fn nothing_of_a_brand_or_a_letter_becomes_markup() {
        let page = |url: &str| PageUrl::parse(url).ok();
        let brand = BrandInForce {
            name: "<script>alert(1)</script>".into(),
            color: None,
            accent_color: None,
            sender_name: "x".into(),
            reply_to: None,
            support_url: page("https://a.example/?q=\"><script>"),
            terms_url: page("https://a.example/terms"),
            privacy_url: page("https://a.example/privacy"),
            logo: Some(Logo { digest: LogoDigest::of(&[1; 32]), width: 512, height: 256 }),
        };
        let letter = Letter {
            subject: "<b>".into(),
            paragraphs: vec!["\"><img src=x onerror=alert(1)>".into()],
            facts: vec![("<i>", "<u>".into())],
            link: None,
            optional: true,
        };
        let written = letter.written(&brand, "https://api.example", Some("https://api.example/unsubscribe/x")).expect("written");
        for bad in ["<script>", "<img src=x", "<b>", "<i>", "<u>"] {
            assert!(!written.html.contains(bad), "{bad} in {}", written.html);
        }
        let digest = LogoDigest::of(&[1; 32]);
        let picture = format!("<img src=\"https://api.example/portal/logo/{}\" width=\"64\" height=\"32\"", digest.as_str());
        assert!(written.html.contains(&picture), "{}", written.html);
        for link in ["https://a.example/terms", "https://a.example/privacy"] {
            assert!(written.html.contains(link) && written.text.contains(link), "{link}");
        }
    }
}
