//! Who is in the demo, and what moved between them.

/// An account of the demo.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// Its name within the demo; also its `external_id`.
    pub handle: &'static str,
    /// The parent's handle; empty for the operator.
    pub parent: &'static str,
    /// Its name.
    pub name: &'static str,
    /// `reseller` or `customer`.
    pub kind: &'static str,
    /// The currency, where it is not the parent's.
    pub currency: Option<&'static str>,
    /// A tag: the region.
    pub region: &'static str,
}

/// Credit that moves.
#[derive(Debug, Clone, Copy)]
pub struct Movement {
    /// The payer's handle.
    pub from: &'static str,
    /// The receiver's handle.
    pub to: &'static str,
    /// How much.
    pub amount: &'static str,
    /// The note.
    pub reference: &'static str,
}

const fn reseller(handle: &'static str, parent: &'static str, name: &'static str, region: &'static str) -> Account {
    Account { handle, parent, name, kind: "reseller", currency: None, region }
}

const fn customer(handle: &'static str, parent: &'static str, name: &'static str, region: &'static str) -> Account {
    Account { handle, parent, name, kind: "customer", currency: None, region }
}

const fn moves(from: &'static str, to: &'static str, amount: &'static str, reference: &'static str) -> Movement {
    Movement { from, to, amount, reference }
}

/// The accounts, parents first: two master resellers, and below the first one a chain five deep.
pub const ACCOUNTS: &[Account] = &[
    Account { currency: Some("USD"), ..reseller("northwind", "", "Northwind Telecom", "us") },
    reseller("harbor", "northwind", "Harbor Messaging", "us-east"),
    reseller("lighthouse", "harbor", "Lighthouse Software", "us-east"),
    reseller("quayside", "lighthouse", "Quayside Apps", "us-east"),
    customer("tidal", "quayside", "Tidal Analytics", "us-east"),
    customer("oldmill", "harbor", "Old Mill Catering", "us-east"),
    customer("brightside", "northwind", "Brightside Clinics", "us-west"),
    customer("cedar", "northwind", "Cedar & Pine Retail", "us-west"),
    customer("fernway", "northwind", "Fernway Fitness", "us-west"),
    customer("dockside", "northwind", "Dockside Rentals", "us-west"),
    customer("birchwood", "northwind", "Birchwood Books", "us-west"),
    Account { currency: Some("EUR"), ..reseller("alpenblick", "", "Alpenblick Kommunikation", "eu") },
    reseller("donau", "alpenblick", "Donau Logistik", "eu-at"),
    customer("linz", "donau", "Linzer Fahrdienst", "eu-at"),
    customer("seeblick", "alpenblick", "Hotel Seeblick", "eu-de"),
];

/// Credit that the operator issues; `from` is empty.
pub const ISSUES: &[Movement] =
    &[moves("", "northwind", "250000", "Wholesale contract 2026-114"), moves("", "alpenblick", "120000", "Rahmenvertrag 2026-07")];

/// Credit that goes down the tree.
pub const ALLOCATIONS: &[Movement] = &[
    moves("northwind", "harbor", "80000", "Q4 allotment"),
    moves("harbor", "lighthouse", "30000", "Q4 allotment"),
    moves("lighthouse", "quayside", "12000.50", "Launch budget"),
    moves("quayside", "tidal", "2500.25", "First purchase"),
    moves("northwind", "brightside", "6400", "Appointment reminders"),
    moves("northwind", "cedar", "3150.75", "Holiday campaign"),
    moves("harbor", "oldmill", "900", "Starter package"),
    moves("alpenblick", "donau", "40000", "Kontingent Q4"),
    moves("donau", "linz", "5200.40", "Fahrtbenachrichtigungen"),
    moves("alpenblick", "seeblick", "1800", "Gästeservice"),
];

/// Credit that goes between accounts of one subtree.
pub const TRANSFERS: &[Movement] =
    &[moves("cedar", "brightside", "250", "Correction of invoice 1043"), moves("linz", "seeblick", "120.15", "Umbuchung")];

/// The accounts that pay for usage when it is billed: one from credit, one with a card, and two that owe.
pub const POSTPAID: &[&str] = &["seeblick", "fernway", "dockside", "birchwood"];
/// The account whose credit is held.
pub const HELD: &str = "tidal";
/// The account that is suspended.
pub const SUSPENDED: &str = "oldmill";
/// The account that has a member and a viewer's key.
pub const STAFFED: &str = "northwind";
