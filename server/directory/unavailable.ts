/** Whether a password is right cannot be told now, since who knows (a directory server) does not answer. The message says who and why. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}
