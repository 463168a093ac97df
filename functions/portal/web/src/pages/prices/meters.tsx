import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { CheckField, SelectField, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { toast } from '~/ui/toast'
import { SellerFilter, useOpening } from './common'
import { PriceTabs } from './tabs'

type Row = Schema<'Meter'>
const WAYS: Record<Schema<'Aggregation'>, string> = { sum: 'Quantities added up', count: 'Number of events', max: 'Largest quantity of the month', unique: 'Number of different values' }
const changed = () => void refresh('/reseller/pricing')

/** The meters that an account and those below it can use. */
export default function Meters() {
  const { can } = useViewer()
  const [filters, setFilters] = useFilters<'seller'>()
  const list = useList('/reseller/pricing/meters', { query: { limit: 50, account_id: filters.seller } }, { keep: true })
  // With the version that it was read at: what is read while it is edited has another.
  const [edited, setEdited] = useState<{ meter: Row; etag: string | null } | null>(null)
  const making = useOpening()
  const manage = can('pricing.manage')
  const show = (row: Row | null) => {
    setEdited(row && { meter: row, etag: list.etag })
    making.show()
  }
  const columns: Column<Row>[] = [
    { id: 'name', head: 'Name', cell: (row) => <span className="font-medium">{row.name}</span> },
    { id: 'key', head: 'Key', width: 9, cell: (row) => <code className="font-mono text-xs">{row.key}</code> },
    { id: 'unit', head: 'Unit', width: 7, from: 'sm', cell: (row) => row.unit },
    { id: 'how', head: 'Counts', width: 14, from: 'md', cell: (row) => `${WAYS[row.aggregation]}${row.unique_by ? ` of ${row.unique_by}` : ''}` },
    { id: 'dimensions', head: 'Kept for reports', width: 12, from: 'xl', cell: (row) => row.dimensions.join(', ') || '–' },
    { id: 'tier', head: 'In tiers', width: 5, from: 'lg', cell: (row) => (row.counts_to_tier ? 'Yes' : 'No') },
    { id: 'owner', head: '', width: 6.5, align: 'right', cell: (row) => (row.inherited ? <Badge>From above</Badge> : manage && <Button small look="quiet" onClick={() => show(row)}>Edit</Button>) },
  ]
  return (
    <>
      <PageHead title="Meters" sub="What is counted. Meters from above are for everybody; your own are for what is below you, and cost you nothing." actions={manage && <Button look="primary" icon="plus" onClick={() => show(null)}>Make a meter</Button>} />
      <PriceTabs current="meters" />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <SellerFilter value={filters.seller} onChange={(seller) => setFilters({ seller })} />
      </div>
      <Card flush>
        <DataTable label="Meters" columns={columns} rowId={(row) => row.key} {...list} empty={<Empty icon="usage" title="No meters yet" action={manage && <Button onClick={() => show(null)}>Make a meter</Button>}>Usage is counted by meters: make one for each thing that you sell.</Empty>} />
      </Card>
      <MeterDialog key={making.round} open={making.open} onClose={making.close} meter={edited?.meter ?? null} etag={edited?.etag ?? null} owner={filters.seller} />
    </>
  )
}

function MeterDialog({ open, onClose, meter, etag, owner }: { open: boolean; onClose: () => void; meter: Row | null; etag: string | null; owner: string | undefined }) {
  const [key, setKey] = useState(meter?.key ?? '')
  const [name, setName] = useState(meter?.name ?? '')
  const [unit, setUnit] = useState(meter?.unit ?? '')
  const [aggregation, setAggregation] = useState<Schema<'Aggregation'>>(meter?.aggregation ?? 'sum')
  const [dimensions, setDimensions] = useState(meter?.dimensions.join(', ') ?? '')
  const [uniqueBy, setUniqueBy] = useState(meter?.unique_by ?? '')
  const [tier, setTier] = useState(meter?.counts_to_tier ?? true)
  const { submit, busy, error } = useSubmit(
    async (input: { dimensions: string[]; name: string; unit: string; counts_to_tier: boolean; make: { key: string; aggregation: Schema<'Aggregation'>; unique_by?: string } | null }, idempotencyKey) => {
      const { make, ...edit } = input
      if (make) await api.post('/reseller/pricing/meters', { body: { account_id: owner, ...edit, ...make } as Schema<'CreateMeter'>, idempotencyKey })
      else await api.put('/reseller/pricing/meters/{key}', { path: { key }, body: { account_id: owner, ...edit }, ifMatch: etag ?? undefined })
    },
    () => {
      toast.done(meter ? 'The meter is changed' : 'The meter is made')
      changed()
      onClose()
    },
  )
  const stale = error?.code === 'precondition_failed'
  const list = dimensions.split(/[\s,]+/).filter(Boolean)
  return (
    <FormDialog
      wide
      open={open}
      onClose={onClose}
      title={meter ? `Edit ${meter.name}` : 'Make a meter'}
      action={meter ? 'Save' : 'Make it'}
      busy={busy}
      error={stale ? null : error}
      onSubmit={() => void submit({ name: name.trim(), unit: unit.trim(), dimensions: list, counts_to_tier: tier, make: meter ? null : { key: key.trim(), aggregation, unique_by: aggregation === 'unique' ? uniqueBy.trim() : undefined } })}
    >
      {stale && <Notice tone="warn" title="Somebody changed meters or prices meanwhile" action={<Button small onClick={() => { changed(); onClose() }}>Load it anew</Button>}>Nothing was saved. Look at it, then make your change again.</Notice>}
      <Notice>{meter ? 'Key and the way of counting never change: make another meter for that.' : 'Its key and the way it counts never change afterwards.'}</Notice>
      <TextField label="Name" pointer="/name" required maxLength={200} value={name} onChange={setName} />
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField label="Key" pointer="/key" required disabled={meter !== null} pattern="[a-z][a-z0-9_.-]{0,39}" title="Small letters, digits, . _ -" value={key} onChange={setKey} hint="As sms.outbound: usage names it." />
        <TextField label="Unit" pointer="/unit" required value={unit} onChange={setUnit} hint="What one of it is called: message." />
      </div>
      <SelectField label="Counts" pointer="/aggregation" disabled={meter !== null} value={aggregation} onChange={(value) => setAggregation(value as Schema<'Aggregation'>)} options={Object.entries(WAYS).map(([value, label]) => ({ value, label: `${label} (${words(value).toLowerCase()})` }))} hint={aggregation === 'max' || aggregation === 'unique' ? 'Usage of such a meter cannot be taken back.' : undefined} />
      <TextField label="Properties kept for reports" pointer="/dimensions" optional value={dimensions} onChange={setDimensions} wrong={list.length > 5 ? 'At most five' : null} hint="Up to five, as country, carrier." />
      {aggregation === 'unique' && <TextField label="Whose different values are counted" pointer="/unique_by" required disabled={meter !== null} value={uniqueBy} onChange={setUniqueBy} hint="One of the properties above." />}
      <CheckField label="Counts towards volume tiers" value={tier} onChange={setTier} />
    </FormDialog>
  )
}
