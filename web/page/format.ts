/** Formats numbers and texts for people. */

export function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} kB`;
  if (count < 1e9) return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
  return `${(count / 1e9).toFixed(2)} GB`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 90) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  return whole % 60 === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `1:05`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds); // files that were cut at five minutes may last 299.98 s
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `1.2–3.4 s`, `1:05–1:12`. */
export function interval({ start, end }: { start: number; end: number }): string {
  return end < 60 ? `${start.toFixed(1)}–${end.toFixed(1)} s` : `${clock(start)}–${clock(end)}`;
}

/** `0:40 of 2:00`; only the first where the file does not tell how long it is. */
export function heardOf({ seconds, duration }: { seconds: number; duration: number | undefined }): string {
  return duration === undefined ? clock(seconds) : `${clock(seconds)} of ${clock(duration)}`;
}

export function rate(tokensPerSecond: number): string {
  return `${tokensPerSecond.toFixed(tokensPerSecond < 10 ? 1 : 0)} tokens/s`;
}

/** `71 %`, with a space that does not break. */
export function percent(share: number): string {
  return `${Math.round(100 * share)}\u00a0%`;
}

/** With a capital letter at the start, unless that is the name of a file or an address. */
export function capitalised(text: string): string {
  return /^\S*[./:_]\S/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** With a capital letter at the start and a full stop at the end. */
export function sentence(text: string): string {
  return capitalised(/[.!?]$/.test(text) ? text : `${text}.`);
}

/** The message of anything thrown. */
export function message(thrown: unknown): string {
  return sentence(thrown instanceof Error ? thrown.message : String(thrown));
}
