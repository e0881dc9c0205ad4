/** The public types of long audio: captions, index, search and live listening. */

import type { ChannelChoice } from "./types.js";

/** What was heard in a stretch of audio. */
export interface Caption {
  /** Seconds from the start of the audio. */
  start: number;
  end: number;
  /** What is heard, in one line: `dog barking`. Subtitle files put it in brackets. */
  text: string;
  /** 0 to 1: the confidence of the answer it was made from. */
  confidence: number;
}

export interface CaptionOptions {
  /** Asked of every window. Default: what the sound is. */
  question?: string;
  /** Seconds from the start of a window to the start of the next. Default: the length of a window. */
  hop?: number;
  /** Every caption is asked back ("Is there …?"), and left out if the model confirms it with less. Default 0.5; 0 asks nothing back. */
  minConfidence?: number;
  channel?: ChannelChoice;
  signal?: AbortSignal;
  /** Called with the seconds that were heard and of the audio in all, which some files do not tell. */
  onProgress?: (seconds: number, duration: number | undefined) => void;
}

/** `"audacity"`: a label track. */
export type CaptionFormat = "srt" | "vtt" | "csv" | "json" | "audacity";

export interface IndexOptions {
  channel?: ChannelChoice;
  signal?: AbortSignal;
  /** Called with the file that is read, by its place in the list, and the seconds of it that are done. */
  onProgress?: (file: number, seconds: number, duration: number | undefined) => void;
}

/** The encoded windows of many files. */
export interface AudioIndex {
  /** Names of the files, in the order in which they were indexed. */
  readonly files: string[];
  /** Windows with anything to hear. */
  readonly windows: number;
  /** Files that neither the engine nor the browser can decode, at least not to their end. */
  readonly skipped: { file: string; reason: string }[];
  /** The places where a described sound, such as "a dog barking", is most probably heard, best first. */
  search(text: string, options?: SearchOptions): Promise<SearchHit[]>;
  /** The index as a file: `model.openIndex` and `af2 search` read it. */
  toBlob(): Blob;
}

export interface SearchOptions {
  /** Hits at most. Default 10. */
  top?: number;
  /** Hits below this confidence are left out. Default 0. */
  minConfidence?: number;
  signal?: AbortSignal;
}

/** A stretch of a file in which a sound was found. */
export interface SearchHit {
  /** Name of the file. */
  file: string;
  /** Seconds from the start of the file. */
  start: number;
  end: number;
  /** What hits are ranked by. Only its order has a meaning. */
  score: number;
  /** 0 to 1. */
  confidence: number;
}

export interface LiveOptions {
  /** Default: what the sound is. */
  question?: string;
  /** Seconds between two answers, at least; a slow machine takes longer and hears the newest audio all the same. Default 5. */
  every?: number;
  /**
   * Every caption is asked back ("Is there …?"), and its text is empty if the model confirms it with less; 0 asks nothing back. Default 0.5,
   * and 0 with a question of your own, whose answer may name no sound. After an answer that took longer than `every` nothing is
   * asked back, until one takes less than half of it.
   */
  minConfidence?: number;
  signal?: AbortSignal;
}

/** What was heard in the last seconds of a stream. */
export interface LiveCaption {
  /** Seconds from the start of listening to the end of what was heard. */
  time: number;
  /** The answer; empty in silence, and where the model denies it when it is asked back. */
  text: string;
  /** 0 to 1; 0 without a text. */
  confidence: number;
  /** Whether the model was asked back. If not, `confidence` is that of the words, which it also gives to noise. */
  askedBack: boolean;
  /** Nothing was to be heard, so the model was not asked. */
  silent: boolean;
}
