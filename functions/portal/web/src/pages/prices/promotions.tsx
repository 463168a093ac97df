import { type ReactNode, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { readMoment } from '~/lib/days'
import { exactMoney, readDecimal } from '~/lib/exact'
import { words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Choice } from '~/pages/invoices/actions'
import { AccountField, AccountName, useAccount } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Act, Ask } from '~/ui/ask'
import { State } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Copy, Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { CheckField, FilterSelect, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { LossField, MomentField, SellerFilter, useMeters, useOpening } from './common'
import { PriceTabs } from './tabs'

type Row = Schema<'Promotion'>
const STATES: Schema<'PromotionStatus'>[] = ['scheduled', 'in_force', 'past']
const changed = () => void refresh('/reseller/pricing')

/** The promotions that an account gives. */
export default function Promotions() {
  const { account, place, can } = useViewer()
  const [filters, setFilters] = useFilters<'seller' | 'status'>()
  const status = STATES.find((known) => known === filters.status)
  const list = useList('/reseller/pricing/promotions', { query: { limit: 50, seller_id: filters.seller, status } }, { keep: true })
  const [opened, setOpened] = useState<Row | null>(null)
  const making = useOpening()
  const manage = can('pricing.manage')
  const takes = (row: Row) => (row.percent ? `${row.percent} %` : `${exactMoney(row.fixed ?? '0', row.currency ?? account.currency, place)} a unit`)
  const columns: Column<Row>[] = [
    { id: 'name', head: 'Name', cell: (row) => <button type="button" className="max-w-full truncate font-medium decoration-line-strong decoration-dotted underline-offset-4 hover:underline" onClick={() => setOpened(row)}>{row.name}</button> },
    { id: 'takes', head: 'Takes off', width: 8, cell: takes },
    { id: 'code', head: 'Code', width: 8, from: 'lg', cell: (row) => (row.code ? <code className="font-mono text-xs">{row.code}</code> : <span className="text-soft">None</span>) },
    { id: 'by', head: 'Borne by', width: 8, from: 'lg', cell: (row) => (row.funded_by === 'owner' ? 'Its owner' : 'Each seller') },
    { id: 'span', head: 'From – until', width: 15.5, from: 'md', cell: (row) => <span className="whitespace-nowrap"><Time at={row.starts_at} style="date" /> – <Time at={row.ended_at ?? row.ends_at} style="date" /></span> },
    { id: 'status', head: 'State', width: 6.5, from: 'sm', cell: (row) => <State state={row.status} /> },
  ]
  return (
    <>
      <PageHead
        title="Promotions"
        sub="Something off for a time. Of several that fit an event, the one that takes most off counts."
        actions={
          manage && (
            <>
              {account.kind !== 'operator' && <Redeem />}
              <Button look="primary" icon="plus" onClick={making.show}>Give a promotion</Button>
            </>
          )
        }
      />
      <PriceTabs current="promotions" />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <FilterSelect label="State" value={status ?? ''} onChange={(value) => setFilters({ status: value })} options={[{ value: '', label: 'Any state' }, ...STATES.map((value) => ({ value, label: words(value) }))]} />
        <SellerFilter value={filters.seller} onChange={(seller) => setFilters({ seller })} />
      </div>
      <Card flush>
        <DataTable
          label="Promotions"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          onOpen={setOpened}
          empty={<Empty icon="pricing" title={status ? 'No promotion in this state' : 'No promotions yet'} action={manage && <Button onClick={making.show}>Give a promotion</Button>}>A promotion takes a share or a fixed amount off what the accounts below pay, for a time, with a cap if you like.</Empty>}
        />
      </Card>
      <Sheet open={opened !== null} onClose={() => setOpened(null)} title={opened?.name ?? ''}>
        {opened && <Shown row={opened} takes={takes(opened)} manage={manage} onClose={() => setOpened(null)} />}
      </Sheet>
      <NewPromotion key={making.round} open={making.open} onClose={making.close} seller={filters.seller} />
    </>
  )
}

function Shown({ row, takes, manage, onClose }: { row: Row; takes: string; manage: boolean; onClose: () => void }) {
  const [asking, setAsking] = useState(false)
  const { nameOf } = useMeters(row.seller_id)
  return (
    <div className="space-y-5 text-sm">
      <Facts
        rows={[
          ['State', <State key="state" state={row.status} />],
          ['Takes off', takes],
          ['For meters', row.meters.length > 0 ? row.meters.map(nameOf).join(', ') : 'All'],
          ['For', row.account_id ? <AccountName key="for" id={row.account_id} /> : 'All accounts below'],
          ['Code', row.code ? <span key="code" className="flex items-center gap-1"><code className="font-mono text-xs">{row.code}</code><Copy text={row.code} what="code" /></span> : 'None: everybody has it'],
          ['Cap', row.cap ? <span key="cap"><Amount value={row.cap} currency={row.currency ?? undefined} /> for each using account, ever</span> : 'None'],
          ['Borne by', row.funded_by === 'owner' ? 'Its owner: the price of every level below falls alike, margins between stay whole' : 'The using account’s direct seller: only that price falls'],
          ['Under cost', row.allow_loss ? 'Allowed' : 'Refused'],
          ['From', <Time key="from" at={row.starts_at} />],
          ['Until', <Time key="until" at={row.ends_at} />],
          ...(row.ended_at ? [['Ended before', <Time key="ended" at={row.ended_at} />] as [string, ReactNode]] : []),
          ['Id', <Id key="id" id={row.id} what="promotion id" />],
        ]}
      />
      {manage && (row.status === 'in_force' || row.status === 'scheduled') && (
        <Button icon="close" onClick={() => setAsking(true)}>
          End it now
        </Button>
      )}
      <Ask
        open={asking}
        onClose={() => setAsking(false)}
        title={`End “${row.name}” now?`}
        action="End it"
        danger
        input={row.id}
        send={(id) => api.post('/reseller/pricing/promotions/{id}/end', { path: { id }, body: { seller_id: row.seller_id } })}
        done={() => {
          toast.done('The promotion has ended')
          changed()
          onClose()
        }}
      >
        <p>From now on it takes nothing off. What it gave stays given. It cannot be begun again.</p>
      </Ask>
    </div>
  )
}

function Redeem() {
  const [code, setCode] = useState('')
  const [of, setOf] = useState('')
  return (
    <Act
      label="Redeem a code"
      title="Redeem a code"
      action="Redeem it"
      input={{ code: code.trim().toLowerCase(), account_id: of || undefined }}
      send={(body, key) => api.post('/reseller/pricing/promotions/redeem', { body, idempotencyKey: key })}
      done={({ data }) => {
        toast.done(`“${data.name}” is redeemed`)
        setCode('')
        changed()
      }}
    >
      <p>A promotion of an account further up holds from then on for the account that redeems its code, and for all below it.</p>
      <TextField label="Code" pointer="/code" required autoComplete="off" value={code} onChange={setCode} />
      <AccountField label="For" optional pointer="/account_id" value={of} onChange={setOf} hint="Your own account unless you choose one below." />
    </Act>
  )
}

function NewPromotion({ open, onClose, seller }: { open: boolean; onClose: () => void; seller?: string }) {
  const { account, place } = useViewer()
  const { meters } = useMeters(seller)
  const currency = useAccount(seller ?? account.id).currency ?? account.currency
  const [name, setName] = useState('')
  const [starts, setStarts] = useState('')
  const [ends, setEnds] = useState('')
  const [way, setWay] = useState<'percent' | 'fixed'>('percent')
  const [off, setOff] = useState('')
  const [only, setOnly] = useState<string[]>([])
  const [of, setOf] = useState('')
  const [cap, setCap] = useState('')
  const [code, setCode] = useState('')
  const [fundedBy, setFundedBy] = useState<Schema<'FundedBy'>>('owner')
  const [loss, setLoss] = useState(false)
  const { submit, busy, error } = useSubmit(
    (body: Schema<'CreatePromotion'>, key) => api.post('/reseller/pricing/promotions', { body, idempotencyKey: key }),
    () => {
      toast.done('The promotion is given')
      changed()
      onClose()
    },
  )
  const read = readDecimal(off, way === 'percent' ? 4 : 12)
  const readCap = cap ? readDecimal(cap, 6) : undefined
  const save = () => {
    const until = readMoment(ends, place.timeZone)
    if (read === null || readCap === null || !until) return
    void submit({
      seller_id: seller,
      name: name.trim(),
      starts_at: readMoment(starts, place.timeZone),
      ends_at: until,
      meters: only,
      account_id: of || undefined,
      ...(way === 'percent' ? { percent: read } : { fixed: read }),
      ...(way === 'fixed' || readCap ? { currency: currency as Schema<'Currency'> } : {}),
      cap: readCap,
      code: code.trim() || undefined,
      funded_by: fundedBy,
      allow_loss: loss,
    } as Schema<'CreatePromotion'>)
  }
  return (
    <FormDialog wide open={open} onClose={onClose} title="Give a promotion" action="Give it" busy={busy} error={error} onSubmit={save}>
      <TextField label="Name" pointer="/name" required maxLength={200} value={name} onChange={setName} />
      <fieldset className="grid gap-2 sm:grid-cols-2">
        <legend className="mb-1 text-sm font-medium">What it takes off</legend>
        <Choice name="off" checked={way === 'percent'} onChange={() => setWay('percent')} label="A share of the price" />
        <Choice name="off" checked={way === 'fixed'} onChange={() => setWay('fixed')} label="So much for each unit" />
      </fieldset>
      <TextField label={way === 'percent' ? 'Percent' : 'A unit'} pointer={way === 'percent' ? '/percent' : '/fixed'} required inputMode="decimal" suffix={way === 'percent' ? '%' : currency} value={off} onChange={setOff} wrong={off && read === null ? 'Not a number that fits' : null} hint="Never more than the price." />
      <div className="grid gap-3 sm:grid-cols-2">
        <MomentField label="From" pointer="/starts_at" optional value={starts} onChange={setStarts} />
        <MomentField label="Until" pointer="/ends_at" required value={ends} onChange={setEnds} />
      </div>
      <fieldset>
        <legend className="mb-1 text-sm font-medium">For which meters</legend>
        <p className="text-xs text-soft">All unless you choose some.</p>
        <div className="mt-1 grid gap-1.5 sm:grid-cols-2">
          {meters.map((meter) => (
            <CheckField key={meter.key} label={meter.name} value={only.includes(meter.key)} onChange={(on) => setOnly(on ? [...only, meter.key] : only.filter((key) => key !== meter.key))} />
          ))}
        </div>
      </fieldset>
      <AccountField label="Only for one account and what is below it" optional pointer="/account_id" value={of} onChange={setOf} />
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField label="Cap" pointer="/cap" optional inputMode="decimal" suffix={currency} value={cap} onChange={setCap} wrong={readCap === null ? 'Not an amount' : null} hint="The most that one using account gets, ever." />
        <TextField label="Code" pointer="/code" optional pattern="[a-z][a-z0-9_.-]{0,39}" title="Small letters, digits, . _ -" value={code} onChange={setCode} hint="Only who redeems it, and who stands below." />
      </div>
      <fieldset className="space-y-2">
        <legend className="mb-1 text-sm font-medium">Who bears it</legend>
        <Choice name="funded" checked={fundedBy === 'owner'} onChange={() => setFundedBy('owner')} label="You, who give it">
          The price of every level below falls by the same amount: margins between stay whole.
        </Choice>
        <Choice name="funded" checked={fundedBy === 'seller'} onChange={() => setFundedBy('seller')} label="The direct seller of the using account">
          Only that price falls. Its seller earns as much less.
        </Choice>
      </fieldset>
      {fundedBy === 'seller' && <Notice tone="warn">Sellers below you bear this, whether they like it or not.</Notice>}
      <LossField value={loss} onChange={setLoss} error={error} />
    </FormDialog>
  )
}
