/** The last seconds of a media stream. */

import { BadRequest } from "./errors.js";
import type { Pcm } from "./types.js";

export class Recording {
  readonly #context: AudioContext;
  readonly #stream: MediaStream;
  /** A ring of the newest samples. */
  readonly #ring: Float32Array;
  #frames = 0;
  #ended = false;
  #wake = () => {};

  private constructor(context: AudioContext, stream: MediaStream, seconds: number) {
    this.#context = context;
    this.#stream = stream;
    this.#ring = new Float32Array(Math.ceil(seconds * context.sampleRate));
  }

  /** Records `stream`, mixed to one channel; `seconds` of it are stored. `capture` is the address of `capture.js`. */
  static async start(stream: MediaStream, seconds: number, capture: URL): Promise<Recording> {
    const context = new AudioContext();
    const recording = new Recording(context, stream, seconds);
    try {
      await context.audioWorklet.addModule(capture);
      recording.#connect();
      await running(context);
    } catch (error) {
      recording.stop();
      throw error;
    }
    return recording;
  }

  /** Seconds recorded so far. */
  get seconds(): number {
    return this.#frames / this.#context.sampleRate;
  }

  /** Resolves once this many seconds are recorded: true, or false if the stream ends before, or `signal` fires. */
  async reached(seconds: number, signal: AbortSignal): Promise<boolean> {
    const wake = () => this.#wake();
    signal.addEventListener("abort", wake, { once: true });
    while (this.seconds < seconds && !this.#ended && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    signal.removeEventListener("abort", wake);
    return this.seconds >= seconds && !signal.aborted;
  }

  /** The newest samples, at most as many as are stored. */
  last(): Pcm {
    const length = this.#ring.length;
    const samples = new Float32Array(Math.min(this.#frames, length));
    const start = (this.#frames - samples.length) % length;
    const head = this.#ring.subarray(start, start + samples.length);
    samples.set(head);
    samples.set(this.#ring.subarray(0, samples.length - head.length), head.length);
    return { sampleRate: this.#context.sampleRate, channels: [samples] };
  }

  /** Gives the audio thread back. The stream is the caller's and stays open. */
  stop(): void {
    this.#end();
    void this.#context.close().catch(() => undefined); // it may be closed already
  }

  #connect(): void {
    const node = new AudioWorkletNode(this.#context, "af2-capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
      channelInterpretation: "speakers",
    });
    node.port.onmessage = ({ data }) => this.#take(data as Float32Array);
    this.#context.createMediaStreamSource(this.#stream).connect(node);
    const ended = () => this.#stream.active || this.#end();
    for (const track of this.#stream.getAudioTracks()) track.addEventListener("ended", ended);
  }

  #take(samples: Float32Array): void {
    const length = this.#ring.length;
    const newest = samples.subarray(Math.max(0, samples.length - length));
    const at = (this.#frames + samples.length - newest.length) % length;
    const head = newest.subarray(0, length - at);
    this.#ring.set(head, at);
    this.#ring.set(newest.subarray(head.length), 0);
    this.#frames += samples.length;
    this.#wake();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }
}

/** Milliseconds in which a browser that allows audio starts it. */
const PATIENCE_MS = 3_000;

/** Browsers keep audio stopped on a page that the visitor has not used. */
async function running(context: AudioContext): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  await Promise.race([context.resume(), late]);
  if (context.state !== "running") throw new BadRequest("the browser has not started audio on this page: that takes a click, and a machine with an audio output");
}
