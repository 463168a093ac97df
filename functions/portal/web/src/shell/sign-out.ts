import { api } from '~/api/client'
import { asApiError } from '~/api/problem'
import { forget } from '~/session/session'
import { toast } from '~/ui/toast'

/**
 * Ends this session, or all of the person's. The page is loaded anew, so that nothing of it stays in memory. If the platform cannot be told, the
 * session goes on and that is said.
 */
export async function signOut(base: string, everywhere = false) {
  try {
    if (everywhere) await api.delete('/portal/sessions')
    else await api.delete('/portal/session')
  } catch (error) {
    if (asApiError(error).status !== 401) {
      toast.failed(error, 'You are still signed in.')
      return
    }
  }
  forget()
  location.assign(`${base}/sign-in`)
}
