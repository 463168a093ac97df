/** Kinds of ledger entries, in words for people. */
export const KINDS: Record<string, string> = {
  allocation: 'Allocation',
  transfer: 'Transfer',
  issue: 'Issued',
  reversal: 'Reversal',
  sweep: 'Swept on closing',
  hold: 'Held',
  capture: 'Hold captured',
  release: 'Hold released',
  expiry: 'Hold expired',
  purchase: 'Purchase',
  auto_topup: 'Auto top-up',
  lot_expired: 'Credit expired',
  usage: 'Usage',
  usage_adjustment: 'Usage adjusted',
  bulk_escrow: 'Set aside for a bulk job',
  bulk_return: 'Returned by a bulk job',
  invoice_payment: 'Invoice paid',
  credit_note: 'Credit note',
  card_topup: 'Top-up by card',
}
/** Those that can be sent back where they came from. */
export const REVERSIBLE = new Set(['allocation', 'transfer', 'purchase', 'issue'])
