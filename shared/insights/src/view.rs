//! A roster as it is read: one row for each account of a subtree, column by column, so that a hundred thousand rows are read
//! with hardly more than a copy. Rows that were packed stand in the order of their ids; what was told since is put in behind.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use tributary_domain::account::{Funding, Kind, Status};
use tributary_domain::id::{AccountId, InvoiceId};
use tributary_domain::money::Currency;
use tributary_domain::pricing::month::Month;
use tributary_domain::text::fold;

use crate::change::{Bill, Place, Profile, RowChange, SlotKey, Told, Used};
use crate::figures::{DAY_MS, Figures, day_number, month_number};
use crate::pack::{Packer, Unpacker, Unreadable, unpacked};
use crate::texts::Texts;

const MARK: &[u8; 4] = b"RV02";
/// For how long an account that was moved away, and a bill that is settled, are remembered: longer than changes can be told late.
const REMEMBERED_MS: i64 = 3 * DAY_MS;
/// How many days usage decays over.
pub const DECAY_DAYS: i32 = 14;
/// From which fall on an account is at risk, in percent of the days before.
pub const AT_RISK_PERCENT: i128 = 50;
/// What stands between a tag's name and its value, and after it: no text of ours has control characters.
const IN_TAG: char = '\u{1f}';
const AFTER_TAG: char = '\n';
/// No row.
const NONE: u32 = u32::MAX;

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// The columns of numbers.
        #[derive(Debug, Clone, Default)]
        struct Columns { $($(#[$doc])* $name: Vec<i64>),+ }

        impl Columns {
            fn push_row(&mut self) {
                $(self.$name.push(0);)+
            }

            fn pack(&self, order: &[usize], packer: &mut Packer) {
                $(packer.column(&order.iter().map(|row| self.$name[*row]).collect::<Vec<_>>());)+
            }

            fn unpack(unpacker: &mut Unpacker<'_>, rows: usize) -> Result<Self, Unreadable> {
                let columns = Self { $($name: unpacker.column()?),+ };
                let whole = [$(columns.$name.len()),+].iter().all(|length| *length == rows);
                if whole { Ok(columns) } else { Err(Unreadable("a column has other rows than the rest")) }
            }
        }
    };
}

columns! {
    /// Version of the account's item; 0 while it was never told.
    profile_version,
    /// Which tier it is, counted from 1; 0 while it was never told.
    tier_version,
    /// Number of the entry that says where it stands; 0 while that was never told.
    place_seq,
    /// Number of the entry of its newest usage; 0 without.
    used_seq,
    /// When that was, milliseconds.
    used_ms,
    /// Kind, status, funding and whether it is inside, a byte each, and three letters of the currency.
    state,
    available,
    held,
    placed_ms,
    created_ms,
    /// Since when it is not inside any more.
    gone_ms,
    this_seq,
    this_revenue,
    this_cost,
    last_seq,
    last_revenue,
    last_cost,
    /// Revenue of the last days, and of as many before.
    recent,
    before,
}

/// Bits of the column `state`.
mod bits {
    pub const KIND: u32 = 0;
    pub const STATUS: u32 = 8;
    pub const FUNDING: u32 = 16;
    pub const INSIDE: u32 = 20;
    pub const CURRENCY: u32 = 24;
}

/// A roster.
#[derive(Debug, Clone)]
pub struct View {
    /// Whose it is: all amounts are what this account is paid and pays.
    pub owner: AccountId,
    /// The month that `this` is about.
    month: i32,
    /// The day up to before which decay is known.
    day: i32,
    ids: Vec<u128>,
    parents: Vec<u128>,
    columns: Columns,
    names: Texts,
    external_ids: Texts,
    emails: Texts,
    tiers: Texts,
    tags: Texts,
    /// What is searched, folded: the name, the external id and the address, a line each.
    searched: Texts,
    bills: Vec<(u128, Bill)>,
    /// Where each invoice stands in `bills`, by its id.
    billed: HashMap<u128, usize>,
    /// Rows behind those that were packed, by id.
    added: HashMap<u128, usize>,
    sorted: usize,
    tree: Tree,
}

/// What follows from the rows' parents and states.
#[derive(Debug, Clone, Default)]
struct Tree {
    parent: Vec<u32>,
    /// Levels below the owner; -1 of what is not below it.
    depth: Vec<i8>,
    /// The state in force; meaningless of what is not below the owner.
    stopped: Vec<bool>,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    view: &'a View,
    /// Its number, which holds for this view alone.
    pub at: usize,
}

impl View {
    /// A roster without rows.
    pub fn empty(owner: &AccountId, now: Timestamp) -> Self {
        Self {
            owner: owner.clone(),
            month: month_number(Month::of(now)),
            day: day_number(now),
            ids: Vec::new(),
            parents: Vec::new(),
            columns: Columns::default(),
            names: Texts::default(),
            external_ids: Texts::default(),
            emails: Texts::default(),
            tiers: Texts::default(),
            tags: Texts::default(),
            searched: Texts::default(),
            bills: Vec::new(),
            billed: HashMap::new(),
            added: HashMap::new(),
            sorted: 0,
            tree: Tree::default(),
        }
    }

    /// Its bytes. What was moved away, or settled, long ago is left out.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn pack(&self, now: Timestamp) -> std::io::Result<Vec<u8>> {
        let forgotten = now.as_millisecond() - REMEMBERED_MS;
        let mut order: Vec<usize> =
            (0..self.ids.len()).filter(|row| self.is_inside(*row) || self.columns.gone_ms[*row] > forgotten).collect();
        order.sort_unstable_by_key(|row| self.ids[*row]);
        let mut packer = Packer::new(MARK);
        packer.id(self.owner.as_u128());
        packer.number(self.month.into());
        packer.number(self.day.into());
        packer.ids(&order.iter().map(|row| self.ids[*row]).collect::<Vec<_>>());
        packer.ids(&order.iter().map(|row| self.parents[*row]).collect::<Vec<_>>());
        self.columns.pack(&order, &mut packer);
        for texts in [&self.names, &self.external_ids, &self.emails, &self.tiers, &self.tags, &self.searched] {
            texts.pack(&order, &mut packer);
        }
        let bills: Vec<&(u128, Bill)> = self.bills.iter().filter(|(_, bill)| bill.open || bill.told_ms > forgotten).collect();
        packer.length(bills.len());
        for (buyer, bill) in bills {
            packer.id(*buyer);
            packer.id(bill.id.as_u128());
            [bill.version, bill.due, bill.due_ms, i64::from(bill.open), bill.told_ms].into_iter().for_each(|number| packer.number(number));
        }
        packer.packed()
    }

    /// Reads what [`View::pack`] made.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn unpack(bytes: &[u8]) -> Result<Self, Unreadable> {
        let bytes = unpacked(bytes)?;
        let mut unpacker = Unpacker::new(&bytes, MARK)?;
        let owner = AccountId::from_number(unpacker.id()?);
        let small = |number: i64| i32::try_from(number).map_err(|_| Unreadable("a time is none"));
        let (month, day) = (small(unpacker.number()?)?, small(unpacker.number()?)?);
        let (ids, parents) = (unpacker.ids()?, unpacker.ids()?);
        if parents.len() != ids.len() || !ids.is_sorted() {
            return Err(Unreadable("its rows are out of order"));
        }
        let columns = Columns::unpack(&mut unpacker, ids.len())?;
        let mut texts = || {
            Texts::unpack(&mut unpacker)
                .and_then(|texts| if texts.rows() == ids.len() { Ok(texts) } else { Err(Unreadable("texts are missing")) })
        };
        let (names, external_ids, emails, tiers, tags, searched) = (texts()?, texts()?, texts()?, texts()?, texts()?, texts()?);
        let mut bills = Vec::new();
        for _ in 0..unpacker.length()? {
            let (buyer, id) = (unpacker.id()?, InvoiceId::from_number(unpacker.id()?));
            let (version, due, due_ms) = (unpacker.number()?, unpacker.number()?, unpacker.number()?);
            bills.push((buyer, Bill { id, version, due, due_ms, open: unpacker.number()? == 1, told_ms: unpacker.number()? }));
        }
        let sorted = ids.len();
        let added = HashMap::new();
        let mut view = Self {
            owner,
            month,
            day,
            ids,
            parents,
            columns,
            names,
            external_ids,
            emails,
            tiers,
            tags,
            searched,
            billed: bills.iter().enumerate().map(|(at, (_, bill))| (bill.id.as_u128(), at)).collect(),
            bills,
            added,
            sorted,
            tree: Tree::default(),
        };
        view.grow();
        Ok(view)
    }

    /// Some bytes that it takes, for caches.
    pub fn weight(&self) -> usize {
        let texts: usize =
            [&self.names, &self.external_ids, &self.emails, &self.tiers, &self.tags, &self.searched].into_iter().map(Texts::weight).sum();
        self.ids.len() * (2 * 16 + 19 * 8 + 8) + texts + self.bills.len() * 150
    }

    /// How many rows it has, those that are not shown included.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// If it has none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The row of an account.
    pub fn find(&self, id: &AccountId) -> Option<Row<'_>> {
        self.place_of(id.as_u128()).map(|at| self.row(at))
    }

    /// The row of that number.
    pub fn row(&self, at: usize) -> Row<'_> {
        Row { view: self, at }
    }

    /// Every row of an account that is the owner or below it.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|at| self.row(at)).filter(|row| row.depth().is_some())
    }

    /// Invoices that the owner sold, each with its buyer, and that one's row if it is still below the owner.
    pub fn bills(&self) -> impl Iterator<Item = (AccountId, Option<Row<'_>>, &Bill)> {
        let row = |buyer: u128| self.place_of(buyer).map(|at| self.row(at)).filter(|row| row.depth().is_some());
        let open = self.bills.iter().filter(|(_, bill)| bill.open);
        open.map(move |(buyer, bill)| (AccountId::from_number(*buyer), row(*buyer), bill))
    }

    fn place_of(&self, id: u128) -> Option<usize> {
        self.ids[..self.sorted].binary_search(&id).ok().or_else(|| self.added.get(&id).copied())
    }

    fn is_inside(&self, row: usize) -> bool {
        self.columns.state[row] >> bits::INSIDE & 1 == 1
    }
}

