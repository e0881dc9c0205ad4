/** Error classes with stable codes: match on `code`, show `message`. */

export type ErrorCode =
  | "NO_WEBGPU"
  | "INSUFFICIENT_MEMORY"
  | "INSUFFICIENT_STORAGE"
  | "LICENCE_NOT_ACCEPTED"
  | "WEIGHTS_CORRUPT"
  | "NETWORK_FAILED"
  | "ABORTED"
  | "DEVICE_LOST"
  | "WRONG_NUMBERS"
  | "UNSUPPORTED_AUDIO"
  | "BAD_MODEL"
  | "BAD_REQUEST"
  | "DISPOSED"
  | "INTERNAL";

const NAMES: Record<ErrorCode, string> = {
  NO_WEBGPU: "NoWebGpu",
  INSUFFICIENT_MEMORY: "InsufficientMemory",
  INSUFFICIENT_STORAGE: "InsufficientStorage",
  LICENCE_NOT_ACCEPTED: "LicenceNotAccepted",
  WEIGHTS_CORRUPT: "WeightsCorrupt",
  NETWORK_FAILED: "NetworkFailed",
  ABORTED: "Aborted",
  DEVICE_LOST: "DeviceLost",
  WRONG_NUMBERS: "WrongNumbers",
  UNSUPPORTED_AUDIO: "UnsupportedAudio",
  BAD_MODEL: "BadModel",
  BAD_REQUEST: "BadRequest",
  DISPOSED: "Disposed",
  INTERNAL: "AudioFlamingoError",
};

/** An error's details beyond its message. Plain data only, so that they can be posted from a worker. */
export type ErrorDetails = Record<string, string | number | undefined>;

/** Base of everything this package throws. `cause` is what was thrown first: the browser's error, or the `reason` of your signal. */
export class AudioFlamingoError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = NAMES[code]; // spelled out: minifiers rename classes
    this.code = code;
    this.details = details;
  }
}

/** The browser has no WebGPU, or no adapter that may be used. */
export class NoWebGpu extends AudioFlamingoError {
  constructor(message: string) {
    super("NO_WEBGPU", message);
  }
}

/** The device refuses what the model needs. */
export class InsufficientMemory extends AudioFlamingoError {
  /** Bytes the model needs, where known. */
  readonly needed: number | undefined;
  /** Bytes the device grants, where known. */
  readonly available: number | undefined;
  /** Bytes of the GPU buffers that exist, where known. */
  readonly inUse: number | undefined;
  /** What to do about it, in words. */
  readonly suggestion: string;

  constructor(message: string, details: ErrorDetails = {}) {
    super("INSUFFICIENT_MEMORY", message, details);
    this.needed = asNumber(details["needed"]);
    this.available = asNumber(details["available"]);
    this.inUse = asNumber(details["inUse"]);
    this.suggestion = String(details["suggestion"] ?? "close other tabs that use the GPU, or choose a smaller model");
  }
}

/** The browser grants too little storage for an import, or none. */
export class InsufficientStorage extends AudioFlamingoError {
  /** Bytes the import needs, where known. */
  readonly needed: number | undefined;
  /** Bytes the browser grants, where known. */
  readonly available: number | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super("INSUFFICIENT_STORAGE", message, details);
    this.needed = asNumber(details["needed"]);
    this.available = asNumber(details["available"]);
  }
}

/** The licences of a model to be imported were not accepted: pass `onLicence`. */
export class LicenceNotAccepted extends AudioFlamingoError {
  constructor(message: string) {
    super("LICENCE_NOT_ACCEPTED", message);
  }
}

/** A shard's length or hash differs from the index, even after fetching it again. */
export class WeightsCorrupt extends AudioFlamingoError {
  /** File name of the shard. */
  readonly shard: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super("WEIGHTS_CORRUPT", message, details);
    this.shard = asString(details["shard"]);
  }
}

/** A file could not be fetched. */
export class NetworkFailed extends AudioFlamingoError {
  /** Address of the file. */
  readonly url: string | undefined;
  /** HTTP status, when the server answered. */
  readonly status: number | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super("NETWORK_FAILED", message, details);
    this.url = asString(details["url"]);
    this.status = asNumber(details["status"]);
  }
}

