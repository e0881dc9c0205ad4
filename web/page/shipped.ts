/** Models and sample sounds that the build puts beside the page. */

import { isForTests } from "./model-title.js";

export interface ShippedModel {
  /** The name in its configuration. */
  title: string;
  /** Relative to the page. */
  url: string;
}

export interface ShippedSound {
  title: string;
  url: string;
  suggestions: string[];
}

/** The models for people; where only the tests' model is there, that one. */
export async function shippedModels(): Promise<ShippedModel[]> {
  const models = await listed<ShippedModel>("models/models.json");
  const forPeople = models.filter(({ title }) => !isForTests(title));
  return forPeople.length > 0 ? forPeople : models;
}

export const shippedSounds = () => listed<ShippedSound>("samples/samples.json");

async function listed<T>(url: string): Promise<T[]> {
  try {
    const response = await fetch(url);
    return response.ok ? ((await response.json()) as T[]) : [];
  } catch {
    return [];
  }
}
