/** Captions as files: the entry `audio-flamingo-2-webgpu/captions`. The formats are those of `af2 captions`, letter for letter. */

import { BadRequest } from "./errors.js";
import { onScreen } from "./subtitle-times.js";
import type { Caption, CaptionFormat } from "./types-long.js";

export type { Caption, CaptionFormat };

/** Most letters of a line (Netflix Timed Text Style Guide: 42). */
const LINE = 42;

/** A whole file: subtitles (`srt`, `vtt`), a table (`csv`), data (`json`) or labels (`audacity`). */
export function formatCaptions(captions: Caption[], format: CaptionFormat): string {
  switch (format) {
    case "srt":
      return onScreen(captions).map(srt).join("");
    case "vtt":
      return `WEBVTT\n${onScreen(captions).map(vtt).join("")}`;
    case "csv":
      return `start,end,text,confidence\n${captions.map(csv).join("")}`;
    case "json":
      return captions.length === 0 ? "[]\n" : `[${captions.map(json).join(",")}\n]\n`;
    case "audacity":
      return captions.map(audacity).join("");
    default:
      throw new BadRequest(`"${String(format)}" is no format of captions: take srt, vtt, csv, json or audacity`);
  }
}

/** The format has no escapes: an arrow in the text, which some players take for times, is shortened. */
function srt({ start, end, text }: Caption, index: number): string {
  return `${index + 1}\n${time(start, ",")} --> ${time(end, ",")}\n${inLines(text.replaceAll("-->", "->"))}\n\n`;
}

function vtt({ start, end, text }: Caption): string {
  const escaped = inLines(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `\n${time(start, ".")} --> ${time(end, ".")}\n${escaped}\n`;
}

/** `00:00:01,500`; hours have as many digits as they need, at least two. */
function time(seconds: number, point: string): string {
  const milliseconds = Math.round(Math.max(seconds, 0) * 1000);
  const whole = Math.floor(milliseconds / 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${two(whole / 3600)}:${two((whole / 60) % 60)}:${two(whole % 60)}${point}${String(milliseconds % 1000).padStart(3, "0")}`;
}

/** The text in square brackets, which mark what is not speech, broken at spaces. */
function inLines(text: string): string {
  const lines = [""];
  for (const word of `[${text}]`.split(/\s+/)) {
    const line = lines.at(-1) as string;
    if (line === "") lines[lines.length - 1] = word;
    else if ([...line].length + 1 + [...word].length > LINE) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join("\n");
}

function csv({ start, end, text, confidence }: Caption): string {
  const field = /[,"\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return `${fixed(start, 3)},${fixed(end, 3)},${field},${fixed(confidence, 4)}\n`;
}

function json({ start, end, text, confidence }: Caption): string {
  const rounded = (value: number, steps: number) => Math.round(value * steps) / steps;
  const times = { start: rounded(start, 1e3), end: rounded(end, 1e3) };
  return `\n  ${JSON.stringify({ confidence: rounded(confidence, 1e4), ...times, text })}`;
}

function audacity({ start, end, text }: Caption): string {
  return `${fixed(start, 6)}\t${fixed(end, 6)}\t${text.replace(/[\t\n\r]/g, " ")}\n`;
}

/** Digits of any multiple of a window's 32nd part. */
const EXACT = 60;

/** Rounded to the nearest, and a value in the middle, such as 0.3125 s, to the even digit, as the command line rounds. */
function fixed(value: number, digits: number): string {
  const exact = value.toFixed(EXACT);
  const cut = exact.length - EXACT + digits;
  const even = Number(exact[cut - 1]) % 2 === 0;
  return even && /^50*$/.test(exact.slice(cut)) ? exact.slice(0, cut) : value.toFixed(digits);
}