/** The caller's `AbortSignal` fired. */
export class Aborted extends AudioFlamingoError {
  constructor(message = "aborted by the caller") {
    super("ABORTED", message);
  }
}

/** The GPU was lost three times in a row (driver reset, sleep, another tab's crash). The next call tries again. */
export class DeviceLost extends AudioFlamingoError {
  constructor(message: string) {
    super("DEVICE_LOST", message);
  }
}

/** The GPU's driver computes wrong numbers: the model's self-test gave other tokens than its index lists. Nothing is answered. */
export class WrongNumbers extends AudioFlamingoError {
  constructor(message: string) {
    super("WRONG_NUMBERS", message);
  }
}

/** Neither the engine's decoders nor the browser's can decode the audio. */
export class UnsupportedAudio extends AudioFlamingoError {
  constructor(message: string) {
    super("UNSUPPORTED_AUDIO", message);
  }
}

/** The model folder is incomplete, malformed or of another kind. */
export class BadModel extends AudioFlamingoError {
  constructor(message: string) {
    super("BAD_MODEL", message);
  }
}

/** A question or an option that cannot be served. */
export class BadRequest extends AudioFlamingoError {
  constructor(message: string) {
    super("BAD_REQUEST", message);
  }
}

/** A model or clip was used after `dispose()`. */
export class Disposed extends AudioFlamingoError {
  constructor(what: string) {
    super("DISPOSED", `this ${what} was disposed of`);
  }
}

/** An error as posted from the worker to the page. */
export interface WireError {
  code: ErrorCode;
  message: string;
  details: ErrorDetails;
  /** What was thrown where the error is not this package's own. */
  cause?: { name: string; message: string; stack: string | undefined };
}

const REBUILD: Partial<Record<ErrorCode, (wire: WireError) => AudioFlamingoError>> = {
  NO_WEBGPU: ({ message }) => new NoWebGpu(message),
  INSUFFICIENT_MEMORY: ({ message, details }) => new InsufficientMemory(message, details),
  INSUFFICIENT_STORAGE: ({ message, details }) => new InsufficientStorage(message, details),
  LICENCE_NOT_ACCEPTED: ({ message }) => new LicenceNotAccepted(message),
  WEIGHTS_CORRUPT: ({ message, details }) => new WeightsCorrupt(message, details),
  NETWORK_FAILED: ({ message, details }) => new NetworkFailed(message, details),
  ABORTED: ({ message }) => new Aborted(message),
  DEVICE_LOST: ({ message }) => new DeviceLost(message),
  WRONG_NUMBERS: ({ message }) => new WrongNumbers(message),
  UNSUPPORTED_AUDIO: ({ message }) => new UnsupportedAudio(message),
  BAD_MODEL: ({ message }) => new BadModel(message),
  BAD_REQUEST: ({ message }) => new BadRequest(message),
};

/** The error as an instance of its class. */
export function fromWire(wire: WireError): AudioFlamingoError {
  const error = REBUILD[wire.code]?.(wire) ?? new AudioFlamingoError(wire.code, wire.message, wire.details);
  if (wire.cause) error.cause = Object.assign(new Error(wire.cause.message), wire.cause);
  return error;
}

/** Anything thrown, as plain data. Errors of this package and of the engine have a `code`; others become INTERNAL. */
export function toWire(thrown: unknown): WireError {
  if (thrown instanceof AudioFlamingoError) {
    return { code: thrown.code, message: thrown.message, details: thrown.details, ...causeOf(thrown) };
  }
  if (thrown instanceof DOMException && thrown.name === "AbortError") {
    return { code: "ABORTED", message: "aborted by the caller", details: {} };
  }
  const { code, message, details } = (typeof thrown === "object" && thrown !== null ? thrown : { message: String(thrown) }) as Partial<WireError>;
  const known = code !== undefined && code in NAMES ? code : "INTERNAL"; // a DOMException has a number
  return { code: known, message: message ?? "unknown error", details: details ?? {}, ...causeOf(thrown) };
}

function causeOf(thrown: unknown): Pick<WireError, "cause"> {
  const cause = thrown instanceof AudioFlamingoError ? thrown.cause : thrown;
  if (!(cause instanceof Error)) return {};
  const { name, message, stack } = cause;
  return { cause: { name, message, stack } };
}

/** Throws `Aborted` if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Aborted();
}

function asNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
