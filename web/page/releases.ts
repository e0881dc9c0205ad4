/** NVIDIA's releases, as the page offers them. Sizes are those of the published tensor tables; nothing is asked of a hub before a click. */

export interface LicenceLink {
  name: string;
  summary: string;
  url: string;
}

export interface Release {
  source: string;
  title: string;
  /** Bytes of weights to fetch. */
  fetchBytes: number;
  /** Bytes of the converted model, and about the GPU memory that it takes. */
  storedBytes: number;
  licences: LicenceLink[];
}

const HUB = "https://huggingface.co";

const ONE_WAY = {
  name: "NVIDIA OneWay Noncommercial License",
  summary: "for research and other noncommercial use only",
  url: `${HUB}/nvidia/audio-flamingo-2/blob/main/LICENSE.md`,
};

const QWEN_RESEARCH = {
  name: "Qwen Research License",
  summary: "for research and other noncommercial use only",
  url: `${HUB}/Qwen/Qwen2.5-3B/blob/main/LICENSE`,
};

const apache = (size: string) => ({
  name: "Apache License 2.0",
  summary: "permits any use of the base model",
  url: `${HUB}/Qwen/Qwen2.5-${size}/blob/main/LICENSE`,
});

export const RELEASES: Release[] = [
  {
    source: "hf:nvidia/audio-flamingo-2-0.5B",
    title: "Small, 0.5B: the quickest",
    fetchBytes: 4_267_049_760,
    storedBytes: 777_000_000,
    licences: [ONE_WAY, apache("0.5B")],
  },
  {
    source: "hf:nvidia/audio-flamingo-2-1.5B",
    title: "Medium, 1.5B",
    fetchBytes: 10_084_437_824,
    storedBytes: 1_598_000_000,
    licences: [ONE_WAY, apache("1.5B")],
  },
  {
    source: "hf:nvidia/audio-flamingo-2",
    title: "Large, 3B: the best answers",
    fetchBytes: 19_164_127_104,
    storedBytes: 2_878_000_000,
    licences: [ONE_WAY, QWEN_RESEARCH],
  },
  {
    source: "hf:nvidia/audio-flamingo-2-SoundCoT",
    title: "Large with reasoning, 3B SoundCoT",
    fetchBytes: 19_164_127_104,
    storedBytes: 2_878_000_000,
    licences: [ONE_WAY, QWEN_RESEARCH],
  },
];
