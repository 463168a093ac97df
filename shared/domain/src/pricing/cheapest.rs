//! The cheapest way to buy at least a number of credits: packages, each up to what the account may still buy of it, and
//! loose credits at the bulk price.
//!
//! **What is compared.** Every set of packages, and every such set with loose credits beside it. The cheapest wins; of equal
//! prices the one with most credits, then with fewest parts (each package counts, the loose credits are one), then the one
//! whose first credit to expire does so latest. A set may hold more than is needed, but less than the wanted credits and
//! its largest package together: free packages are taken along, paid ones never.
//!
//! **How.** A table with one cell for each total that packages can come to, in steps of the greatest common divisor of
//! their sizes: the best set for exactly that total. Packages that are limited go in first, in powers of two, the others
//! after them. The value of a cell (price, parts, expiry) keeps its order when one more package is added to two sets, so the
//! best set of each cell is made of best sets. To each cell below the wanted total the rest is added as loose credits: just
//! enough of them, or as many as the next bands begin at. Both together are every set there is, so the answer is exact. The
//! work is steps × packages, never more than [`Budget`].
//!
//! **For large totals**, most of them are filled beforehand with the package `b` of the lowest price a credit (the largest
//! of several) among those without a limit. That changes nothing, because some best set has at least so many of it:
//! - Let *d* of another package be its price less what the same credits cost in `b`. As ⌈wanted / size of b⌉ times `b` is
//!   enough, the *d* of a best set sum to at most one price of `b`, plus what limited packages with a negative *d* save. That
//!   bounds the credits in packages with a positive *d*; limited ones of no more than zero are bounded by their limits.
//! - Of as many other packages as `b` has steps, some come to a multiple of `b` (pigeonhole on their running totals), and can
//!   be exchanged for `b`: at a lower price, or for the same price in no more parts. That bounds the packages without a limit
//!   and with *d* = 0, and gives another bound for all of the others.
//! - Loose credits dearer than `b`, beyond the beginning of their band, are fewer than one `b`. In bands that are as cheap as
//!   `b` no package without a limit is needed; then all limited ones that are cheaper are taken, and the rest is loose.
//!
//! Where the rest that is left to fill still has more steps than the budget, or limited packages would have to be chosen
//! from for it, the answer is [`TooFine`]: it is never a guess.

use std::cmp::Reverse;

/// How much work a search may be.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Steps up to the wanted total.
    pub steps: u64,
    /// Steps times rounds of limited packages.
    pub work: u64,
}

impl Default for Budget {
    /// At most some 20 MB and a fraction of a second.
    fn default() -> Self {
        Self { steps: 500_000, work: 40_000_000 }
    }
}

/// A package as the search sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its credits with its bonus, in whole credits; at least 1.
    pub size: u64,
    /// Its price in micro-units; 0 only with a limit.
    pub price: i64,
    /// How many the account may still buy; `None`: any number.
    pub left: Option<u32>,
    /// After how many days it expires; `None`: never.
    pub days: Option<u32>,
}

/// What to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many of each item, in the order in which they were given.
    pub counts: Vec<u64>,
    /// How many loose credits.
    pub loose: u64,
    /// The price of all, in micro-units.
    pub price: i64,
    /// All credits, bonus included.
    pub credits: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoQuote {
    /// Not as many credits can be bought, at a price that can be kept.
    #[error("what is on sale does not come to as many credits")]
    TooFew,
    /// The search would be too long to be exact.
    #[error("the packages on sale differ too finely to combine as many credits exactly; ask for fewer")]
    TooFine,
}

/// The best value of a total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Value {
    price: i64,
    parts: u32,
    days: Reverse<u32>,
}

const NOTHING: Value = Value { price: 0, parts: 0, days: Reverse(u32::MAX) };
const UNREACHED: Value = Value { price: i64::MAX, parts: u32::MAX, days: Reverse(0) };
const NO_ITEM: u8 = u8::MAX;