/// What is told, and what time brings.
impl View {
    /// Takes over what was told, whatever of it was told before.
    pub fn apply<'a>(&mut self, told: impl IntoIterator<Item = &'a Told>) {
        for Told { at, changes } in told {
            changes.iter().for_each(|change| self.apply_one(*at, change));
        }
        self.grow();
    }

    fn apply_one(&mut self, at: Timestamp, change: &RowChange) {
        let id = change.id.as_u128();
        let row = self.place_of(id).unwrap_or_else(|| self.push_row(id));
        if let Some(profile) = &change.profile
            && profile.version > self.columns.profile_version[row]
        {
            self.set_profile(row, profile);
        }
        if let Some(tier) = &change.tier
            && tier.version > self.columns.tier_version[row]
        {
            self.columns.tier_version[row] = tier.version;
            self.tiers.set(row, &tier.name);
        }
        if let Some(place) = &change.place
            && place.seq > self.columns.place_seq[row]
        {
            self.set_place(row, place, at);
        }
        if let Some(Used { seq, at_ms }) = change.used
            && seq > self.columns.used_seq[row]
        {
            (self.columns.used_seq[row], self.columns.used_ms[row]) = (seq, at_ms);
        }
        for sum in &change.sums {
            if let SlotKey::Month(month) = sum.slot {
                self.set_month(row, month, sum.seq, sum.figures);
            }
        }
        for bill in &change.bills {
            match self.billed.get(&bill.id.as_u128()).and_then(|at| self.bills.get_mut(*at)) {
                Some((_, own)) if own.version >= bill.version => {}
                Some((_, own)) => *own = bill.clone(),
                None => {
                    self.billed.insert(bill.id.as_u128(), self.bills.len());
                    self.bills.push((id, bill.clone()));
                }
            }
        }
    }

    fn push_row(&mut self, id: u128) -> usize {
        let row = self.ids.len();
        self.ids.push(id);
        self.parents.push(0);
        self.columns.push_row();
        for texts in [&mut self.names, &mut self.external_ids, &mut self.emails, &mut self.tiers, &mut self.tags, &mut self.searched] {
            texts.push("");
        }
        self.added.insert(id, row);
        row
    }

    fn set_profile(&mut self, row: usize, profile: &Profile) {
        self.columns.profile_version[row] = profile.version;
        self.columns.created_ms[row] = profile.created_ms;
        let (external_id, email) = (profile.external_id.as_deref().unwrap_or_default(), profile.email.as_deref().unwrap_or_default());
        self.names.set(row, &profile.name);
        self.external_ids.set(row, external_id);
        self.emails.set(row, email);
        let mut tags = String::new();
        for (name, value) in &profile.tags {
            tags.extend([name.as_str(), IN_TAG.encode_utf8(&mut [0; 4]), value.as_str(), AFTER_TAG.encode_utf8(&mut [0; 4])]);
        }
        self.tags.set(row, &tags);
        self.searched.set(row, &format!("{}\n{}\n{}", fold(&profile.name), fold(external_id), fold(email)));
    }

    fn set_place(&mut self, row: usize, place: &Place, at: Timestamp) {
        let letters = place.currency.code().bytes().fold(0_i64, |sum, letter| sum << 8 | i64::from(letter));
        let kind = Kind::word(place.kind);
        let number =
            |word: &str, words: &[&str]| words.iter().position(|one| *one == word).and_then(|at| i64::try_from(at).ok()).unwrap_or(0);
        let state = letters << bits::CURRENCY
            | i64::from(place.inside) << bits::INSIDE
            | number(place.funding.word(), &FUNDINGS.map(Funding::word)) << bits::FUNDING
            | number(place.status.word(), &STATES.map(Status::word)) << bits::STATUS
            | number(kind, &KINDS.map(Kind::word)) << bits::KIND;
        self.columns.place_seq[row] = place.seq;
        self.columns.state[row] = state;
        self.columns.available[row] = place.available;
        self.columns.held[row] = place.held;
        self.columns.placed_ms[row] = place.at_ms;
        self.columns.gone_ms[row] = if place.inside { 0 } else { at.as_millisecond() };
        self.parents[row] = place.parent.as_ref().map_or(0, AccountId::as_u128);
    }

    fn set_month(&mut self, row: usize, month: i32, seq: i64, figures: Figures) {
        let columns = &mut self.columns;
        let (of_seq, revenue, cost) = if month == self.month {
            (&mut columns.this_seq[row], &mut columns.this_revenue[row], &mut columns.this_cost[row])
        } else if month == self.month - 1 {
            (&mut columns.last_seq[row], &mut columns.last_revenue[row], &mut columns.last_cost[row])
        } else {
            return;
        };
        if seq > *of_seq {
            (*of_seq, *revenue, *cost) = (seq, figures.revenue, figures.cost);
        }
    }

    /// Goes on to the month of `now`: what was this month is last month. Does nothing within a month, and does not go back.
    pub fn turn(&mut self, now: Timestamp) {
        let month = month_number(Month::of(now));
        let rows = self.len();
        let columns = &mut self.columns;
        if month <= self.month {
            return;
        }
        let next = month == self.month + 1;
        let zeros = || vec![0; rows];
        let step = |this: &mut Vec<i64>, last: &mut Vec<i64>| {
            let was = std::mem::replace(this, zeros());
            *last = if next { was } else { zeros() };
        };
        step(&mut columns.this_seq, &mut columns.last_seq);
        step(&mut columns.this_revenue, &mut columns.last_revenue);
        step(&mut columns.this_cost, &mut columns.last_cost);
        self.month = month;
    }

    /// The month of `this`.
    pub fn month(&self) -> Month {
        crate::figures::month_of(self.month)
    }

    /// The day up to before which decay is known.
    pub fn day(&self) -> i32 {
        self.day
    }

    /// Sets what follows from the kept sums: the months at `now`, and decay up to its day.
    pub(crate) fn settle(
        &mut self,
        now: Timestamp,
        months: impl Fn(u128, i32) -> Option<(i64, Figures)>,
        decay: impl Fn(u128, i32) -> (i64, i64),
    ) {
        (self.month, self.day) = (month_number(Month::of(now)), day_number(now));
        for row in 0..self.len() {
            let id = self.ids[row];
            let (this, last) = (months(id, self.month).unwrap_or_default(), months(id, self.month - 1).unwrap_or_default());
            let columns = &mut self.columns;
            (columns.this_seq[row], columns.this_revenue[row], columns.this_cost[row]) = (this.0, this.1.revenue, this.1.cost);
            (columns.last_seq[row], columns.last_revenue[row], columns.last_cost[row]) = (last.0, last.1.revenue, last.1.cost);
            (columns.recent[row], columns.before[row]) = decay(id, self.day);
        }
    }

    /// Finds each row's place in the tree, and what is stopped.
    fn grow(&mut self) {
        let rows = self.len();
        let mut known: (u128, u32) = (0, NONE);
        let parent: Vec<u32> = (0..rows)
            .map(|row| {
                let id = self.parents[row];
                if id != known.0 {
                    known = (id, self.place_of(id).and_then(|at| u32::try_from(at).ok()).unwrap_or(NONE));
                }
                known.1
            })
            .collect();
        let (mut depth, mut stopped) = (vec![i8::MIN; rows], vec![false; rows]);
        let owner = self.owner.as_u128();
        let mut way = Vec::new();
        for row in 0..rows {
            let mut at = row;
            way.clear();
            // Up to what is known, the owner, or nothing. A circle, which there is none of, ends at the tree's depth.
            let (mut level, mut stop) = loop {
                if depth[at] != i8::MIN {
                    break (depth[at], stopped[at]);
                }
                if self.ids[at] == owner {
                    depth[at] = 0;
                    stopped[at] = self.status_of(at) != Status::Active;
                    break (0, stopped[at]);
                }
                way.push(at);
                let above = parent[at];
                if above == NONE || way.len() > 64 || !self.is_inside(at) {
                    break (-1, false);
                }
                at = above as usize;
            };
            while let Some(at) = way.pop() {
                level = if level < 0 || !self.is_inside(at) { -1 } else { level.saturating_add(1) };
                stop = stop || self.status_of(at) != Status::Active;
                (depth[at], stopped[at]) = (level, stop);
            }
        }
        self.tree = Tree { parent, depth, stopped };
    }

    fn status_of(&self, row: usize) -> Status {
        STATES[usize::try_from(self.columns.state[row] >> bits::STATUS & 0xff).unwrap_or(0).min(2)]
    }

    /// For each row, whether it is below `focus` and may be seen: nothing at or below one of `hidden` may.
    pub fn below(&self, focus: &AccountId, hidden: &HashSet<AccountId>) -> Vec<bool> {
        let focus = focus.as_u128();
        let hidden: HashSet<u128> = hidden.iter().map(AccountId::as_u128).collect();
        // 0 not known, 1 below the focus, 2 not.
        let mut known = vec![0_u8; self.len()];
        let mut way = Vec::new();
        for row in 0..self.len() {
            let mut at = row;
            let mut answer = loop {
                if known[at] != 0 {
                    break known[at];
                }
                way.push(at);
                if self.tree.depth[at] < 0 || hidden.contains(&self.ids[at]) {
                    break 2;
                }
                let above = self.tree.parent[at];
                if self.parents[at] == focus {
                    break if hidden.contains(&focus) { 2 } else { 1 };
                }
                if above == NONE || self.tree.depth[at] == 0 {
                    break 2;
                }
                at = above as usize;
            };
            while let Some(at) = way.pop() {
                if hidden.contains(&self.ids[at]) {
                    answer = 2;
                }
                known[at] = answer;
            }
        }
        known.into_iter().map(|known| known == 1).collect()
    }

    /// How many accounts of each row's text contain `folded`: the search of [`crate::grid`].
    pub(crate) fn searched(&self, row: usize) -> &[u8] {
        self.searched.raw(row)
    }

    pub(crate) fn folded_name(&self, row: usize) -> &[u8] {
        self.searched.raw(row).split(|byte| *byte == b'\n').next().unwrap_or_default()
    }

    pub(crate) fn id_number(&self, row: usize) -> u128 {
        self.ids[row]
    }
}

