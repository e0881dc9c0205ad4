/** The public types. Sizes are in bytes; units of time are in the names. */

/** Where verified shards are stored between visits. */
export type CacheKind = "opfs" | "cache-api" | "none";

/**
 * A model: the address of a folder, `hf:ORGANISATION/NAME[@REVISION]` for a repository of a hub, a folder handle, or the files of a folder.
 * The original release is converted in this browser, once.
 */
export type ModelSource = string | URL | FileSystemDirectoryHandle | File[];

/** Compute shaders on the GPU, or WebAssembly on the CPU. */
export type EngineKind = "webgpu" | "cpu";

/** `"auto"`: WebGPU on a GPU; without one the CPU if the model is small enough, else WebGPU on a software adapter. */
export type EngineChoice = "auto" | EngineKind;

/** Where the package's files lie, if not beside `index.js`. */
export interface AssetOptions {
  /** Address of `worker.js`. May be of another origin. */
  workerUrl?: string | URL;
  /** Address of the folder with the `.wasm` files. Default: that of `worker.js`. */
  wasmUrl?: string | URL;
}

/** Options of what concerns hubs and original releases. */
export interface ImportOptions {
  /** How an import stores matrices. Default `"q4"`: encoder and audio transformer at 8 bits, the rest at 4. */
  weights?: WeightScheme;
  /** Address of the hub for `hf:` sources. Default `"https://huggingface.co"`. */
  endpoint?: string;
  /** Access token of the hub, for gated repositories. It is sent to `endpoint` only. */
  token?: string;
}

export interface LoadOptions extends AssetOptions, ImportOptions {
  /** Default `"auto"`. */
  engine?: EngineChoice;
  /** Default `"opfs"`. If the browser lacks it, the next in the list is used, and `model.info.notices` says so. */
  cache?: CacheKind;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Default `true`: run the engine in its own worker. `false`: on the main thread. */
  worker?: boolean;
  /**
   * Default `false`. `true`: all tabs of this origin that load this model from the same address share one copy, in a worker that lives as
   * long as one of them. The options of the first tab count. Where the browser has no such worker, or no WebGPU in it, each tab loads a
   * copy of its own; `model.shared` tells.
   */
  share?: boolean;
  /** Ask the browser not to evict the cache. */
  persist?: boolean;
  /** Which GPU to prefer. Default `"high-performance"`. */
  powerPreference?: "low-power" | "high-performance";
  /** Shards fetched at once, 1 to 16. Default 3. */
  parallel?: number;
  /**
   * Called before the weights of an original release are fetched from a hub. Show the licences; the import goes on only if the result is
   * true. Without it such a load ends in LICENCE_NOT_ACCEPTED.
   */
  onLicence?: (licences: Licence[], offer: ImportOffer) => boolean | Promise<boolean>;
  /** Called with the reason when the GPU was lost and the model is loaded again. Calls in progress then go on where they stopped. */
  onRecovering?: (reason: string) => void;
  /**
   * Milliseconds without a call after which the GPU memory of model and clips is released. The next call loads the model from the
   * cache and encodes its clip again. Default: never. Without effect on the CPU.
   */
  idleTimeout?: number;
  /** Milliseconds without a byte after which a load gives up on a server that has answered before. Default 120,000. */
  retryFor?: number;
}

export type WeightScheme = "q4" | "q8" | "f16" | "f32";

/** A licence that applies to a model. */
export interface Licence {
  name: string;
  /** What it covers. */
  covers: string;
  /** What one most needs to know of it. */
  summary: string;
  /** Address of its text. */
  url: string;
}

/** What an import from a hub would do. */
export interface ImportOffer {
  /** `ORGANISATION/NAME`. */
  repository: string;
  /** The commit to which the import is pinned. */
  commit: string;
  licences: Licence[];
  /** Bytes of weights to fetch. */
  fetchBytes: number;
  /** Bytes of the converted model. */
  storedBytes: number;
  /** Bytes of storage that the browser still grants. */
  availableBytes: number;
}

/** `convert`: a release is read and converted; bytes are then those of the release. */
export type Phase = "convert" | "download" | "verify" | "upload" | "compile" | "ready";

/** Progress of a load, over all phases. */
export interface Progress {
  phase: Phase;
  /** 0 to 1, never decreasing. */
  fraction: number;
  /** Bytes loaded from network or cache, never decreasing but after `convert`. */
  loadedBytes: number;
  totalBytes: number;
  /** Of the loaded bytes, those from the cache. */
  cachedBytes: number;
  /** Bytes that came over the network, repeats included. */
  networkBytes: number;
  /** Network rate over the last 3 seconds; 0 if nothing is being fetched. */
  bytesPerSecond: number;
  /** Undefined until the rate is known. */
  secondsLeft: number | undefined;
  /** A message for the user, for example that the disk is full. */
  notice?: string;
}

