/** What the figures of the insights mean, in the words of `docs/insights.md`. Those of churn come with its figures. */
export type Definition = [figure: string, meaning: string]

const REVENUE: Definition = ['Revenue', 'What your direct sub-accounts pay you for usage, theirs and that of everything below them. Of an account further down: what you are paid for its usage and for all below it.']
const COST: Definition = ['Cost', 'What you pay your own seller for the same, and for your own usage.']
const MARGIN: Definition = ['Margin', 'What is left of revenue after cost. In percent it is of revenue, and there is none without revenue.']
const CURRENCY: Definition = ['Currency', 'Accounts that keep another currency than yours are listed, and are in no sum.']
const MONTH: Definition = ['Month', 'A calendar month in UTC. Figures of usage follow within a quarter of an hour.']

export const REVENUE_MEANS: Definition[] = [
  REVENUE,
  COST,
  MARGIN,
  ['Level', 'How many levels below you the usage happened: 1 is your direct sub-accounts, 2 those below them, and so on.'],
  ['Others', 'What accounts did that are not below you any more.'],
  ['What you are paid', 'All levels and others together. Less what you pay for that and for your own usage, it is your margin.'],
  ['Change', 'Against as many months before, in percent of them; none where they were nothing.'],
  MONTH,
  CURRENCY,
]

export const PERFORMANCE_MEANS: Definition[] = [
  REVENUE,
  MARGIN,
  ['Growth', 'The revenue of a month less that of the whole month before it, in money and in percent of it; “new” where that was nothing.'],
  ['This month so far', 'It is compared with all of the last month: early in a month most accounts have fallen.'],
  ['Best month', 'The full month with the most revenue among those shown.'],
  MONTH,
  CURRENCY,
]

export const PROFITABILITY_MEANS: Definition[] = [
  REVENUE,
  COST,
  MARGIN,
  ['By account', 'Your direct sub-accounts, each with everything below it.'],
  ['Level', 'How many levels below you the usage happened.'],
  ['Loss', 'A row is at a loss when its margin is below zero. An alert on loss tells of one when it happens.'],
  ['Order', 'The smallest margin stands first.'],
  MONTH,
  CURRENCY,
]

export const ACQUISITION_MEANS: Definition[] = [
  ['Spend', 'What you wrote down as spent by channel, campaign and month. What was taken back counts no more.'],
  ['Channel and campaign', 'An account’s are its tags “channel” and “campaign”.'],
  ['New accounts', 'Direct sub-accounts that were made in these months.'],
  ['Cost of an account (CAC)', 'The spend of the months over the direct sub-accounts made in them.'],
  ['Revenue and margin', 'What these accounts brought you in these months, and what you kept of it.'],
  ['Paid back in', 'After how many months their margin pays the spend back if it goes on: spend × account months ÷ (margin × accounts). Account months are counted from the month each account was made in.'],
  MONTH,
  CURRENCY,
]
