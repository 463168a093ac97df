import type { Schema } from '~/api/client'
import { count, money, type Place } from '~/lib/format'

export type Alert = Schema<'Alert'>
export type Metric = Alert['metric']
type Watched = Pick<Alert, 'metric' | 'meter' | 'period' | 'threshold'>

export const METRICS: Record<Metric, { label: string; says: string; side: 'below' | 'above' }> = {
  balance: { label: 'Balance', says: 'The credit that is free to spend falls below the threshold.', side: 'below' },
  time_to_empty: { label: 'Days until empty', says: 'At the usage that is forecast, the credit lasts fewer days than this. Without a forecast nothing is told.', side: 'below' },
  spend: { label: 'Spend', says: 'What the account pays for usage in the day or month goes above the threshold.', side: 'above' },
  usage: { label: 'Usage of a meter', says: 'What the account and everything below it use of one meter goes above the threshold.', side: 'above' },
  loss: { label: 'Loss', says: 'What is paid for usage, less what sub-accounts pay for it, goes above the threshold: it is sold for less than it costs.', side: 'above' },
}

/** Whether a metric is added up over a day or a month. */
export function hasPeriod(metric: Metric): boolean {
  return metric === 'spend' || metric === 'usage' || metric === 'loss'
}

/** A value of the metric in its unit. */
export function valueOf(alert: Pick<Watched, 'metric' | 'meter'>, value: string, currency: string, place: Place): string {
  if (alert.metric === 'time_to_empty') return `${count(value, place, 1)} ${Number(value) === 1 ? 'day' : 'days'}`
  if (alert.metric === 'usage') return `${count(value, place)} ${alert.meter ?? ''}`.trim()
  return money(value, currency, place)
}

/** What an alert watches, in a sentence. */
export function sentence(alert: Watched, currency: string, place: Place): string {
  const value = valueOf(alert, alert.threshold, currency, place)
  const when = alert.period ? ` in a ${alert.period}` : ''
  switch (alert.metric) {
    case 'balance':
      return `Balance below ${value}`
    case 'time_to_empty':
      return `Credit lasts less than ${value}`
    case 'spend':
      return `Spend above ${value}${when}`
    case 'usage':
      return `Usage above ${value}${when}`
    case 'loss':
      return `Loss above ${value}${when}`
  }
}

/** Whom an alert tells, in words. */
export function told(channels: Alert['channels']): string {
  const emails = channels.emails ?? []
  const parts = [channels.webhook ? 'webhooks' : null, emails.length === 1 ? emails[0] : emails.length > 1 ? `${emails.length} addresses` : null].filter(Boolean)
  return parts.length ? parts.join(' and ') : 'events only'
}
