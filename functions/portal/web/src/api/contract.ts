/** Names for what the API's document calls by its own. */

import type { components, operations } from './schema'

type Schemas = components['schemas']
type Query<Name extends keyof operations> = NonNullable<operations[Name]['parameters']['query']>

export type AccountKind = Schemas['Kind']
export type AccountStatus = Schemas['AccountStatus']
export type Right = Schemas['Right']
export type Session = Schemas['CurrentSession']
export type ChooseAccount = Schemas['ChooseAccount']
export type SessionRow = Schemas['ListedSession']
export type PublicBrand = Schemas['PortalBrand']
/** A part of a brand that can be locked: its tokens and the logo. */
export type BrandPart = Schemas['BrandToken']
export type BrandTokens = Schemas['BrandTokens']
export type BrandView = Schemas['Brand']
export type BrandPreview = Schemas['BrandPreview']
export type AttentionKind = Schemas['InsightsAttentionKind']
/** What the first view shows of an account that sells. A customer's own has `spend` in place of all that is of selling; no page asks for it. */
export type InsightsOverview = Schemas['InsightsOverview'] & Schemas['InsightsReselling']
export type InsightsSort = Schemas['InsightsSort']
export type InsightsFilter = Omit<Query<'list_insights_accounts'>, 'limit' | 'offset'>
export type InsightsAccount = Schemas['InsightsAccount']
export type InsightsAccounts = Schemas['InsightsAccounts']
export type Attribution = Schemas['InsightsAttribution']
export type ProfitBy = Schemas['InsightsProfitBy']
export type ProfitRow = Schemas['InsightsProfitRow']
export type Profitability = Schemas['InsightsProfitability']
export type Churn = Schemas['InsightsChurn']
export type Spend = Schemas['Spend']
export type Acquisition = Schemas['InsightsAcquisition']
export type AcquisitionRow = Schemas['InsightsAcquisitionRow']
export type AuditRow = Schemas['AuditRecord']
