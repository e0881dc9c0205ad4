/** The worker's side of captions: a file is heard window after window, never whole in memory. */

import type { Context } from "./host.js";
import type { CaptionArguments } from "./protocol.js";
import type { Session } from "./session.js";
import { file, run } from "./tasks.js";
import type { Caption } from "./types-long.js";
import { channelText } from "./windows.js";

export async function captions(session: Session, args: CaptionArguments, { signal, emit }: Context<"captions">): Promise<void> {
  const { audio, channel, ...options } = args;
  const request = { kind: "captions", ...(await file(audio.blob)), name: audio.name, channel: channelText(channel), ...options } as const;
  await run(session, request, signal, async ({ steps }) => {
    for await (const { json = "[]", seconds, duration } of steps()) emit({ captions: JSON.parse(json) as Caption[], seconds, duration });
  });
}
