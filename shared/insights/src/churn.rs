//! Churn: who paid in one month and not in the next, how much less those who stay pay, and who is left of each month's new ones.
//! Months are whole ones in UTC, and an account *pays* in a month in which its revenue is above zero.

use std::collections::BTreeMap;

use crate::survival::Lifetime;

/// What an account brought in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payer {
    /// By month number; the earliest first, months without revenue left out.
    pub paid: Vec<(i32, i64)>,
    /// It was moved to another parent: it did not leave, but nothing more is known of it.
    pub moved_away: bool,
}

impl Payer {
    /// The months in which it paid, and how much.
    fn months(&self) -> impl DoubleEndedIterator<Item = (i32, i64)> {
        self.paid.iter().copied().filter(|(_, revenue)| *revenue > 0)
    }
}

/// One month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonthOfChurn {
    /// Its number.
    pub month: i32,
    /// Accounts that paid in the month before.
    pub opening: u32,
    /// Accounts that paid for the first time.
    pub new: u32,
    /// Accounts that paid again after a month or more without.
    pub returned: u32,
    /// Accounts that paid in the month before and not in this one.
    pub lost: u32,
    /// What those of `opening` brought in in the month before, micro-units.
    pub revenue_opening: i128,
    /// What those of `lost` brought in then.
    pub revenue_lost: i128,
    /// How much less those who stayed brought in, each for itself.
    pub contraction: i128,
    /// How much more.
    pub expansion: i128,
}

/// Those who paid first in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// The month's number.
    pub month: i32,
    /// How many.
    pub size: u32,
    /// How many of them paid in it, in the month after, and so on.
    pub paying: Vec<u32>,
}

/// The months from `from` to before `until`. Who was moved away is in neither side of the month after the last that it paid in.
pub fn months(payers: &[Payer], from: i32, until: i32) -> Vec<MonthOfChurn> {
    let mut months: BTreeMap<i32, MonthOfChurn> =
        (from..until).map(|month| (month, MonthOfChurn { month, ..MonthOfChurn::default() })).collect();
    for account in payers {
        let of: BTreeMap<i32, i64> = account.months().collect();
        let (Some(first), Some(last)) = (of.keys().next(), of.keys().next_back()) else { continue };
        for (month, sum) in &mut months {
            if account.moved_away && *month > *last {
                break;
            }
            match (of.get(&(month - 1)), of.get(month)) {
                (None, None) => {}
                (None, Some(_)) if month == first => sum.new += 1,
                (None, Some(_)) => sum.returned += 1,
                (Some(before), now) => {
                    let before = i128::from(*before);
                    sum.opening += 1;
                    sum.revenue_opening += before;
                    match now.map(|now| i128::from(*now) - before) {
                        None => {
                            sum.lost += 1;
                            sum.revenue_lost += before;
                        }
                        Some(more) => {
                            sum.expansion += more.max(0);
                            sum.contraction += (-more).max(0);
                        }
                    }
                }
            }
        }
    }
    months.into_values().collect()
}

/// The cohorts whose first paid month is from `from` to before `until`, each looked at up to before `until`.
pub fn cohorts(payers: &[Payer], from: i32, until: i32) -> Vec<Cohort> {
    let mut cohorts: BTreeMap<i32, Cohort> = BTreeMap::new();
    for account in payers {
        let paying: Vec<i32> = account.months().map(|(month, _)| month).filter(|month| *month < until).collect();
        let Some(first) = paying.first().copied().filter(|first| (from..until).contains(first)) else { continue };
        let months = usize::try_from(until - first).unwrap_or(0);
        let cohort = cohorts.entry(first).or_insert_with(|| Cohort { month: first, size: 0, paying: vec![0; months] });
        cohort.size += 1;
        for month in paying {
            if let Some(count) = usize::try_from(month - first).ok().and_then(|at| cohort.paying.get_mut(at)) {
                *count += 1;
            }
        }
    }
    cohorts.into_values().collect()
}

/// How long each account that ever paid stayed, in months from its first paid one to its last, both included. It left if it did not
/// pay in the last whole month, the one before `until`; who was moved away did not.
pub fn lifetimes(payers: &[Payer], until: i32) -> Vec<Lifetime> {
    let of = |account: &Payer| {
        let mut paying = account.months().map(|(month, _)| month).filter(|month| *month < until);
        let first = paying.next()?;
        let last = paying.next_back().unwrap_or(first);
        Some(Lifetime { months: u32::try_from(last - first + 1).unwrap_or(0), left: last < until - 1 && !account.moved_away })
    };
    payers.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three accounts over four months: one stays and grows, one shrinks and leaves, one comes, pauses and returns.
    fn payers() -> Vec<Payer> {
        let paid = [vec![(1, 100), (2, 150), (3, 150), (4, 200)], vec![(1, 80), (2, 50)], vec![(2, 10), (3, 0), (4, 30)]];
        paid.map(|paid| Payer { paid, moved_away: false }).into()
    }

    #[test]
    fn who_was_moved_away_did_not_leave_and_what_it_paid_until_then_stays() {
        let mut moved = payers();
        moved[1].moved_away = true;
        let (before, after) = (months(&payers(), 1, 5), months(&moved, 1, 5));
        assert_eq!(before[..2], after[..2], "months in which it paid are as they were");
        assert_eq!((after[2].opening, after[2].lost, after[2].revenue_opening), (2, 1, 160), "the one who paused");
        assert_eq!(cohorts(&payers(), 1, 5), cohorts(&moved, 1, 5));
        assert_eq!(lifetimes(&moved, 5)[1], Lifetime { months: 2, left: false });
    }

    #[test]
    fn each_month_says_who_came_stayed_and_left_and_with_how_much() {
        let months = months(&payers(), 1, 5);
        let rows: Vec<_> = months
            .iter()
            .map(|m| (m.month, m.opening, m.new, m.returned, m.lost, m.revenue_opening, m.revenue_lost, m.contraction, m.expansion))
            .collect();
        assert_eq!(
            rows,
            [(1, 0, 2, 0, 0, 0, 0, 0, 0), (2, 2, 1, 0, 0, 180, 0, 30, 50), (3, 3, 0, 0, 2, 210, 60, 0, 0), (4, 1, 0, 1, 0, 150, 0, 0, 50),]
        );
        // Nobody is counted twice: what a month closes with is what the next opens with.
        for pair in months.windows(2) {
            assert_eq!(pair[0].opening + pair[0].new + pair[0].returned - pair[0].lost, pair[1].opening);
        }
    }

    #[test]
    fn cohorts_are_made_by_the_first_paid_month() {
        let cohorts = cohorts(&payers(), 1, 5);
        let rows: Vec<_> = cohorts.iter().map(|cohort| (cohort.month, cohort.size, cohort.paying.clone())).collect();
        assert_eq!(rows, [(1, 2, vec![2, 2, 1, 1]), (2, 1, vec![1, 0, 1])]);
    }

    #[test]
    fn who_paid_in_the_last_whole_month_is_still_there() {
        let lives = lifetimes(&payers(), 5);
        assert_eq!(lives, [Lifetime { months: 4, left: false }, Lifetime { months: 2, left: true }, Lifetime { months: 3, left: false }]);
        assert_eq!(lifetimes(&[vec![(3, 0)], vec![(9, 5)]].map(|paid| Payer { paid, moved_away: false }), 5), []);
    }
}