impl Value {
    fn plus(self, item: &Item, count: u64) -> Value {
        if count == 0 {
            return self;
        }
        let price = i64::try_from(count).ok().and_then(|count| item.price.checked_mul(count)).and_then(|more| self.price.checked_add(more));
        let parts = u32::try_from(count).ok().and_then(|count| self.parts.checked_add(count));
        match (price, parts) {
            (Some(price), Some(parts)) if price < i64::MAX => {
                Value { price, parts, days: self.days.max(Reverse(item.days.unwrap_or(u32::MAX))) }
            }
            _ => UNREACHED,
        }
    }

    fn plus_loose(self, price: i64) -> Value {
        match (self.price.checked_add(price), self.parts.checked_add(1)) {
            (Some(price), Some(parts)) if self != UNREACHED => Value { price, parts, ..self },
            _ => UNREACHED,
        }
    }
}

/// Where a candidate comes from: a cell of the table, one large package beside it, loose credits.
#[derive(Debug, Clone)]
enum Origin {
    Cell { cell: usize, large: Option<usize> },
    Counts(Vec<u64>),
}

/// The order of candidates: the least is best.
type Rank = (i64, Reverse<u64>, u32, Reverse<u32>);

#[derive(Debug)]
struct Best {
    rank: Rank,
    origin: Origin,
    loose: u64,
}

struct Search<'a> {
    items: &'a [Item],
    rates: &'a [(u64, i64)],
    best: Option<Best>,
}

/// The cheapest way to buy at least `wanted` credits (1 to 10⁹). `items` are at most 250; `rates` are those of
/// [`crate::pricing::package::BulkTable::rates`], empty where no loose credits are sold.
///
/// # Errors
/// [`NoQuote`].
pub fn cheapest(items: &[Item], rates: &[(u64, i64)], wanted: u64, budget: Budget) -> Result<Found, NoQuote> {
    let mut search = Search { items, rates, best: None };
    for (loose, price) in search.loose(wanted) {
        search.consider(NOTHING.plus_loose(price), loose, Origin::Counts(vec![0; items.len()]), loose);
    }
    let usable: Vec<usize> = (0..items.len()).filter(|at| items[*at].left != Some(0)).collect();
    if usable.is_empty() {
        return search.found(None, (0, 0));
    }
    let step = usable.iter().fold(0, |divisor, at| gcd(divisor, items[*at].size));
    let mut ahead = (0, 0);
    if wanted.div_ceil(step) > budget.steps {
        let base = search.base(&usable);
        search.mostly_loose(&usable, base, wanted)?;
        match base {
            Some(base) => ahead = (base, search.ahead(&usable, base, step, wanted)),
            // Nothing but limited packages: with loose credits they were all looked at.
            None if !rates.is_empty() => return search.found(None, ahead),
            None => {
                let all: u128 = usable.iter().map(|at| limited_credits(&items[*at])).sum();
                return Err(if all < u128::from(wanted) { NoQuote::TooFew } else { NoQuote::TooFine });
            }
        }
    }
    let filled = ahead.1 * items[ahead.0].size;
    let rest = wanted - filled;
    if rest.div_ceil(step) > budget.steps {
        return Err(NoQuote::TooFine);
    }
    let table = Table::fill(items, &usable, step, rest, budget)?;
    let start = NOTHING.plus(&items[ahead.0], ahead.1);
    search.combine(&table, &usable, rest, filled, start);
    search.found(Some(&table), ahead)
}

