/** Audio in the browser: the same codes as the goldens, and the browser's decoder for formats that the engine lacks. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "./support/fixtures.js";

const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));

/** Inputs whose samples need no rate change: their codes are exact. */
const EXACT = ["speech_16k_mono.wav", "nonnegative_16k.wav", "silence_16k_2s.wav", "edge_160000.flac", "edge_160001.flac"];

test("codes of 16 kHz files equal the original's", async ({ server, open }) => {
  server.serveFolder("/inputs/", `${FIXTURES}inputs/`);
  const golden = JSON.parse(await readFile(`${FIXTURES}golden/audio/audio.json`, "utf8"));
  const page = await open();
  for (const file of EXACT) {
    const { count, sha256 } = await page.evaluate(async (name) => {
      const engine = await import("/lib/af2.js" as string);
      await engine.default({ module_or_path: "/lib/af2_bg.wasm" });
      const bytes = new Uint8Array(await (await fetch(`/inputs/${name}`)).arrayBuffer());
      const windows = engine.decodeAudio(bytes, name, 12);
      const samples = new Float32Array(windows.count * 160_000);
      (windows.codes() as Int16Array).forEach((code, at) => (samples[at] = code / 32767));
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", samples));
      return { count: windows.count as number, sha256: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
    }, file);
    expect({ count, sha256 }).toEqual({ count: golden[file].windows, sha256: golden[file].f32_sha256 });
  }
});

test("a preview describes the sound without a model", async ({ server, open }) => {
  server.serveFolder("/inputs/", `${FIXTURES}inputs/`);
  const page = await open();
  const sound = await page.evaluate(async () => {
    const info = await window.AudioFlamingo.preview("/inputs/long_8k_127s.flac");
    const { width, height, data } = info.picture;
    return { ...info, picture: { width, height, levels: new Set(data).size }, waveform: [...info.waveform] };
  });
  expect(sound).toMatchObject({ seconds: 120, windows: 12, sourceRate: 8000, truncated: true, decodedBy: "engine" });
  expect(sound.picture).toMatchObject({ width: 12 * 250, height: 64 });
  expect(sound.picture.levels).toBeGreaterThan(50);
  expect(Math.max(...sound.waveform)).toBeCloseTo(1, 2);
});

test("a WebM/Opus recording is decoded by the engine, as the command line does", async ({ open }) => {
  const page = await open();
  const outcome = await page.evaluate(async () => {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: 440 });
    const sink = context.createMediaStreamDestination();
    tone.connect(sink);
    tone.start();
    const recorder = new MediaRecorder(sink.stream, { mimeType: "audio/webm;codecs=opus" });
    const chunks: Blob[] = [];
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    recorder.stop();
    await stopped;
    const { decodedBy, sourceRate, seconds } = await window.AudioFlamingo.preview(new Blob(chunks, { type: recorder.mimeType }));
    return { decodedBy, sourceRate, seconds };
  });
  expect(outcome).toMatchObject({ decodedBy: "engine", sourceRate: 48_000 });
  expect(outcome.seconds).toBeGreaterThan(0.5);
});

test("raw samples, AudioBuffers and nonsense", async ({ open }) => {
  const page = await open();
  const outcome = await page.evaluate(async () => {
    const samples = Float32Array.from({ length: 32_000 }, (_, at) => Math.sin(at / 5));
    const { preview } = window.AudioFlamingo;
    const raw = await preview({ sampleRate: 16_000, channels: [samples] });
    const buffer = new AudioBuffer({ length: 22_050, sampleRate: 22_050 });
    buffer.getChannelData(0).set(samples.subarray(0, 22_050));
    const fromBuffer = await preview(buffer);
    const code = (error: { code: string }) => error.code;
    const text = await preview(new Blob(["this is not audio"])).catch(code);
    const empty = await preview(new Blob([])).catch(code);
    const missing = await preview("/missing.wav").catch(code);
    const badPcm = await preview({ sampleRate: 0, channels: [] }).catch(code);
    const nan = await preview({ sampleRate: 16_000, channels: [new Float32Array([0, NaN])] }).catch(code);
    return { raw: [raw.seconds, raw.decodedBy], buffer: [fromBuffer.seconds, fromBuffer.sourceRate], text, empty, missing, badPcm, nan };
  });
  expect(outcome).toEqual({
    raw: [2, "caller"],
    buffer: [1, 22_050],
    text: "UNSUPPORTED_AUDIO",
    empty: "UNSUPPORTED_AUDIO",
    missing: "NETWORK_FAILED",
    badPcm: "BAD_REQUEST",
    nan: "UNSUPPORTED_AUDIO",
  });
});
