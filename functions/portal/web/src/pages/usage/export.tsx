import { useState } from 'react'
import { api } from '~/api/client'
import { useApi } from '~/api/query'
import { count, date } from '~/lib/format'
import { safeHttp } from '~/lib/links'
import { useViewer } from '~/session/session'
import { Button } from '~/ui/button'
import { Dialog } from '~/ui/dialog'
import { Form, SelectField, useSubmit } from '~/ui/form'
import { Notice } from '~/ui/state'

/** Asks for a file of usage, and follows it until it can be downloaded. */
export function Export({ query, onClose }: { query: { account_id?: string; subtree?: boolean; from?: string; to?: string }; onClose: () => void }) {
  const { place } = useViewer()
  const [format, setFormat] = useState<'csv' | 'jsonl' | 'parquet'>('csv')
  const [id, setId] = useState<string | null>(null)
  const ask = useSubmit(
    (input: 'csv' | 'jsonl' | 'parquet', idempotencyKey: string) =>
      api.post('/reseller/usage/export', { body: { format: input, from: query.from as string, to: query.to as string, subtree: query.subtree ?? false, ...(query.account_id ? { account_id: query.account_id } : {}) }, idempotencyKey }),
    ({ data }) => setId(data.id),
  )
  const [over, setOver] = useState(false)
  const job = useApi('/reseller/usage/exports/{id}', { path: { id: id ?? '' } }, { enabled: id !== null, everyMs: over ? false : 2000 })
  const status = job.data?.status
  if (!over && (status === 'completed' || status === 'failed' || status === 'expired')) setOver(true)
  const link = safeHttp(job.data?.download_url)
  return (
    <Dialog open sticky={ask.busy} onClose={onClose} title="Export usage" footer={<Button disabled={ask.busy} onClick={onClose}>{status === 'completed' ? 'Close' : 'Cancel'}</Button>}>
      {id === null ? (
        <Form error={ask.error} onSubmit={() => void ask.submit(format)}>
          <p className="text-sm text-soft">
            A row for each event, from {date(query.from ?? null, place, 'full')} to {date(query.to ?? null, place, 'full')}, with the figures of your level.
          </p>
          <SelectField
            label="Format"
            pointer="/format"
            value={format}
            onChange={(value) => setFormat(value as typeof format)}
            options={[
              { value: 'csv', label: 'CSV, for spreadsheets' },
              { value: 'jsonl', label: 'JSON Lines' },
              { value: 'parquet', label: 'Parquet, for data tools' },
            ]}
          />
          <Button type="submit" look="primary" busy={ask.busy}>
            Make the file
          </Button>
        </Form>
      ) : status === 'completed' && link ? (
        <Notice tone="good" title={`${count(job.data?.rows ?? 0, place)} rows`}>
          <a href={link} download rel="noopener">
            Download
          </a>{' '}
          <span className="text-soft">The link works for 15 minutes.</span>
        </Notice>
      ) : status === 'failed' || status === 'expired' ? (
        <Notice tone="bad" title="The file could not be made">
          {job.data?.error ?? 'It is no longer kept.'}
        </Notice>
      ) : job.error ? (
        <Notice tone="bad" title={job.error.title} action={<Button small onClick={() => void job.refetch()}>Try again</Button>}>
          {job.error.message}
        </Notice>
      ) : (
        <p role="status" className="text-sm text-soft">
          The file is being made. You can close this: it goes on, and stands under your exports.
        </p>
      )}
    </Dialog>
  )
}
