const units = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const

/** As the settings are written: '1.5 MB', 1 KB = 1024 bytes. */
export function size (bytes: number): string {
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** step
  return `${Number.isInteger(amount) || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[step] ?? ''}`
}
