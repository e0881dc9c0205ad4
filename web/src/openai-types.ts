/** OpenAI's chat completions, as far as this model serves them. */

export type ContentPart =
  | { type: "text"; text: string }
  | { type: "input_audio"; input_audio: { data: string; format: string } }
  /** A `data:` address; addresses of the network if `allowUrls` says so. */
  | { type: "audio_url"; audio_url: { url: string } | string };

export interface ChatMessage {
  role: "system" | "developer" | "user" | "assistant";
  content: string | ContentPart[] | null;
}

export interface ChatRequest {
  messages: ChatMessage[];
  model?: string;
  stream?: boolean | null;
  stream_options?: { include_usage?: boolean } | null;
  max_tokens?: number | null;
  max_completion_tokens?: number | null;
  temperature?: number | null;
  top_p?: number | null;
  seed?: number | null;
  stop?: string | string[] | null;
  /** Log-probabilities of the answer's tokens. */
  logprobs?: boolean | null;
  /** The most likely tokens to return beside each token, 0 to 20; needs `logprobs`. */
  top_logprobs?: number | null;
  /** One answer per request. */
  n?: 1 | null;
  /** JSON of a schema; see `AskOptions.jsonSchema` for what is known of JSON Schema. */
  response_format?: { type: "text" | "json_object" } | { type: "json_schema"; json_schema: { name?: string; schema: object; strict?: boolean | null } } | null;
}

export interface Choice {
  index: 0;
  /** With `logprobs`: of all tokens, in a stream in the last chunk of the answer; else null. */
  logprobs: ChoiceLogprobs | null;
  finish_reason: "stop" | "length" | null;
}

export interface TokenLogprob {
  token: string;
  /** UTF-8; null for a part of a character. */
  bytes: number[] | null;
  logprob: number;
}

export interface ChoiceLogprobs {
  content: (TokenLogprob & { top_logprobs: TokenLogprob[] })[];
  refusal: null;
}

export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: [Choice & { message: { role: "assistant"; content: string; refusal: null } }];
  usage: Usage;
  /** What makes the answer doubtful, and what was passed over, one sentence each; absent where there is nothing. */
  notices?: string[];
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export interface ChatChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  /** Empty in the chunk that reports the usage. */
  choices: (Choice & { delta: { role?: "assistant"; content?: string } })[];
  /** With `stream_options.include_usage`: null, and in one more chunk at the end the usage. */
  usage?: Usage | null;
  /** In the last chunk of the answer; see `ChatCompletion`. */
  notices?: string[];
}
