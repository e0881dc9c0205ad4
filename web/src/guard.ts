/** Every rejection of the public interface is an `AudioFlamingoError` with a `cause`. */

import { Aborted, AudioFlamingoError, fromWire, toWire } from "./errors.js";

/** Runs `work`. What it throws becomes an `AudioFlamingoError`. */
export async function guarded<T>(work: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw asPackageError(thrown, signal);
  }
}

/** The error to reject with. Under an aborted signal: `Aborted`, with the signal's reason as its cause. */
function asPackageError(thrown: unknown, signal: AbortSignal | undefined): AudioFlamingoError {
  const error = thrown instanceof AudioFlamingoError ? thrown : fromWire(toWire(thrown));
  if (signal?.aborted && (error.code === "ABORTED" || thrown === signal.reason)) return aborted(signal.reason);
  if (error !== thrown) error.cause = thrown;
  return error;
}

/** A reason of this package, such as `Disposed`, is the error itself. */
function aborted(reason: unknown): AudioFlamingoError {
  if (reason instanceof AudioFlamingoError) return reason;
  const error = new Aborted();
  error.cause = reason;
  return error;
}