/** The GPU as the browser describes it. */
export interface AdapterReport {
  vendor: string;
  architecture: string;
  description: string;
  /** A software adapter: the same answers, slowly. */
  fallback: boolean;
  maxBufferBytes: number;
  maxBindingBytes: number;
  features: string[];
}

export interface StorageReport {
  quotaBytes: number;
  usedBytes: number;
  persisted: boolean;
}

export interface ModelReport {
  name: string;
  url: string;
  parameters: number | undefined;
  totalBytes: number;
  cachedBytes: number;
  /** Bytes that a load would fetch now. */
  neededBytes: number;
}

/** Result of `check`. */
export interface CheckReport {
  /** Whether a load would find an engine. */
  ok: boolean;
  /** One or two sentences for people. */
  verdict: string;
  /** The engine that would answer. */
  engine: EngineKind | undefined;
  adapter: AdapterReport | undefined;
  storage: StorageReport;
  model: ModelReport | undefined;
}

export interface ModelInfo {
  name: string;
  parameters: number | undefined;
  totalBytes: number;
  /** Windows of audio that the model was trained for. */
  maxWindows: number;
  windowSeconds: number;
  engine: EngineKind;
  /** The GPU's name, or `"CPU (WebAssembly)"`. */
  adapter: string;
  /** Whether this GPU gave the tokens that the model's index lists for its self-test. False if it lists none, and on the CPU. */
  verified: boolean;
  /** Where the shards are cached after this load. */
  cache: CacheKind;
  notices: string[];
}

/** Samples in [-1, 1], one array per channel. */
export interface Pcm {
  sampleRate: number;
  channels: Float32Array[];
}

export type AudioSource = File | Blob | URL | string | ArrayBuffer | Uint8Array | AudioBuffer | Pcm;

/** A channel of the audio, counted from 1, or the average of all. */
export type ChannelChoice = number | "mix";

export interface ListenOptions {
  /** Default: the model's `maxWindows`. Longer audio is cut, and `clip.info.truncated` says so. */
  maxWindows?: number;
  /** Default: the original's rule, which is the first channel, or the average of all channels for names that end in `.mp3`. */
  channel?: ChannelChoice;
  signal?: AbortSignal;
  /** Called with the number of windows encoded so far. */
  onProgress?: (done: number, windows: number) => void;
}

/** A log-mel spectrogram, [height, width]: 64 mel bands by time, 0 (quiet) to 255 (loud). Row 0 is the lowest band. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array;
}

export interface SoundInfo {
  seconds: number;
  windows: number;
  windowSeconds: number;
  sourceRate: number;
  truncated: boolean;
  /** What the decoder skipped, missed or cut, and what makes answers doubtful, such as silence; one sentence each. */
  notices: string[];
  /** `"browser"` if the engine cannot decode the format: tokens may then differ from the command line's. */
  decodedBy: "engine" | "browser" | "caller";
  /** [columns, 2]: minimum and maximum of equal stretches. */
  waveform: Float32Array;
  picture: Picture;
}

export interface ClipInfo extends SoundInfo {
  /** Milliseconds spent on encoding. */
  encodeMs: number;
}

export interface AskOptions {
  /** Default 256. */
  maxNewTokens?: number;
  /** 0 (default): greedy, the token with the highest logit. */
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  seed?: number;
  /** Strings that end the answer. They are not part of it. */
  stop?: string[];
  /** Answer with one of these texts, exactly. */
  choices?: string[];
  /**
   * Answer with JSON of this schema, an object or its text; `"object"` stands for any JSON object, nested at most three deep. Known of JSON Schema are types, properties, required, items, enum, const, anyOf,
   * limits of lengths, and $ref without recursion; anything else is refused. An answer that `maxNewTokens` cuts is not whole.
   */
  jsonSchema?: object | string;
  /** The most likely tokens to return beside each token of the answer, 0 (default) to 20. */
  topLogprobs?: number;
  signal?: AbortSignal;
}

/** A part of the answer, as it is generated. */
export interface TextDelta {
  text: string;
  /** The model started over: discard all text before this delta. */
  restart: boolean;
}

export interface Timings {
  firstTokenMs: number;
  totalMs: number;
  tokensPerSecond: number;
}

/** A token that the model could have chosen. */
export interface Alternative {
  /** Its id. */
  token: number;
  /** Its text; U+FFFD for a part of a character. */
  text: string;
  /** Log softmax of its logit, without temperature or penalty. */
  logprob: number;
}

