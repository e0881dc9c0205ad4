/** Signals joined. */

/** Fires with the first of the signals. */
export function either(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}
