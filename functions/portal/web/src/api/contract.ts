/**
 * Routes that the API's document does not describe yet, in the shape openapi-typescript gives to those it does.
 * A route that has come into `docs/openapi.json` is taken out here.
 */

type Op<Query, Path, Body, Answer, Status extends number = 200> = {
  parameters: { query?: Query; path: Path; header?: never; cookie?: never }
  requestBody?: { content: { 'application/json': Body } }
  responses: { [S in Status]: { content: { 'application/json': Answer } } }
}
type Get<Query, Answer, Path = undefined> = { get: Op<Query, Path, never, Answer> }

/** A decimal with its sign, as text: `"12.500000"`. */
export type Decimal = string
/** A moment, RFC 3339 in UTC. */
export type Moment = string
export type AccountKind = 'operator' | 'reseller' | 'customer'
export type AccountStatus = 'active' | 'suspended' | 'closed'

export interface Session {
  id: string
  csrf_token: string
  expires_at: Moment
  account: {
    id: string
    name: string
    kind: AccountKind
    currency: string
    parent_id: string | null
    time_zone: string | null
    locale: string | null
  }
  who: { kind: 'key' | 'member'; id: string; name: string | null; email: string | null; role: string }
  rights: string[]
  mode: 'test' | 'live'
}
export interface ChooseAccount {
  choose: { account_id: string; name: string }[]
}
export interface SessionRow {
  id: string
  created_at: Moment
  last_seen_at: Moment
  expires_at: Moment
  user_agent: string | null
  current: boolean
}

export interface PublicBrand {
  name: string
  color: string | null
  accent_color: string | null
  text_on_color: string | null
  logo_url: string | null
  support_url: string | null
  terms_url: string | null
  privacy_url: string | null
  slug: string | null
}
export interface BrandTokens {
  name?: string | null
  color?: string | null
  accent_color?: string | null
  sender_name?: string | null
  reply_to?: string | null
  support_url?: string | null
  terms_url?: string | null
  privacy_url?: string | null
}
export interface BrandView {
  account_id: string
  own: BrandTokens & { locked: string[] }
  in_force: PublicBrand & { sender_name: string; reply_to: string | null }
  locked_above: string[]
  contrast: { token: string; against: string; ratio: Decimal; passes: boolean }[]
  slug: string | null
  portal_url: string | null
  host: null | { host: string; status: 'pending' | 'verified'; txt_name: string; txt_value: string; checked_at: Moment | null }
  version: number
}
/** A mail and an invoice as they would be sent under tokens that are not saved yet. */
export interface BrandPreview {
  mail_html: string
  mail_text: string
  subject: string
  invoice_pdf_url: string | null
}

export interface Compared {
  this: Decimal
  last: Decimal
  change_percent: Decimal | null
}
export type AttentionKind = 'suspended_with_credit' | 'low_credit' | 'past_due' | 'at_risk' | 'loss'
/** What the first view shows. A customer is given no cost, margin or top. */
export interface InsightsOverview {
  account_id: string
  currency: string
  as_of: Moment
  period: { from: string; to: string }
  accounts: { total: number; active: number; suspended: number; new: number; closed: number }
  balance: { available: Decimal; held: Decimal }
  subtree_balance: { available: Decimal; held: Decimal }
  revenue: Compared
  cost?: Compared
  margin?: Compared
  usage_by_day: { date: string; revenue: Decimal; cost?: Decimal; margin?: Decimal }[]
  top?: { account_id: string; name: string; revenue: Decimal; margin: Decimal }[]
  open_invoices: { count: number; amount: Decimal }
  past_due: { count: number; amount: Decimal }
  at_risk: { count: number }
  attention: { kind: AttentionKind; count: number }[]
}