export interface AnswerResult {
  text: string;
  /** Ids, the end token included. */
  tokens: number[];
  /** The text of each token; U+FFFD for a part of a character. */
  tokenTexts: string[];
  /** Log-probability of each token: log softmax of its logits, without temperature or penalty. */
  logprobs: Float32Array;
  /**
   * exp of the sum of `logprobs`, 0 to 1: the probability that the model gave these very words. It falls with their number: compare answers
   * to questions of one kind.
   */
  confidence: number;
  /** With `topLogprobs`: the most likely tokens at the place of each token, most likely first. */
  alternatives?: Alternative[][];
  /** What makes this answer doubtful: silence, too little audio, a cut question. One sentence each. */
  notices: string[];
  /** Tokens of the prompt: the question in the model's template. */
  promptTokens: number;
  finishReason: "stop" | "length";
  /** The question exceeded the model's prompt limit and its end was cut: ask a shorter one. */
  questionCut: boolean;
  timings: Timings;
}

export interface ChooseOptions {
  /** Ask with the options in the question, named by letters: `(A) a dog (B) a cow`. Default `false`. */
  letters?: boolean;
  signal?: AbortSignal;
}

/** Which of some texts answers a question. */
export interface Choice {
  /** Index of the option with the highest `probability`. */
  best: number;
  /** In the order in which they were given. */
  options: ScoredOption[];
}

export interface ScoredOption {
  text: string;
  /** log P(option | question, audio), its end token included. */
  logprob: number;
  /** `logprob` divided by the number of tokens. */
  logprobPerToken: number;
  /** log P(option | question) with all audio hidden: what the words alone suggest. */
  priorLogprob: number;
  /** Calibrated: a part of the prior is taken off. All options sum to 1. */
  probability: number;
  /** From `logprob` alone: the better guide among dozens of options. All options sum to 1. */
  rawProbability: number;
}

/** `"effect"`: how far the answer's odds fall without a stretch of audio. `"attention"`: how much the answer attends to it; faster, rougher. */
export type RelevanceMethod = "attention" | "effect";

export interface WhereOptions {
  /** Default `"effect"`. */
  method?: RelevanceMethod;
  signal?: AbortSignal;
}

/** Which seconds of the audio an answer rests on. */
export interface Relevance {
  method: RelevanceMethod;
  /** Seconds that an element of `curve` stands for. */
  secondsPerStep: number;
  /** Relevance of each step from the start of the clip, 0 or more; all 0 for an answer that rests on no stretch in particular. */
  curve: Float32Array;
  /** The stretches that stand out, in seconds, in order of time. */
  intervals: { start: number; end: number; weight: number }[];
}

export interface BenchOptions {
  /** Windows of silence that the answer attends to: 1 (default) to 30. */
  windows?: number;
  /** Tokens of the answer: 2 to 512, default 32. */
  tokens?: number;
  signal?: AbortSignal;
  /** Called with the number of steps done so far. */
  onProgress?: (done: number, steps: number) => void;
}

/** The speed of this machine with this model. */
export interface BenchReport {
  model: string;
  engine: EngineKind;
  adapter: string;
  /** Windows of silence that the answer attended to. */
  windows: number;
  /** Tokens of the answer. */
  tokens: number;
  /** Log-mel and encoder, per window. */
  encodeMs: number;
  /** Audio transformer, keys and values, for all windows; once per clip. */
  audioKvMs: number;
  /** From a prompt of 40 tokens to the first token of the answer. */
  firstTokenMs: number;
  tokensPerSecond: number;
  /** GPU work of each further token; undefined on the CPU. */
  perToken:
    | {
        dispatches: number;
        microsecondsPerDispatch: number;
        /** Bytes of weights read. */
        bytes: number;
        bytesPerSecond: number;
      }
    | undefined;
  /** Rates of the GPU and times of the kernels; undefined on the CPU. */
  gpu:
    | {
        /** Bytes read plus bytes written per second, in a copy from buffer to buffer. */
        copyBytesPerSecond: number;
        /** Operations per second in one large matmul. */
        matmulFlopsPerSecond: number;
        /** Description of the kernels in use; see `Model.tune`. */
        kernels: string;
        /** Kernels of encoding a window, the longest first; undefined if the browser has no timestamps. */
        encoder: KernelTime[] | undefined;
        /** Kernels of one token. Browsers round timestamps, so times of short kernels are rough. */
        token: KernelTime[] | undefined;
      }
    | undefined;
}

/** The sum of all dispatches of one kernel. */
export interface KernelTime {
  name: string;
  count: number;
  microseconds: number;
  /** Bytes of weights read. */
  bytes: number;
  /** Operations of matmuls and matvecs. */
  flops: number;
}

/** Memory in use now. */
export interface MemoryReport {
  /** Bytes of GPU buffers; 0 on the CPU. */
  gpuBytes: number;
  /** Bytes of wasm memory. It holds the weights on the CPU only. */
  wasmBytes: number;
}

/** One model in the cache. */
export interface CachedModel {
  id: string;
  name: string;
  url: string;
  totalBytes: number;
  cachedBytes: number;
  complete: boolean;
  /** Milliseconds since 1970. */
  savedAt: number;
}

export interface VerifyReport {
  ok: boolean;
  /** Damaged shards. They are deleted, and the next load fetches them again. */
  bad: string[];
  missing: string[];
}
