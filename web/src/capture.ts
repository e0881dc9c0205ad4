/** The audio thread's side of live listening: posts what it gets, in blocks. A script of its own, loaded by `addModule`. */

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, handler: new () => AudioWorkletProcessor): void;

/** Frames per message: 23 messages a second at 48 kHz. */
const BLOCK = 2048;

registerProcessor(
  "af2-capture",
  class extends AudioWorkletProcessor {
    #block = new Float32Array(BLOCK);
    #filled = 0;

    /** Called for every 128 frames or so; true goes on. The input has no channel while the stream is muted. */
    process(inputs: Float32Array[][]): boolean {
      const samples = inputs[0]?.[0];
      if (!samples) return true;
      if (this.#filled + samples.length > BLOCK) this.#post();
      this.#block.set(samples, this.#filled);
      this.#filled += samples.length;
      return true;
    }

    #post(): void {
      const block = this.#block.subarray(0, this.#filled);
      this.port.postMessage(block, [block.buffer]);
      this.#block = new Float32Array(BLOCK);
      this.#filled = 0;
    }
  },
);

export {};
