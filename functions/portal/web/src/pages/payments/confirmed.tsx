import { Empty } from '~/ui/state'

/** The page after a bank's own. It knows neither who comes nor what the bank said: that arrives by another way. */
export default function Confirmed() {
  return (
    <main className="mx-auto max-w-lg pt-24">
      <h1 className="sr-only">Your bank has answered</h1>
      <Empty icon="check" title="Your bank has answered">
        You can close this window. Whether the payment went through is on the page from which you came.
      </Empty>
    </main>
  )
}
