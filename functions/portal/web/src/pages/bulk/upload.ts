import { api, type Schema } from '~/api/client'
import { ApiError } from '~/api/problem'

/** Uploads rows to the address that the API gives, and says how far it is, 0 to 1. Gives the upload's id. */
export async function uploadRows(rows: Blob, format: Schema<'BulkFormat'>, key: string, progress: (share: number) => void): Promise<string> {
  const { data } = await api.post('/reseller/bulk/uploads', { body: { format, bytes: rows.size }, idempotencyKey: key })
  await new Promise<void>((done, failed) => {
    // fetch does not tell how far an upload is.
    const request = new XMLHttpRequest()
    request.open(data.method, data.url)
    request.setRequestHeader('Content-Type', data.content_type)
    request.upload.onprogress = (event) => progress(event.lengthComputable ? event.loaded / event.total : 0)
    const fail = (detail: string) => failed(new ApiError(request.status, { code: 'upload_failed', title: 'The file could not be uploaded', detail }))
    request.onload = () => (request.status >= 200 && request.status < 300 ? done() : fail(`The store answered ${request.status}. Nothing was started: try again.`))
    request.onerror = () => fail('No answer came from the store. Nothing was started: check your connection and try again.')
    request.send(rows)
  })
  return data.upload_id
}
