/** The model hub of the tests, as a process of its own: two origins, faults on request. See `tests/src/hub`. */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../../target/debug/hub", import.meta.url));

/** One request that the hub or its storage answered. */
export interface Asked {
  origin: "hub" | "storage";
  method: string;
  path: string;
  headers: [name: string, value: string][];
  status: number;
  sent: number;
}

/** A command of the control interface. */
type Command = string | Record<string, unknown>;

export class Hub {
  private constructor(
    private readonly process: ChildProcess,
    readonly endpoint: string,
  ) {}

  /** Starts a hub that holds the toy model under the name of the 0.5B, as the releases are stored. */
  static async start(): Promise<Hub> {
    const child = spawn(PROGRAM, { stdio: ["pipe", "pipe", "inherit"] });
    const line = await new Promise<string>((resolve, reject) => {
      child.once("error", reject); // it is not built: the test fails
      child.stdout.once("data", (data: Buffer) => resolve(data.toString()));
    });
    const hub = new Hub(child, (JSON.parse(line) as { endpoint: string }).endpoint);
    await hub.tell({ "tiny-a": { layout: "whole-state" } });
    return hub;
  }

  async tell(command: Command): Promise<Asked[]> {
    const answer = await fetch(`${this.endpoint}/_control`, { method: "POST", body: JSON.stringify(command) });
    if (!answer.ok) throw new Error(await answer.text());
    return ((await answer.json()) as { log: Asked[] }).log;
  }

  fault(kind: string, settings: Record<string, unknown> = {}): Promise<Asked[]> {
    return this.tell({ fault: { kind, path: ".safetensors", ...settings } });
  }

  /** Every request but preflights and commands, in order of arrival. */
  async log(): Promise<Asked[]> {
    return (await this.tell("log")).filter(({ method, path }) => method !== "OPTIONS" && !path.startsWith("/_control"));
  }

  /** Bytes that the storage has sent. */
  async storageBytes(): Promise<number> {
    return (await this.log()).filter(({ origin }) => origin === "storage").reduce((sum, { sent }) => sum + sent, 0);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill();
    await ended;
  }
}