/// What a limited item can come to in all; 0 for one without a limit.
fn limited_credits(item: &Item) -> u128 {
    u128::from(item.left.unwrap_or(0)) * u128::from(item.size)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Search<'_> {
    /// The numbers of loose credits that can be best for a gap, with their prices: the gap, and each beginning of a later band.
    fn loose(&self, gap: u64) -> Vec<(u64, i64)> {
        let price = |credits: u64| {
            let rate = self.rates.iter().rev().find(|(from, _)| *from <= credits)?.1;
            i64::try_from(credits).ok()?.checked_mul(rate)
        };
        let later = self.rates.iter().map(|(from, _)| *from).filter(|from| *from > gap);
        std::iter::once(gap).chain(later).filter_map(|credits| Some((credits, price(credits)?))).collect()
    }

    fn consider(&mut self, value: Value, credits: u64, origin: Origin, loose: u64) {
        if value == UNREACHED {
            return;
        }
        let rank = (value.price, Reverse(credits), value.parts, value.days);
        if self.best.as_ref().is_none_or(|best| rank < best.rank) {
            self.best = Some(Best { rank, origin, loose });
        }
    }

    /// The item without a limit that has the lowest price a credit: of several the largest, then the one that lasts longest.
    fn base(&self, usable: &[usize]) -> Option<usize> {
        let unlimited = usable.iter().copied().filter(|at| self.items[*at].left.is_none());
        unlimited.min_by(|one, other| {
            let (one, other) = (&self.items[*one], &self.items[*other]);
            let (left, right) = (i128::from(one.price) * i128::from(other.size), i128::from(other.price) * i128::from(one.size));
            let days = |item: &Item| item.days.unwrap_or(u32::MAX);
            left.cmp(&right).then(other.size.cmp(&one.size)).then(days(other).cmp(&days(one)))
        })
    }

    /// For bands in which loose credits are as cheap as `base`: all limited packages that are cheaper still, the rest loose.
    fn mostly_loose(&mut self, usable: &[usize], base: Option<usize>, wanted: u64) -> Result<(), NoQuote> {
        let cheaper = |item: &Item, rate: i64| i128::from(item.price) < i128::from(rate) * i128::from(item.size);
        self.with_gifts(usable, wanted);
        for (from, rate) in self.rates {
            if base.is_some_and(|base| cheaper(&self.items[base], *rate)) {
                continue;
            }
            let mut counts = vec![0; self.items.len()];
            let (mut value, mut credits) = (NOTHING, 0_u128);
            for at in usable.iter().copied().filter(|at| cheaper(&self.items[*at], *rate)) {
                let item = &self.items[at];
                counts[at] = u64::from(item.left.unwrap_or(0));
                value = value.plus(item, counts[at]);
                credits += limited_credits(item);
            }
            let rest = u64::try_from(credits).ok().and_then(|credits| wanted.checked_sub(credits)).filter(|rest| rest >= from);
            let Some(rest) = rest else {
                if wanted < *from {
                    continue;
                }
                return Err(NoQuote::TooFine);
            };
            for (loose, price) in self.loose(rest) {
                self.consider(value.plus_loose(price), wanted - rest + loose, Origin::Counts(counts.clone()), loose);
            }
        }
        Ok(())
    }

    /// Loose credits of a band that begins above the wanted total are enough by themselves: only free packages go along.
    fn with_gifts(&mut self, usable: &[usize], wanted: u64) {
        let mut counts = vec![0; self.items.len()];
        let (mut value, mut credits) = (NOTHING, 0_u128);
        for at in usable.iter().copied().filter(|at| self.items[*at].price == 0) {
            counts[at] = u64::from(self.items[at].left.unwrap_or(0));
            value = value.plus(&self.items[at], counts[at]);
            credits += limited_credits(&self.items[at]);
        }
        let Some(credits) = u64::try_from(credits).ok().filter(|credits| *credits < wanted) else { return };
        for (loose, price) in self.loose(wanted) {
            self.consider(value.plus_loose(price), credits + loose, Origin::Counts(counts.clone()), loose);
        }
    }

    /// How many of `base` some best set surely has, see above.
    fn ahead(&self, usable: &[usize], base: usize, step: u64, wanted: u64) -> u64 {
        let b = self.items[base];
        let (size, price) = (i128::from(b.size), i128::from(b.price));
        let others: Vec<(&Item, i128)> = usable
            .iter()
            .copied()
            .filter(|at| *at != base)
            .map(|at| &self.items[at])
            .map(|item| (item, i128::from(item.price) * size - price * i128::from(item.size)))
            .collect();
        let (bounded, open): (Vec<_>, Vec<_>) = others.iter().partition(|(item, d)| *d < 0 || *d == 0 && item.left.is_some());
        let wide = |number: u128| i128::try_from(number).unwrap_or(i128::MAX);
        let (mut saved, mut limited) = (price.saturating_mul(size), 0_i128);
        for (item, d) in bounded {
            saved = saved.saturating_add(d.saturating_neg().saturating_mul(i128::from(item.left.unwrap_or(0))));
            limited = limited.saturating_add(wide(limited_credits(item)));
        }
        let largest =
            |of: &dyn Fn(i128) -> bool| open.iter().filter(|(_, d)| of(*d)).map(|(item, _)| i128::from(item.size)).max().unwrap_or(0);
        let holes = i128::from(b.size / step) - 1;
        let dear = open.iter().filter(|(_, d)| *d > 0).map(|(item, d)| saved.saturating_mul(i128::from(item.size)) / d).max().unwrap_or(0);
        let by_price = dear.saturating_add(holes.saturating_mul(largest(&|d| d == 0)));
        let by_holes = holes.saturating_mul(largest(&|_| true));
        let dearer = self.rates.iter().filter(|(from, rate)| price < i128::from(*rate) * size && *from <= wanted);
        let band = dearer.map(|(from, _)| i128::from(*from)).max().unwrap_or(0);
        let others = limited.saturating_add(by_price.min(by_holes)).saturating_add(band).saturating_add(size);
        u64::try_from((i128::from(wanted) - others).max(0) / size).unwrap_or(0)
    }

    /// Looks at every set that the table holds, alone, with one package that is enough by itself, and with loose credits.
    fn combine(&mut self, table: &Table, usable: &[usize], rest: u64, filled: u64, start: Value) {
        let large: Vec<usize> = usable.iter().copied().filter(|at| self.items[*at].size >= rest).collect();
        for (cell, value) in table.values.iter().enumerate().filter(|(_, value)| **value != UNREACHED) {
            let Some(value) = joined(start, *value) else { continue };
            let total = u64::try_from(cell).unwrap_or(u64::MAX) * table.step;
            if total >= rest {
                self.consider(value, filled + total, Origin::Cell { cell, large: None }, 0);
                continue;
            }
            for at in &large {
                let item = self.items[*at];
                self.consider(value.plus(&item, 1), filled + total + item.size, Origin::Cell { cell, large: Some(*at) }, 0);
            }
            for (loose, price) in self.loose(rest - total) {
                self.consider(value.plus_loose(price), filled + total + loose, Origin::Cell { cell, large: None }, loose);
            }
        }
    }

    fn found(self, table: Option<&Table>, ahead: (usize, u64)) -> Result<Found, NoQuote> {
        let Best { rank, origin, loose } = self.best.ok_or(NoQuote::TooFew)?;
        let counts = match (origin, table) {
            (Origin::Counts(counts), _) => counts,
            (Origin::Cell { cell, large }, Some(table)) => {
                let mut counts = table.counts(self.items, cell);
                counts[ahead.0] += ahead.1;
                large.into_iter().for_each(|at| counts[at] += 1);
                counts
            }
            (Origin::Cell { .. }, None) => return Err(NoQuote::TooFew),
        };
        Ok(Found { counts, loose, price: rank.0, credits: rank.1.0 })
    }
}

