/** What the page remembers between visits. A browser that refuses storage throws at every touch: then nothing is remembered. */

export function recall(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // refused: the choice holds for this visit
  }
}