export type InsightsSortField = 'name' | 'revenue' | 'margin' | 'balance' | 'usage' | 'last_seen' | 'created_at' | 'decay'
export type InsightsSort = InsightsSortField | `-${InsightsSortField}`
export interface InsightsFilter {
  account_id?: string
  q?: string
  status?: AccountStatus
  kind?: AccountKind
  parent_id?: string
  tag?: string
  sort?: InsightsSort
}
export interface InsightsAccount {
  id: string
  name: string
  external_id: string | null
  kind: AccountKind
  status: AccountStatus
  effective_status: AccountStatus
  parent_id: string | null
  parent_name: string | null
  depth: number
  tier: string
  currency: string
  available: Decimal
  held: Decimal
  revenue: Decimal
  revenue_last: Decimal
  change_percent: Decimal | null
  cost: Decimal
  margin: Decimal
  margin_percent: Decimal | null
  last_usage_at: Moment | null
  decay: Decimal | null
  at_risk: boolean
  tags: Record<string, string>
  created_at: Moment
}
export interface InsightsAccounts {
  data: InsightsAccount[]
  total: number
  matched: number
  as_of: Moment
  next_offset: number | null
}
export interface Download {
  download_url: string
  rows: number
  expires_at: Moment
}
export interface Attribution {
  currency: string
  periods: { month: string; levels: { level: number; label: string; amount: Decimal }[]; revenue: Decimal; cost: Decimal; margin: Decimal }[]
  waterfall: { step: string; amount: Decimal }[]
  by_child: { account_id: string; name: string; revenue: Decimal; cost: Decimal; margin: Decimal; share_percent: Decimal }[]
  by_meter: { meter: string; name?: string; revenue: Decimal; cost: Decimal; margin: Decimal; share_percent: Decimal }[]
}
export interface Profitability {
  currency: string
  data: { key: string; name: string; revenue: Decimal; cost: Decimal; margin: Decimal; margin_percent: Decimal | null; loss: boolean }[]
  losses: { count: number; amount: Decimal }
}
export interface Churn {
  definitions: Record<string, string>
  currency?: string
  months: {
    month: string
    opening: number
    new: number
    lost: number
    logo_churn_percent: Decimal | null
    revenue_opening: Decimal
    revenue_lost: Decimal
    contraction: Decimal
    expansion: Decimal
    gross_churn_percent: Decimal | null
    net_retention_percent: Decimal | null
  }[]
  cohorts: { month: string; size: number; retained: Decimal[] }[]
  survival: { month: number; at_risk: number; events: number; survival: Decimal; low: Decimal; high: Decimal }[]
  at_risk: { account_id: string; name: string; decay: Decimal; last_usage_at: Moment | null; revenue_last: Decimal }[]
}
export interface Spend {
  id: string
  channel: string
  campaign: string | null
  month: string
  amount: Decimal
  currency: string
  created_at: Moment
}
export interface Acquisition {
  currency: string
  rows: AcquisitionRow[]
  total: Omit<AcquisitionRow, 'channel' | 'campaign'>
}
export interface AcquisitionRow {
  channel: string
  campaign: string | null
  spend: Decimal
  accounts: number
  cac: Decimal | null
  revenue: Decimal
  margin: Decimal
  payback_months: Decimal | null
}
export interface AuditRow {
  id: string
  at: Moment
  kind: string
  account_id: string
  actor: { kind: string; id: string; name: string | null } | null
  summary: string
  data: unknown
}
export interface Page<Row> {
  data: Row[]
  next_cursor: string | null
}
type Paging = { limit?: number; cursor?: string }

export interface ContractPaths {
  '/portal/sign-in': { post: Op<undefined, undefined, { email: string; slug?: string }, { sent: true }, 202> }
  '/portal/session': Get<undefined, Session> & {
    post: Op<undefined, undefined, { token: string; account_id?: string } | { api_key: string }, Session | ChooseAccount, 200 | 201>
    delete: Op<undefined, undefined, never, { signed_out: number }>
  }
  '/portal/sessions': Get<undefined, Page<SessionRow>> & { delete: Op<undefined, undefined, never, { signed_out: number }> }
  '/portal/brand': Get<{ slug?: string }, PublicBrand>
  '/reseller/accounts/{id}/brand': Get<undefined, BrandView, { id: string }> & {
    put: Op<undefined, { id: string }, BrandTokens & { locked?: string[] }, BrandView>
  }
  '/reseller/accounts/{id}/brand/preview': { post: Op<undefined, { id: string }, BrandTokens, BrandPreview> }
  '/reseller/accounts/{id}/brand/logo': {
    put: Op<undefined, { id: string }, { image: string }, BrandView>
    delete: Op<undefined, { id: string }, never, BrandView>
  }
  '/reseller/accounts/{id}/brand/slug': {
    put: Op<undefined, { id: string }, { slug: string }, BrandView>
    delete: Op<undefined, { id: string }, never, BrandView>
  }
  '/reseller/accounts/{id}/brand/host': {
    put: Op<undefined, { id: string }, { host: string }, BrandView>
    delete: Op<undefined, { id: string }, never, BrandView>
  }
  '/reseller/accounts/{id}/brand/host/verify': { post: Op<undefined, { id: string }, never, BrandView> }
  '/reseller/insights/overview': Get<{ account_id?: string; period?: string }, InsightsOverview>
  '/reseller/insights/accounts': Get<InsightsFilter & { limit?: number; offset?: number }, InsightsAccounts>
  '/reseller/insights/accounts/csv': Get<InsightsFilter, Download>
  '/reseller/insights/attribution': Get<{ account_id?: string; from?: string; to?: string }, Attribution>
  '/reseller/insights/profitability': Get<{ account_id?: string; month?: string; by?: 'account' | 'meter' | 'level' }, Profitability>
  '/reseller/insights/churn': Get<{ account_id?: string; months?: number }, Churn>
  '/reseller/insights/spend': Get<{ from?: string; to?: string } & Paging, Page<Spend>> & {
    post: Op<undefined, undefined, { channel: string; campaign?: string; month: string; amount: Decimal }, Spend, 201>
  }
  '/reseller/insights/spend/{id}': { delete: Op<undefined, { id: string }, never, Spend> }
  '/reseller/insights/acquisition': Get<{ account_id?: string; from?: string; to?: string }, Acquisition>
  '/reseller/insights/audit': Get<
    { account_id?: string; kind?: string; actor?: string; from?: string; to?: string; subtree?: boolean } & Paging,
    Page<AuditRow>
  >
}
