import { refresh } from '~/api/query'

/** What is asked again after something was done with an invoice. */
export function invoiceChanged() {
  void refresh('/reseller/invoices', '/reseller/payments', '/reseller/credit-notes', '/reseller/disputes', '/reseller/credits', '/reseller/insights')
}
