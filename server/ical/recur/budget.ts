/** What an expansion may cost. Shared by everything it is handed to; once `exhausted`, answers are incomplete. */
export class Budget {
  /** True when something was left out. */
  exhausted = false
  /** What was too little; more instances are not found by more work. */
  outOf: 'work' | 'instances' | undefined
  private steps: number
  private instances: number
  private readonly deadline: number

  /** @param limits defaults: 100,000 steps (days, months … looked at), 100,000 instances, no time limit */
  constructor (limits: { readonly instances?: number, readonly steps?: number, readonly milliseconds?: number } = {}) {
    this.steps = limits.steps ?? 100_000
    this.instances = limits.instances ?? 100_000
    this.deadline = limits.milliseconds === undefined ? Infinity : performance.now() + limits.milliseconds
  }

  /** Spends one step; false when there is none left. */
  step (): boolean {
    if (--this.steps < 0 || (this.deadline !== Infinity && (this.steps & 15) === 0 && performance.now() > this.deadline)) {
      this.exhausted = true
      this.outOf ??= 'work'
      this.steps = 0
      return false
    }
    return true
  }

  /** Spends many steps for something that was done in one piece. */
  spend (steps: number): void {
    // what was done is there; only what comes next is too much
    this.steps = this.deadline !== Infinity && performance.now() > this.deadline ? 0 : Math.max(0, this.steps - steps)
  }

  /** Spends one instance; false when there is none left. */
  instance (): boolean {
    if (--this.instances >= 0) return true
    this.exhausted = true
    this.outOf ??= 'instances'
    return false
  }
}