const KINDS: [Kind; 3] = [Kind::Operator, Kind::Reseller, Kind::Customer];
const STATES: [Status; 3] = [Status::Active, Status::Suspended, Status::Closed];
const FUNDINGS: [Funding; 2] = [Funding::Prepaid, Funding::Postpaid];

impl<'a> Row<'a> {
    fn byte(&self, shift: u32, mask: i64) -> usize {
        usize::try_from(self.view.columns.state[self.at] >> shift & mask).unwrap_or(0)
    }

    /// Whose row.
    pub fn id(&self) -> AccountId {
        AccountId::from_number(self.view.ids[self.at])
    }

    /// Whether it is this account's.
    pub fn is(&self, id: &AccountId) -> bool {
        self.view.ids[self.at] == id.as_u128()
    }

    /// The account right above it; `None` of the operator.
    pub fn parent_id(&self) -> Option<AccountId> {
        Some(self.view.parents[self.at]).filter(|id| *id != 0).map(AccountId::from_number)
    }

    /// Whether it stands right below this account.
    pub fn is_child_of(&self, id: &AccountId) -> bool {
        self.view.parents[self.at] == id.as_u128()
    }

    /// The row of the account right above it.
    pub fn parent(&self) -> Option<Row<'a>> {
        let above = *self.view.tree.parent.get(self.at)?;
        (above != NONE).then(|| self.view.row(above as usize))
    }

    /// Levels below the owner; `None` if it is not below it.
    pub fn depth(&self) -> Option<u8> {
        self.view.tree.depth.get(self.at).and_then(|depth| u8::try_from(*depth).ok())
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.view.names.get(self.at)
    }

    /// Its seller's own id for it.
    pub fn external_id(&self) -> Option<&'a str> {
        Some(self.view.external_ids.get(self.at)).filter(|text| !text.is_empty())
    }

    /// Its volume tier.
    pub fn tier(&self) -> &'a str {
        self.view.tiers.get(self.at)
    }

    /// Its tags.
    pub fn tags(&self) -> BTreeMap<&'a str, &'a str> {
        self.view.tags.get(self.at).lines().filter_map(|tag| tag.split_once(IN_TAG)).collect()
    }

    /// The value of a tag.
    pub fn tag(&self, name: &str) -> Option<&'a str> {
        self.view.tags.get(self.at).lines().filter_map(|tag| tag.split_once(IN_TAG)).find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        KINDS[self.byte(bits::KIND, 0xff).min(2)]
    }

    /// Its own state.
    pub fn status(&self) -> Status {
        self.view.status_of(self.at)
    }

    /// The state in force, as far as the owner's subtree says.
    pub fn effective_status(&self) -> Status {
        self.status().effective(self.view.tree.stopped.get(self.at).copied().unwrap_or_default())
    }

    /// How it pays for usage.
    pub fn funding(&self) -> Funding {
        FUNDINGS[self.byte(bits::FUNDING, 0xf).min(1)]
    }

    /// Its currency; `None` while nothing was told of it.
    pub fn currency(&self) -> Option<Currency> {
        let letters = self.byte(bits::CURRENCY, 0xff_ffff);
        let letter = |shift: usize| char::from(u8::try_from(letters >> shift & 0xff).unwrap_or_default());
        [letter(16), letter(8), letter(0)].iter().collect::<String>().parse().ok()
    }

    /// The letters of its currency as a number: the same for the same currency.
    pub fn currency_number(&self) -> i64 {
        self.view.columns.state[self.at] >> bits::CURRENCY & 0xff_ffff
    }

    /// Credit free to spend, micro-units.
    pub fn available(&self) -> i64 {
        self.view.columns.available[self.at]
    }

    /// Credit held, micro-units.
    pub fn held(&self) -> i64 {
        self.view.columns.held[self.at]
    }

    /// This month's figures; the part of its own usage is not known here.
    pub fn this(&self) -> Figures {
        let columns = &self.view.columns;
        Figures { revenue: columns.this_revenue[self.at], cost: columns.this_cost[self.at], ..Figures::default() }
    }

    /// Last month's.
    pub fn last(&self) -> Figures {
        let columns = &self.view.columns;
        Figures { revenue: columns.last_revenue[self.at], cost: columns.last_cost[self.at], ..Figures::default() }
    }

    /// When it had usage last.
    pub fn last_usage(&self) -> Option<Timestamp> {
        let columns = &self.view.columns;
        (columns.used_seq[self.at] > 0).then(|| Timestamp::from_millisecond(columns.used_ms[self.at]).ok()).flatten()
    }

    /// When it was made; `None` while its item was never told.
    pub fn created(&self) -> Option<Timestamp> {
        let columns = &self.view.columns;
        (columns.profile_version[self.at] > 0).then(|| Timestamp::from_millisecond(columns.created_ms[self.at]).ok()).flatten()
    }

    /// When the newest entry of its ledger was written.
    pub fn placed(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.view.columns.placed_ms[self.at]).ok()
    }

    /// Revenue of the last [`DECAY_DAYS`] whole days, and of as many before, micro-units.
    pub fn decay(&self) -> (i64, i64) {
        (self.view.columns.recent[self.at], self.view.columns.before[self.at])
    }

    /// By how much revenue fell, in hundredths of a percent of the days before, rounded half-even; `None` if there was none then.
    pub fn decay_percent(&self) -> Option<i128> {
        let (recent, before) = self.decay();
        let fell = i128::from(before) - i128::from(recent);
        (before > 0).then(|| tributary_domain::pricing::number::div_half_even(fell * 10_000, i128::from(before)))
    }

    /// It is likely to leave: its revenue fell by half or more, and it is not closed.
    pub fn is_at_risk(&self) -> bool {
        self.status() != Status::Closed && self.decay_percent().is_some_and(|fell| fell >= AT_RISK_PERCENT * 100)
    }

    /// Everything that is kept of it, for comparing.
    pub fn all(&self) -> Vec<String> {
        let mut all: Vec<String> = vec![
            self.id().to_string(),
            self.parent_id().map(|id| id.to_string()).unwrap_or_default(),
            self.name().to_owned(),
            format!("{:?} {:?} {:?}", self.external_id(), self.tier(), self.tags()),
            format!("{:?} {:?} {:?} {:?} {:?}", self.kind(), self.status(), self.effective_status(), self.funding(), self.currency()),
            format!("{} {} {:?}", self.available(), self.held(), self.depth()),
            format!("{:?} {:?} {:?}", self.this(), self.last(), self.decay()),
        ];
        all.push(format!("{:?} {:?} {:?}", self.last_usage(), self.created(), self.placed()));
        all
    }
}
