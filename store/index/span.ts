/** Spans up to this long (s) are found by their start; longer ones are in a table of their own. */
export const longestSpan = 32 * 86_400
