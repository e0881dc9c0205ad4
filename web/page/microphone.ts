/** Opens the microphone, unprocessed, and closes it when the signal fires. */

export async function openMicrophone(signal: AbortSignal): Promise<MediaStream> {
  const { mediaDevices } = navigator as { mediaDevices?: MediaDevices };
  if (!mediaDevices) throw new Error("This page has no microphone: it must be opened over HTTPS or on localhost.");
  const stream = await mediaDevices
    .getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } })
    .catch((error: unknown) => {
      throw new Error(reason(error), { cause: error });
    });
  if (signal.aborted) closeMicrophone(stream);
  else signal.addEventListener("abort", () => closeMicrophone(stream), { once: true });
  return stream;
}

export function closeMicrophone(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function reason(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "The microphone is not allowed: permit it in the browser’s address bar and try again.";
  if (name === "NotFoundError") return "There is no microphone.";
  return `The microphone cannot be used: ${error instanceof Error ? error.message : String(error)}`;
}
