/** The worker's side of live listening. */

import type { Context } from "./host.js";
import type { Calls, GlanceArguments } from "./protocol.js";
import type { Session } from "./session.js";
import { decode, release } from "./windows.js";

type Glance = Calls["glance"]["result"];

/** What is heard in the newest seconds of a stream. */
export async function glance(session: Session, { pcm, ...request }: GlanceArguments, { signal }: Context<"glance">): Promise<Glance> {
  const { engine, model, config } = session.need();
  const windows = await decode(engine, { pcm, decodedBy: "caller" }, { maxWindows: 1, channel: undefined, config });
  const asked = session.inTurn(signal, () => model.glance(windows, request, signal));
  return (await asked.finally(() => release(windows))) as Glance;
}
