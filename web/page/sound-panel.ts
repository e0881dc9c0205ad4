/** Shows the sound: name, picture, position, what the model has heard of it. */

import { byId, make, write } from "./dom.js";
import { clock, duration, sentence } from "./format.js";
import type { Machine } from "./machine.js";
import type { Player } from "./player.js";
import { Spectrogram } from "./spectrogram.js";
import type { PageState, Sound } from "./state.js";

const seek = byId<HTMLInputElement>("seek");
const picture = new Spectrogram(byId<HTMLCanvasElement>("picture"));

export function startSoundPanel(machine: Machine, player: Player): void {
  const file = byId<HTMLInputElement>("file");
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (chosen) machine.send({ type: "choose", name: chosen.name, source: chosen, suggestions: [] });
    file.value = "";
  });
  byId("hear-more").addEventListener("click", () => machine.send({ type: "hear-more" }));
  byId("another").addEventListener("click", () => machine.send({ type: "clear" }));
  byId("play").addEventListener("click", () => {
    const source = machine.state.sound?.source;
    if (source instanceof Blob) player.toggle(source);
  });
  seek.addEventListener("input", () => player.seek(Number(seek.value)));
  player.listen(() => follow(machine, player));
  machine.watch(({ sound }) => sound?.source, (source) => player.open(source instanceof Blob ? source : undefined));
  machine.watch(({ sound }) => sound?.id, (_, state) => showPart(state));
  machine.watch(({ microphone }) => microphone.at === "live", (_, state) => showPart(state));
  machine.watch(({ sound }) => sound?.info, (info) => void picture.show(info));
  machine.watch(({ sound }) => sound, (sound, state) => showSound(sound, state));
  machine.watch(({ model }) => model, (_, state) => showSound(state.sound, state));
  machine.watch((state) => shownRelevance(state), (relevance) => (picture.heat = relevance));
}

/** One of: where to get a sound, the sound, live captions. The focus does not fall into what is hidden. */
function showPart({ sound, microphone }: PageState): void {
  const live = microphone.at === "live";
  const [drop, heard] = [byId("drop"), byId("heard")];
  const focused = drop.contains(document.activeElement) || heard.contains(document.activeElement) || byId("live").contains(document.activeElement);
  drop.hidden = live || sound !== undefined;
  heard.hidden = live || sound === undefined;
  byId("live").hidden = !live;
  if (focused) byId(live ? "live-stop" : sound ? "play" : "file").focus();
}

function showSound(sound: Sound | undefined, { model }: PageState): void {
  if (!sound) return;
  byId("sound-name").textContent = sound.name;
  byId("sound-name").title = sound.name;
  byId("sound-info").textContent = description(sound);
  write(byId("listening"), hearing(sound, model.ready !== undefined, model.loading !== undefined));
  showMore(sound);
  picture.heardSeconds = heardSeconds(sound);
  seek.max = String(sound.info?.seconds ?? 1);
  seek.step = (sound.info?.seconds ?? 0) > 60 ? "1" : "0.1";
  const notices = [...new Set([...(sound.info?.notices ?? []), ...(sound.hearing.at === "heard" ? sound.hearing.clip.info.notices : [])])];
  byId("sound-notices").hidden = notices.length === 0;
  byId("sound-notices").replaceChildren(...notices.map((notice) => make("li", "", sentence(notice))));
}

/** Offers to hear more than the model was made for, where there is more. */
function showMore({ hearing, info, most }: Sound): void {
  const more = hearing.at === "heard" && hearing.clip.info.truncated && most === undefined;
  const button = byId("hear-more");
  if (!more && document.activeElement === button) byId("play").focus(); // it is hidden: the focus would be lost
  button.hidden = !more;
  button.textContent = info?.truncated ? `Hear the first ${clock(info.seconds)}` : "Hear all of it";
}

function description({ info, fileSeconds }: Sound): string {
  if (!info) return "Decoding…";
  const whole = info.truncated && fileSeconds ? fileSeconds : info.seconds;
  const notes = [info.truncated ? `the first ${clock(info.seconds)} is shown` : "", info.decodedBy === "browser" ? "decoded by the browser" : ""];
  return [duration(whole), `${(info.sourceRate / 1000).toFixed(1)} kHz`, ...notes].filter(Boolean).join(" · ");
}

/** What was heard, in words. */
function hearing({ hearing, fileSeconds }: Sound, ready: boolean, loading: boolean): string {
  switch (hearing.at) {
    case "waiting":
      return loading || ready ? "Waiting for the model…" : "No model is loaded: choose one under Model.";
    case "listening": {
      if (hearing.stalled) return "The device has not answered for a minute. Wait, or reload the page and try the CPU: ?engine=cpu.";
      const several = hearing.windows !== undefined && hearing.windows > 1;
      return several ? `Listening: ${hearing.done} of ${hearing.windows} windows…` : "Listening…";
    }
    case "heard": {
      const { seconds, encodeMs, truncated } = hearing.clip.info;
      const whole = fileSeconds ? ` of ${clock(fileSeconds)}` : "";
      const part = truncated ? `Heard: the first ${clock(seconds)}${whole}. Captions below cover the whole file.` : `Heard all ${duration(seconds)} in ${duration(encodeMs / 1000)}.`;
      return `${part} Further questions need no second listening.`;
    }
    case "failed":
      return `It could not be heard: ${hearing.reason} Ask again to retry.`;
  }
}

function heardSeconds({ hearing, info }: Sound): number {
  if (hearing.at === "listening") return hearing.done * (info?.windowSeconds ?? 0);
  return hearing.at === "heard" && hearing.clip.info.truncated ? hearing.clip.info.seconds : Infinity;
}

function shownRelevance({ answers, heat }: PageState) {
  const where = answers.find(({ id }) => id === heat)?.where;
  return where?.at === "located" ? where.relevance : undefined;
}

/** Moves button, line and slider with the player, if it plays this sound. */
function follow({ state: { sound }, send }: Machine, player: Player): void {
  const mine = sound !== undefined && player.source === sound.source;
  const playing = mine && player.playing;
  const button = byId("play");
  button.toggleAttribute("data-playing", playing);
  button.setAttribute("aria-label", playing ? "Pause" : "Play");
  if (!mine) return;
  picture.position = player.position;
  seek.value = String(player.position);
  const whole = sound.info?.seconds ?? 0;
  seek.setAttribute("aria-valuetext", `${player.position.toFixed(1)} seconds of ${whole.toFixed(1)}`);
  const { seconds } = player;
  if (seconds !== undefined && seconds !== sound.fileSeconds) send({ type: "measured", sound: sound.id, seconds });
}
