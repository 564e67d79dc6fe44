// A service of which the mix of log messages is known.
import type { Labels } from "vedette";
import { Mix, RECENT } from "./mix.ts";

const LONGEST_TEXT = 200;

/** What was raised of it and goes on. */
export interface Told {
  readonly template: string;
  readonly labels: Labels;
  readonly rarity: number;
}

export class Service {
  readonly key: string;
  /** Unix milliseconds at which it was first heard. */
  began: number;
  labels: Labels;
  series = 0;
  readonly mix = new Mix();
  /** By slot: name of the records (their severity), and the template as it was when it was first seen. */
  readonly names: string[] = [""];
  readonly texts: string[] = [""];
  /** By bucket: the rarity that was handed over then. */
  readonly said: Float64Array<ArrayBuffer> = new Float64Array(RECENT);
  told: Told | undefined;

  constructor(key: string, began: number, labels: Labels) {
    this.key = key;
    this.began = began;
    this.labels = labels;
  }

  /** Slot of the template with that id, of which a record has these labels. */
  slotOf(id: string, { name, template = "" }: Labels): number {
    const slot = this.mix.slotOf(id);
    this.names[slot] = name;
    this.texts[slot] = template.length > LONGEST_TEXT ? `${template.slice(0, LONGEST_TEXT)}...` : template;
    return slot;
  }

  /** Labels of what is told of a template. */
  labelsOf(slot: number): Labels {
    const { example: _, ...labels } = this.labels;
    return { ...labels, name: this.names[slot], template: this.texts[slot] };
  }
}
