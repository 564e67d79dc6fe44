// What comes from telemetry, as text and nothing else: cut where it is very long, its direction kept to itself.
import { h, type VNode } from "preact";

const LONG = 300;

export function clipped(value: string, max = LONG): string {
  if (value.length <= max) return value;
  // not within a pair of surrogates
  const end = /[\ud800-\udbff]$/.test(value.slice(0, max)) ? max - 1 : max;
  return `${value.slice(0, end)}…`;
}

export function Text({ value, max = LONG }: { value: string; max?: number }): VNode<any> {
  return h("bdi", { title: value.length > max ? clipped(value, 2000) : undefined }, clipped(value, max));
}
