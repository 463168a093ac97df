import { useCallback, useEffect, useRef, useState } from 'react'
import { api, type Reply } from '~/api/client'
import type { BrandView } from '~/api/contract'
import { ApiError } from '~/api/problem'
import { safeHttp } from '~/lib/links'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Meanwhile } from '~/ui/draft'
import { Problem, useSubmit } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { toast } from '~/ui/toast'

const TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif']
const BYTES_MAX = 200 * 1024
const SIDE_MAX = 4096

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(text)
}

/** What is wrong with a file before it is sent; null for nothing. The platform decides; this only spares the way there. */
async function wrongWith(file: File): Promise<string | null> {
  if (!TYPES.includes(file.type)) return 'Choose a PNG, JPEG, WebP or GIF. SVG is not taken, since it can hold script.'
  if (file.size > BYTES_MAX) return `The file has ${Math.ceil(file.size / 1024)} KB; at most 200 KB are taken.`
  try {
    const image = await createImageBitmap(file)
    const { width, height } = image
    image.close()
    return width > SIDE_MAX || height > SIDE_MAX ? `The picture has ${width} × ${height} pixels; at most ${SIDE_MAX} × ${SIDE_MAX} are taken.` : null
  } catch {
    return 'This file cannot be read as a picture.'
  }
}

/** The logo: chosen, looked at, then sent. `onDraft` shows the chosen one in the preview before it is saved. */
export function Logo({ accountId, current, own, may, locked, lockedBelow, onLock, onDraft, etag, onSaved, load }: {
  accountId: string
  /** The one in force, the account's own or inherited. */
  current: string | null
  own: boolean
  may: boolean
  /** Somebody above decides it. */
  locked: boolean
  lockedBelow: boolean
  onLock: (locked: boolean) => void
  onDraft: (url: string | null) => void
  /** The version that is shown. */
  etag: string | null
  onSaved: (reply: Reply<BrandView>) => void
  load: (loaded: () => void) => Promise<void>
}) {
  const input = useRef<HTMLInputElement>(null)
  const [chosen, setChosen] = useState<{ file: File; url: string } | null>(null)
  const [wrong, setWrong] = useState<string | null>(null)
  const [removing, setRemoving] = useState(false)
  const [over, setOver] = useState(false)
  useEffect(() => () => { if (chosen) URL.revokeObjectURL(chosen.url) }, [chosen])
  const choose = useCallback(
    (next: { file: File; url: string } | null) => {
      setChosen(next)
      onDraft(next?.url ?? null)
      if (input.current) input.current.value = ''
    },
    [onDraft],
  )
  const take = async (file: File | undefined) => {
    if (!file) return
    const found = await wrongWith(file)
    setWrong(found)
    if (!found) choose({ file, url: URL.createObjectURL(file) })
  }
  const upload = useSubmit(
    useCallback(async (file: File) => api.put('/reseller/accounts/{id}/brand/logo', { path: { id: accountId }, body: { image: base64(new Uint8Array(await file.arrayBuffer())) }, ifMatch: etag ?? undefined }), [accountId, etag]),
    useCallback(
      (reply: Reply<BrandView>) => {
        toast.done('The logo was saved.')
        choose(null)
        onSaved(reply)
      },
      [choose, onSaved],
    ),
  )
  const removal = useSubmit(
    useCallback((id: string) => api.delete('/reseller/accounts/{id}/brand/logo', { path: { id }, ifMatch: etag ?? undefined }), [etag]),
    useCallback(
      (reply: Reply<BrandView>) => {
        setRemoving(false)
        toast.done('The logo was removed.')
        onSaved(reply)
      },
      [onSaved],
    ),
  )
  const shown = chosen?.url ?? safeHttp(current)
  const error: ApiError | null = upload.error
  const staleRemoval = removal.error?.code === 'precondition_failed'
  return (
    <Card title="Logo" sub="PNG, JPEG, WebP or GIF, at most 200 KB. It is drawn anew at 512 × 256 or smaller, and what else the file holds is dropped.">
      {error?.code === 'precondition_failed' ? <Meanwhile what="This brand" load={() => void load(upload.reset)} /> : error && <Problem error={error} />}
      <div
        className={`mt-2 flex flex-wrap items-center gap-4 rounded-lg border border-dashed p-3 ${over ? 'border-(--accent-ink) bg-accent-wash' : 'border-line-strong'}`}
        onDragOver={(event) => {
          if (!may || locked) return
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          setOver(false)
          if (may && !locked) void take(event.dataTransfer.files[0])
        }}
      >
        <div className="grid h-16 w-32 shrink-0 place-items-center overflow-hidden rounded bg-white p-2" style={{ colorScheme: 'light' }}>
          {shown ? <img src={shown} alt="Logo" className="max-h-full max-w-full object-contain" /> : <span className="text-xs text-[#545d6b]">No logo</span>}
        </div>
        {locked ? (
          <p className="text-sm text-soft">The logo is set further up and cannot be changed here.</p>
        ) : may ? (
          <div className="space-y-2">
            <input ref={input} type="file" accept={TYPES.join(',')} className="sr-only" tabIndex={-1} aria-hidden="true" aria-label="Logo file" onChange={(event) => void take(event.target.files?.[0])} />
            <div className="flex flex-wrap gap-2">
              {chosen ? (
                <>
                  <Button look="primary" busy={upload.busy} onClick={() => void upload.submit(chosen.file)}>
                    Save this logo
                  </Button>
                  <Button onClick={() => choose(null)}>Discard</Button>
                </>
              ) : (
                <>
                  <Button onClick={() => input.current?.click()}>{own ? 'Replace' : 'Choose a file'}</Button>
                  {own && (
                    <Button look="quiet" icon="trash" onClick={() => setRemoving(true)}>
                      Remove
                    </Button>
                  )}
                </>
              )}
            </div>
            <p className="text-xs text-soft">{chosen ? `${chosen.file.name}, ${Math.ceil(chosen.file.size / 1024)} KB: not saved yet.` : own || !current ? 'Or drop a file here.' : 'This one is inherited. Or drop a file here.'}</p>
          </div>
        ) : null}
      </div>
      <label className="mt-2 flex items-center gap-2 text-xs text-soft">
        <input type="checkbox" className="size-4 accent-(--accent-ink)" checked={lockedBelow || locked} disabled={!may || locked} aria-label="Lock the logo for all below" onChange={(event) => onLock(event.target.checked)} />
        <Icon name="lock" size={13} />
        Locked below
      </label>
      {wrong && (
        <p role="alert" className="mt-2 text-xs text-bad">
          {wrong}
        </p>
      )}
      <Confirm open={removing} onClose={() => { setRemoving(false); removal.reset() }} onConfirm={() => void removal.submit(accountId)} title="Remove the logo?" action="Remove" danger busy={removal.busy} error={staleRemoval ? null : removal.error}>
        {staleRemoval && <Meanwhile what="This brand" load={() => void load(removal.reset)} />}
        <p>Pages, mails and new invoices show the logo from above, or the name. Invoices that are issued already keep theirs.</p>
      </Confirm>
    </Card>
  )
}
