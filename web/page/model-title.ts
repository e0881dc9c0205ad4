/** What people call a model. */

/** The shipped models, by the names in their configurations. The test model is no model for people. */
const TITLES: Record<string, string> = {
  "audio-flamingo-2-demo": "Demo: 49 sounds, English",
  "tiny-a": "Test model, random answers",
};

/** The title of a model for the list and the note. */
export function modelTitle(name: string): string {
  return TITLES[name] ?? name;
}

/** What a sentence calls the model. */
export function modelInSentence(name: string): string {
  return name === "audio-flamingo-2-demo" ? "The demo" : name;
}

/** Whether a shipped model is only for tests. */
export function isForTests(name: string): boolean {
  return name === "tiny-a";
}