fn joined(one: Value, other: Value) -> Option<Value> {
    let (price, parts) = (one.price.checked_add(other.price)?, one.parts.checked_add(other.parts)?);
    (one != UNREACHED).then_some(Value { price, parts, days: one.days.max(other.days) })
}

/// The best set of packages for each total, for packages that are not enough by themselves.
struct Table {
    step: u64,
    values: Vec<Value>,
    /// The item without a limit that was added last, or [`NO_ITEM`].
    last: Vec<u8>,
    /// Rounds of limited items: which, how many at once, and whether a total took them.
    rounds: Vec<(usize, u64, Vec<u64>)>,
}

impl Table {
    fn fill(items: &[Item], usable: &[usize], step: u64, rest: u64, budget: Budget) -> Result<Self, NoQuote> {
        let small = || usable.iter().copied().filter(|at| items[*at].size < rest);
        let largest = small().map(|at| items[at].size).max().unwrap_or(0);
        let cells = usize::try_from((rest + largest).div_ceil(step).max(1)).map_err(|_| NoQuote::TooFine)?;
        let mut table = Self { step, values: vec![UNREACHED; cells], last: vec![NO_ITEM; cells], rounds: Vec::new() };
        table.values[0] = NOTHING;
        let steps_of = |at: usize| usize::try_from(items[at].size / step).map_err(|_| NoQuote::TooFine);
        for at in small() {
            let Some(left) = items[at].left else { continue };
            let each = steps_of(at)?;
            let mut left = usize::try_from(left).unwrap_or(usize::MAX).min((cells - 1) / each);
            let mut at_once = 1;
            while left > 0 {
                let count = at_once.min(left);
                if (table.rounds.len() as u64 + 1).saturating_mul(cells as u64) > budget.work {
                    return Err(NoQuote::TooFine);
                }
                table.round(items, at, count, count * each);
                left -= count;
                at_once *= 2;
            }
        }
        let unlimited: Vec<(usize, usize, u8)> = small()
            .filter(|at| items[*at].left.is_none())
            .map(|at| Ok((at, steps_of(at)?, u8::try_from(at).map_err(|_| NoQuote::TooFine)?)))
            .collect::<Result<_, NoQuote>>()?;
        for cell in 0..cells {
            for (at, each, name) in unlimited.iter().filter(|(_, each, _)| *each <= cell) {
                let value = match table.values[cell - each] {
                    UNREACHED => continue,
                    value => value.plus(&items[*at], 1),
                };
                if value < table.values[cell] {
                    (table.values[cell], table.last[cell]) = (value, *name);
                }
            }
        }
        Ok(table)
    }

