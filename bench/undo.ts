/** What must be taken back at the end, also when the end is Ctrl-C: processes by their id, temporary directories. */
export class Undo {
  readonly #steps = new Set<() => Promise<void> | void>()
  #ending = false

  /** @throws Error once `run` was called: what was just started is taken back at once, and nothing more should follow */
  add (step: () => Promise<void> | void): void {
    this.#steps.add(step)
    if (!this.#ending) return
    void this.run()
    throw new Error('ending')
  }

  /** True from the beginning of `run`. */
  get ending (): boolean {
    return this.#ending
  }

  forget (step: () => Promise<void> | void): void {
    this.#steps.delete(step)
  }

  /** Last in, first out; a step that fails is reported and does not stop the others. */
  async run (): Promise<void> {
    this.#ending = true
    for (const step of [...this.#steps].reverse()) {
      this.#steps.delete(step)
      try {
        await step()
      } catch (error) {
        process.stderr.write(`cleaning up: ${String(error)}\n`)
      }
    }
  }
}
