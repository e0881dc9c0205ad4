/** Models and sample sounds that the build puts beside the page. */

export interface ShippedModel {
  title: string;
  /** Relative to the page. */
  url: string;
}

export interface ShippedSound {
  title: string;
  url: string;
  suggestions: string[];
}

export const shippedModels = () => listed<ShippedModel>("models/models.json");
export const shippedSounds = () => listed<ShippedSound>("samples/samples.json");

async function listed<T>(url: string): Promise<T[]> {
  try {
    const response = await fetch(url);
    return response.ok ? ((await response.json()) as T[]) : [];
  } catch {
    return [];
  }
}