    /// Adds `count` of a limited item at once, or none.
    fn round(&mut self, items: &[Item], at: usize, count: usize, steps: usize) {
        let mut taken = vec![0_u64; self.values.len().div_ceil(64)];
        for cell in (steps..self.values.len()).rev() {
            let value = match self.values[cell - steps] {
                UNREACHED => continue,
                value => value.plus(&items[at], count as u64),
            };
            if value < self.values[cell] {
                self.values[cell] = value;
                taken[cell / 64] |= 1 << (cell % 64);
            }
        }
        self.rounds.push((at, count as u64, taken));
    }

    /// How many of each item the set of a cell has.
    fn counts(&self, items: &[Item], mut cell: usize) -> Vec<u64> {
        let mut counts = vec![0; items.len()];
        let steps = |at: usize, count: u64| usize::try_from(items[at].size / self.step * count).unwrap_or(usize::MAX);
        while self.last[cell] != NO_ITEM {
            let at = usize::from(self.last[cell]);
            counts[at] += 1;
            cell -= steps(at, 1);
        }
        for (at, count, taken) in self.rounds.iter().rev() {
            if taken[cell / 64] >> (cell % 64) & 1 == 1 {
                counts[*at] += count;
                cell -= steps(*at, *count);
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(size: u64, price: i64) -> Item {
        Item { size, price: price * 1_000_000, left: None, days: None }
    }

    fn par() -> Vec<(u64, i64)> {
        vec![(1, 1_000_000)]
    }

    /// Every set of at most `most` of each item, with and without loose credits: the rank of the best.
    fn by_hand(items: &[Item], rates: &[(u64, i64)], wanted: u64, most: u64) -> Option<(Rank, Vec<u64>, u64)> {
        let search = Search { items, rates, best: None };
        let mut counts = vec![0_u64; items.len()];
        let mut best: Option<(Rank, Vec<u64>, u64)> = None;
        loop {
            let value = items.iter().zip(&counts).fold(NOTHING, |value, (item, count)| value.plus(item, *count));
            let total: u64 = items.iter().zip(&counts).map(|(item, count)| item.size * count).sum();
            let largest = items.iter().zip(&counts).filter(|(_, count)| **count > 0).map(|(item, _)| item.size).max().unwrap_or(0);
            let mut consider = |value: Value, credits: u64, loose: u64| {
                let rank = (value.price, Reverse(credits), value.parts, value.days);
                if best.as_ref().is_none_or(|(known, ..)| rank < *known) {
                    best = Some((rank, counts.clone(), loose));
                }
            };
            // Sets that are enough without their largest package cost more, or the same by a gift too many.
            if total >= wanted && total - largest < wanted {
                consider(value, total, 0);
            }
            if total < wanted {
                for (loose, price) in search.loose(wanted - total) {
                    consider(value.plus_loose(price), total + loose, loose);
                }
            }
            let next = (0..items.len()).find(|at| counts[*at] < most.min(u64::from(items[*at].left.unwrap_or(u32::MAX))));
            let Some(next) = next else { return best };
            counts[next] += 1;
            counts[..next].fill(0);
        }
    }

    #[test]
    fn worked_by_hand() {
        let items = [item(105, 100), item(550, 500), item(1_200, 1_000)];
        let found = |wanted| cheapest(&items, &[], wanted, Budget::default()).expect("on sale");
        // 1,000: two of 550 cost 1,000, and one of 1,200 costs the same for more credits.
        assert_eq!((found(1_000).counts, found(1_000).price, found(1_000).credits), (vec![0, 0, 1], 1_000_000_000, 1_200));
        assert_eq!(found(1_300).counts, [1, 0, 1]);
        assert_eq!(found(1_750).counts, [0, 1, 1]);
        // 833,333 of the largest leave 400, which four of the smallest fill for less than one of 550.
        assert_eq!(found(1_000_000_000).counts, [4, 0, 833_333]);
    }

    #[test]
    fn loose_credits_fill_what_packages_leave() {
        let items = [item(1_200, 1_000)];
        let found = cheapest(&items, &par(), 1_300, Budget::default()).expect("on sale");
        assert_eq!((found.counts, found.loose, found.price), (vec![1], 100, 1_100_000_000));
        let bulk = [(1, 1_000_000), (1_000, 500_000)];
        let found = cheapest(&items, &bulk, 600, Budget::default()).expect("on sale");
        assert_eq!(
            (found.counts, found.loose, found.price, found.credits),
            (vec![0], 1_000, 500_000_000, 1_000),
            "the next band is cheaper"
        );
    }

    #[test]
    fn of_equal_prices_most_credits_then_fewest_parts_then_the_latest_expiry() {
        let found = |items: &[Item], wanted| cheapest(items, &[], wanted, Budget::default()).expect("on sale").counts;
        assert_eq!(found(&[item(100, 90), item(110, 90)], 100), [0, 1]);
        assert_eq!(found(&[item(50, 45), item(100, 90)], 100), [0, 1]);
        let lasting = |days| Item { days, ..item(100, 90) };
        assert_eq!(found(&[lasting(Some(30)), lasting(None), lasting(Some(90))], 100), [0, 1, 0]);
        let gift = Item { left: Some(1), ..item(10, 0) };
        assert_eq!(found(&[gift, item(100, 90)], 100), [1, 1], "what is free is taken along");
    }

    #[test]
    fn what_an_account_may_still_buy_is_held() {
        let few = [Item { left: Some(2), ..item(100, 10) }, item(100, 90)];
        let found = cheapest(&few, &[], 500, Budget::default()).expect("on sale");
        assert_eq!((found.counts, found.price), (vec![2, 3], 290_000_000));
        assert_eq!(cheapest(&few[..1], &[], 500, Budget::default()), Err(NoQuote::TooFew));
        assert_eq!(cheapest(&few[..1], &[], 1_000_000_000, Budget::default()), Err(NoQuote::TooFew));
        assert_eq!(cheapest(&few[..1], &par(), 1_000_000_000, Budget::default()).expect("loose").counts, [2]);
        assert_eq!(cheapest(&[], &[], 1, Budget::default()), Err(NoQuote::TooFew));
    }

    #[test]
    fn too_fine_a_catalogue_is_said_and_not_guessed() {
        let fine = [item(999_983, 900_000), item(1_000_003, 900_003)];
        let budget = Budget { steps: 10_000, ..Budget::default() };
        assert_eq!(cheapest(&fine, &[], 900_000_000, budget), Err(NoQuote::TooFine));
    }

    #[test]
    fn prices_beyond_what_can_be_kept_are_never_wrapped() {
        let dear = [Item { size: 1, price: i64::MAX / 2, left: None, days: None }];
        assert_eq!(cheapest(&dear, &[], 3, Budget::default()), Err(NoQuote::TooFew));
        assert_eq!(cheapest(&dear, &[], 2, Budget::default()).map(|found| found.counts), Ok(vec![2]));
    }

    fn offers() -> impl Strategy<Value = Vec<Item>> {
        let one =
            (1_u64..14, 0_i64..12, proptest::option::of(0_u32..3), proptest::option::of(1_u32..4)).prop_map(|(size, price, left, days)| {
                // What is free has a limit.
                let left = if price == 0 { Some(left.unwrap_or(1)) } else { left };
                Item { size, price: price * 1_000_000, left, days }
            });
        proptest::collection::vec(one, 0..4)
    }

    fn bands() -> impl Strategy<Value = Vec<(u64, i64)>> {
        let none = Just(Vec::new());
        let some = (2_u64..10, 1_u64..30, 1_i64..5, 1_i64..5).prop_map(|(first, more, one, two)| {
            vec![(1, 1_000_000), (first, 1_000_000 - one * 100_000), (first + more, 1_000_000 - (one + two) * 100_000)]
        });
        prop_oneof![none, some]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn no_set_is_better_than_the_answer(items in offers(), rates in bands(), wanted in 1_u64..24) {
            let found = cheapest(&items, &rates, wanted, Budget::default());
            let hand = by_hand(&items, &rates, wanted, 24);
            match (found, hand) {
                (Ok(found), Some((rank, ..))) => {
                    let value = items.iter().zip(&found.counts).fold(NOTHING, |value, (item, count)| value.plus(item, *count));
                    let total: u64 = items.iter().zip(&found.counts).map(|(item, count)| item.size * count).sum();
                    prop_assert_eq!(total + found.loose, found.credits);
                    prop_assert!(found.credits >= wanted);
                    prop_assert!(items.iter().zip(&found.counts).all(|(item, count)| *count <= u64::from(item.left.unwrap_or(u32::MAX))));
                    let loose = if found.loose == 0 { Some((0, 0)) } else {
                        rates.iter().rev().find(|(from, _)| *from <= found.loose).map(|(_, rate)| (1, found.loose as i64 * rate))
                    };
                    prop_assert_eq!(value.price + loose.expect("sold").1, found.price);
                    prop_assert_eq!(found.price, rank.0, "the price of {:?}", found);
                    let value = value.plus_loose(0);
                    let parts = value.parts - u32::from(found.loose == 0);
                    let own: Rank = (found.price, Reverse(found.credits), parts, value.days);
                    prop_assert!(own <= rank, "{:?} is behind {:?}", own, rank);
                }
                (found, hand) => prop_assert_eq!(found.is_err(), hand.is_none(), "{:?} {:?}", found, hand),
            }
        }

        #[test]
        fn filling_ahead_changes_no_answer(items in offers(), rates in bands(), wanted in 200_u64..900, steps in 1_u64..200) {
            let whole = cheapest(&items, &rates, wanted, Budget::default());
            match cheapest(&items, &rates, wanted, Budget { steps, ..Budget::default() }) {
                Err(NoQuote::TooFine) => {}
                other => prop_assert_eq!(
                    other.clone().map(|found| (found.price, found.credits)),
                    whole.clone().map(|found| (found.price, found.credits)),
                    "{:?} {:?}", other, whole
                ),
            }
        }
    }
}
