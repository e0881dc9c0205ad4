/** A file server that injects faults on request and counts the bytes it sends. */

import { readFile } from "node:fs/promises";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type { ModelFile } from "./synthetic-model.js";

/** A fault of one request. */
export type Fault =
  /** `then` is called between the last byte and the break. */
  | { kind: "cut"; after: number; then?: () => void }
  | { kind: "status"; status: number }
  | { kind: "wrong-bytes" }
  | { kind: "truncate"; to: number }
  | { kind: "slow"; bytesPerTick: number }
  /** The rest comes byte by byte until `heal`: however slow the browser is, the test acts before the end. */
  | { kind: "trickle"; after: number };

/** More bytes than sockets and browser hold between the server and who reads: of so many sent, some were read, and survive a cut. */
export const BEYOND_BUFFERS = 16_000_000;

/** The record of one request for a model file. */
export interface Served {
  file: string;
  status: number;
  start: number;
  sent: number;
}

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

/** The strictest content security policy under which the package must work. */
export const STRICT_CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'";

export class FlakyServer {
  ranges = true;
  /** Lets pages of other origins read everything but models. */
  cors = false;
  /** Content security policy of pages and scripts. */
  policy: string | undefined = STRICT_CSP;
  /** Path of every request, in order. */
  readonly asked: string[] = [];
  /** Every request for a model file, in order. */
  readonly served: Served[] = [];
  #server: Server;
  #folders = new Map<string, string>();
  #texts = new Map<string, { body: Buffer; type: string }>();
  #models = new Map<string, { body: Buffer; etag: string }>();
  #receivers = new Map<string, (body: string) => void>();
  #faults = new Map<string, { fault: Fault; times: number }[]>();
  #heals = 0;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response).catch(() => response.destroy()));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** `localhost` is a secure context, as WebGPU and OPFS demand. */
  get origin(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  serveFolder(prefix: string, folder: string): void {
    this.#folders.set(prefix, folder);
  }

  serveText(path: string, body: string | Buffer, type: string): void {
    this.#texts.set(path, { body: Buffer.from(body), type });
  }

  /** Puts a model at `/<name>/` and returns its address. */
  serveModel(name: string, files: ModelFile[]): string {
    for (const file of files) this.#models.set(`/${name}/${file.name}`, { body: file.body, etag: `"${name}-1"` });
    return `${this.origin}/${name}/`;
  }

  /** Injects the fault into the next `times` requests for the path. */
  fail(path: string, fault: Fault, times = 1): void {
    const faults = this.#faults.get(path) ?? [];
    this.#faults.set(path, [...faults, { fault, times }]);
  }

  /** The body of the next POST to the path. */
  receive(path: string): Promise<string> {
    return new Promise((resolve) => this.#receivers.set(path, resolve));
  }

  heal(): void {
    this.#faults.clear();
    this.#heals += 1;
  }

  changeEtag(path: string): void {
    const entry = this.#models.get(path);
    if (entry) entry.etag = `"changed-${Math.random()}"`;
  }

  requests(file: string): Served[] {
    return this.served.filter((one) => one.file.endsWith(`/${file}`));
  }

  /** Bytes sent of files whose name contains `part`. */
  bytes(part = "shard-"): number {
    return this.served.filter(({ file }) => file.includes(part)).reduce((sum, { sent }) => sum + sent, 0);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    this.asked.push(path);
    if (request.method === "POST") return this.#take(path, request, response);
    const text = this.#texts.get(path);
    if (text) return void this.#whole(response, text.body, text.type);
    const model = this.#models.get(path);
    if (model) return this.#modelFile(path, model, request, response);
    for (const [prefix, folder] of this.#folders) {
      if (!path.startsWith(prefix)) continue;
      const body = await readFile(join(folder, normalize(path.slice(prefix.length)))).catch(() => undefined);
      if (body) return void this.#whole(response, body, TYPES[extname(path)] ?? "application/octet-stream");
    }
    response.writeHead(404).end();
  }

  async #take(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.#receivers.get(path)?.(Buffer.concat(chunks).toString());
    response.writeHead(204).end();
  }

  #whole(response: ServerResponse, body: Buffer, type: string): void {
    const policy = this.policy === undefined ? {} : { "Content-Security-Policy": this.policy };
    const access = this.cors ? { "Access-Control-Allow-Origin": "*" } : {};
    response.writeHead(200, { "Content-Type": type, "Content-Length": body.length, ...policy, ...access }).end(body);
  }

  async #modelFile(path: string, model: { body: Buffer; etag: string }, request: IncomingMessage, response: ServerResponse) {
    const fault = this.#nextFault(path);
    const record: Served = { file: path, status: 200, start: 0, sent: 0 };
    this.served.push(record);
    if (fault?.kind === "status") {
      record.status = fault.status;
      return void response.writeHead(fault.status).end();
    }
    const body = fault?.kind === "truncate" ? model.body.subarray(0, fault.to) : damaged(model.body, fault);
    const start = this.#rangeStart(request, model.etag);
    if (start !== undefined && start >= body.length) {
      record.status = 416;
      return void response.writeHead(416, { "Content-Range": `bytes */${body.length}` }).end();
    }
    record.start = start ?? 0;
    record.status = start === undefined ? 200 : 206;
    const rest = body.subarray(record.start);
    const headers: Record<string, string | number> = { "Content-Length": rest.length, ETag: model.etag };
    if (start !== undefined) headers["Content-Range"] = `bytes ${start}-${body.length - 1}/${body.length}`;
    response.writeHead(record.status, headers);
    const heals = this.#heals;
    await send(response, rest, fault, record, () => this.#heals > heals);
  }

  #rangeStart(request: IncomingMessage, etag: string): number | undefined {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
    const condition = request.headers["if-range"];
    if (!this.ranges || !range || (condition !== undefined && condition !== etag)) return undefined;
    return Number(range[1]);
  }

  #nextFault(path: string): Fault | undefined {
    const first = this.#faults.get(path)?.[0];
    if (!first) return undefined;
    first.times -= 1;
    if (first.times <= 0) this.#faults.get(path)?.shift();
    return first.fault;
  }
}

function damaged(body: Buffer, fault: Fault | undefined): Buffer {
  if (fault?.kind !== "wrong-bytes") return body;
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}

async function send(response: ServerResponse, rest: Buffer, fault: Fault | undefined, record: Served, healed: () => boolean): Promise<void> {
  if (fault?.kind === "cut") {
    const head = rest.subarray(0, fault.after);
    record.sent = head.length;
    await write(response, head);
    fault.then?.();
    return void response.destroy();
  }
  while (record.sent < rest.length && !response.destroyed) {
    const chunk = rest.subarray(record.sent, record.sent + step(fault, record.sent, healed()));
    await write(response, chunk);
    record.sent += chunk.length;
    if (record.sent < rest.length) await pause(20);
  }
  response.end();
}

/** Bytes of the next chunk. */
function step(fault: Fault | undefined, sent: number, healed: boolean): number {
  if (fault?.kind === "slow") return fault.bytesPerTick;
  if (fault?.kind === "trickle" && !healed) return Math.max(1, fault.after - sent);
  return Infinity;
}

function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => response.write(bytes, () => resolve()));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
